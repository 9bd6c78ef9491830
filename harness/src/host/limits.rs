//! What a child program may take: time, and bytes of output.

use damonlab_protocol::units::Bytes;
use std::time::{Duration, Instant};

/// The limits of one program. Who starts a program has to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From its start to its end.
    pub time: Duration,
    /// What it may print on both streams together.
    pub output: Bytes,
}

impl Limits {
    /// A question that is answered at once: a version, whether a command works.
    pub const QUERY: Limits = Limits { time: Duration::from_secs(10), output: Bytes(64 << 10) };
    /// Work on files of this host: git, tar, a checksum, one small program to compile.
    pub const LOCAL: Limits = Limits { time: Duration::from_secs(30 * 60), output: Bytes(512 << 20) };
    /// A download or an installation.
    pub const NETWORK: Limits = Limits { time: Duration::from_secs(3 * 3600), output: Bytes(64 << 20) };
    /// The build of a kernel, with everything switched on, on a slow machine.
    pub const BUILD: Limits = Limits { time: Duration::from_secs(24 * 3600), output: Bytes(1 << 30) };
}

/// The longest time between two looks that counts. If more has passed, this process was stopped (SIGSTOP, Ctrl-Z), and
/// the program is not to blame.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// Counts the time in which this process ran.
#[derive(Debug)]
pub(super) struct Clock {
    last: Instant,
    passed: Duration,
}

impl Clock {
    pub(super) fn start() -> Clock {
        Clock { last: Instant::now(), passed: Duration::ZERO }
    }

    /// The time that has passed. It has to be called more than once a second.
    pub(super) fn passed(&mut self) -> Duration {
        self.passed_at(Instant::now())
    }

    fn passed_at(&mut self, now: Instant) -> Duration {
        self.passed += now.saturating_duration_since(self.last).min(LONGEST_LOOK);
        self.last = now;
        self.passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_in_which_damonlab_was_stopped_does_not_count() {
        let mut clock = Clock::start();
        let start = clock.last;
        for half_seconds in 1..=4 {
            clock.passed_at(start + Duration::from_millis(500) * half_seconds);
        }
        assert_eq!(clock.passed_at(start + Duration::from_secs(2)), Duration::from_secs(2));
        assert_eq!(clock.passed_at(start + Duration::from_secs(3600)), Duration::from_secs(3));
    }
}
