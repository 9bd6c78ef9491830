//! Guest time: CLOCK_MONOTONIC, read, slept on, and as a limit.

use damonlab_protocol::units::Nanos;
use nix::errno::Errno;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_getcpuclockid, clock_gettime, clock_nanosleep};
use nix::unistd::{Pid, alarm};

const BILLION: u64 = 1_000_000_000;

/// Nanoseconds since boot.
pub fn now() -> Nanos {
    // The clock is always there; 0 would only make the caller's deadline come at once.
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Nanos(0), nanos)
}

fn nanos(time: TimeSpec) -> Nanos {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    Nanos(seconds * BILLION + u64::try_from(time.tv_nsec()).unwrap_or(0))
}

/// How long a process has had the CPU, also a thread of the kernel: the scheduler's own sum, in nanoseconds, which
/// needs no CONFIG_SCHEDSTATS. None for a process that is gone.
pub fn of_process(pid: i32) -> Option<Nanos> {
    // Process 0 would be the caller.
    let clock = clock_getcpuclockid(Pid::from_raw(pid)).ok().filter(|_| pid > 0)?;
    clock_gettime(clock).ok().map(nanos)
}

/// Sleeps until a moment of [`now`]; returns at once when it is past.
pub fn sleep_until(deadline: Nanos) {
    let seconds = i64::try_from(deadline.0 / BILLION).unwrap_or(i64::MAX);
    let nanos = i64::try_from(deadline.0 % BILLION).unwrap_or(0);
    let request = TimeSpec::new(seconds, nanos);
    while clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &request)
        == Err(Errno::EINTR)
    {}
}

/// Sleeps for so long from now.
pub fn sleep(time: Nanos) {
    sleep_until(Nanos(now().0.saturating_add(time.0)));
}

/// Asks `found` every `step` until it gives something, for `limit` of guest time.
pub fn poll<T>(step: Nanos, limit: Nanos, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let end = now().0.saturating_add(limit.0);
    loop {
        if let Some(thing) = found() {
            return Some(thing);
        }
        if now().0 >= end {
            return None;
        }
        sleep(step);
    }
}

/// Does `work`, and interrupts the system call that it is in after so long (rounded up to seconds): the call
/// ends with EINTR where the kernel looks for signals.
pub fn interrupted_after<T>(limit: Nanos, work: impl FnOnce() -> T) -> Result<T, Errno> {
    extern "C" fn nothing(_: i32) {}
    // Without SA_RESTART, or the call would go on.
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    #[expect(unsafe_code, reason = "nix has no safe interface for handlers")]
    // SAFETY: the handler does nothing, which is safe in a signal.
    unsafe {
        sigaction(Signal::SIGALRM, &action)?
    };
    let seconds = u32::try_from(limit.0.div_ceil(BILLION)).unwrap_or(u32::MAX).max(1);
    alarm::set(seconds);
    let result = work();
    alarm::cancel();
    Ok(result)
}
