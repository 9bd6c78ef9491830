//! Guest time: CLOCK_MONOTONIC, read and slept on.

use damonlab_guest::units::Nanos;
use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

const BILLION: u64 = 1_000_000_000;

/// Nanoseconds since boot.
pub fn now() -> Nanos {
    // The clock is always there; 0 would only make the caller's deadline come at once.
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Nanos(0), |time| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        Nanos(seconds * BILLION + u64::try_from(time.tv_nsec()).unwrap_or(0))
    })
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
