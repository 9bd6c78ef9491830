//! First in line for the CPU, for as long as a moment has to be read to the instruction.

use nix::errno::Errno;
use nix::libc;

/// Does `work` ahead of every ordinary task: when a kdamond answers, this process goes on before the kdamond
/// does. Without the right to that, the work is done all the same.
pub fn first<T>(work: impl FnOnce() -> T) -> T {
    // A guest whose kernel refuses reads the moment a little later, no more.
    let _ = schedule(libc::SCHED_FIFO, 1);
    let result = work();
    let _ = schedule(libc::SCHED_OTHER, 0);
    result
}

fn schedule(policy: libc::c_int, priority: libc::c_int) -> Result<(), Errno> {
    #[expect(
        unsafe_code,
        reason = "nix has no safe interface for scheduling policies, nor musl a working one"
    )]
    // SAFETY: the kernel's `struct sched_param` is one int, which outlives the call.
    let result = unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const priority) };
    Errno::result(result).map(drop)
}
