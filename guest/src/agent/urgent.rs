//! Who goes first at the CPU: this process, for as long as a moment has to be read to the instruction, and tasks whose
//! order is planned.

use nix::errno::Errno;
use nix::libc;

/// This thread, or this process where it has no other.
const SELF: i32 = 0;

/// Does `work` ahead of every ordinary task: when a kdamond answers, this process goes on before the kdamond
/// does. Without the right to that, the work is done all the same.
pub fn first<T>(work: impl FnOnce() -> T) -> T {
    // A guest whose kernel refuses reads the moment a little later, no more.
    let _ = real_time(SELF, 1);
    let result = work();
    let _ = ordinary(SELF);
    result
}

/// Gives the calling thread a real-time priority.
pub fn this_thread(priority: u8) -> Result<(), Errno> {
    real_time(SELF, priority)
}

/// Gives a thread a real-time priority: it interrupts whoever has a lower one, and keeps the CPU until it waits.
pub fn real_time(pid: i32, priority: u8) -> Result<(), Errno> {
    schedule(pid, libc::SCHED_FIFO, libc::c_int::from(priority))
}

/// Makes a thread an ordinary one.
pub fn ordinary(pid: i32) -> Result<(), Errno> {
    schedule(pid, libc::SCHED_OTHER, 0)
}

fn schedule(pid: i32, policy: libc::c_int, priority: libc::c_int) -> Result<(), Errno> {
    #[expect(
        unsafe_code,
        reason = "nix has no safe interface for scheduling policies, nor musl a working one"
    )]
    // SAFETY: the kernel's `struct sched_param` is one int, which outlives the call.
    let result = unsafe { libc::syscall(libc::SYS_sched_setscheduler, pid, policy, &raw const priority) };
    Errno::result(result).map(drop)
}
