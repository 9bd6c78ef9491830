//! What a host gave a guest while its plan ran. Data of the host's: nothing compares it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The share of its time for which a guest may wait for a processor, in per cent; beyond that the host was too busy.
///
/// Measured with `smoke-two-socket-two-slow` under TCG on two cores: see docs/facts/performance.md.
const LIMIT_PERCENT: u64 = 10;

/// What a host gave a guest, in milliseconds of its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostLoad {
    /// How long the plan ran.
    pub wall_ms: u64,
    /// The processor time of QEMU.
    pub ran_ms: u64,
    /// How long QEMU could have run and waited for a processor: of its threads, the one that waited most.
    pub waited_ms: u64,
    /// How long QEMU was stopped by a signal, or damonlab did not run, which can be the whole machine.
    pub stopped_ms: u64,
}

impl HostLoad {
    /// Whether the guest got so little of the host that, on the real clock, it may be late without being wrong.
    pub fn is_too_much(&self) -> bool {
        self.lost_ms() * 100 > self.wall_ms * LIMIT_PERCENT
    }

    fn lost_ms(&self) -> u64 {
        self.waited_ms.saturating_add(self.stopped_ms)
    }
}

/// The sentence of a verdict.
impl fmt::Display for HostLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |millis: u64| millis as f64 / 1000.0;
        let share = 100 * self.lost_ms() / self.wall_ms.max(1);
        write!(
            f,
            "QEMU waited for a processor for {:.1} s of {:.1} s",
            seconds(self.waited_ms),
            seconds(self.wall_ms)
        )?;
        if self.stopped_ms > 0 {
            write!(f, ", damonlab or QEMU was stopped for {:.1} s", seconds(self.stopped_ms))?;
        }
        write!(
            f,
            " ({share} %; more than {LIMIT_PERCENT} % is too much), and ran for {:.1} s",
            seconds(self.ran_ms)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(waited_ms: u64, stopped_ms: u64) -> HostLoad {
        HostLoad { wall_ms: 6000, ran_ms: 2500, waited_ms, stopped_ms }
    }

    #[test]
    fn a_guest_that_waits_or_is_stopped_for_more_than_the_limit_got_too_little() {
        assert!(!load(600, 0).is_too_much());
        assert!(load(601, 0).is_too_much());
        assert!(load(300, 301).is_too_much());
    }

    #[test]
    fn the_figures_are_in_the_text() {
        assert_eq!(
            load(3120, 0).to_string(),
            "QEMU waited for a processor for 3.1 s of 6.0 s (52 %; more than 10 % is too much), and ran for 2.5 s"
        );
        assert!(load(0, 4000).to_string().contains(", damonlab or QEMU was stopped for 4.0 s (66 %"));
    }
}
