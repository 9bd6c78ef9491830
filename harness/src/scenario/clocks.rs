//! How much wall time a run may take before it is called stuck.

use damonlab_protocol::units::Nanos;
use std::time::Duration;

/// Wall-clock limits of one run, each named in the message when it runs out.
///
/// Guests run on virtual time, so the result does not depend on wall time; these limits only catch what hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// From QEMU's start to the guest's ready mark.
    pub boot: Duration,
    /// From the ready mark to the drain mark.
    pub scenario: Duration,
    /// From the drain mark to QEMU's end.
    pub shutdown: Duration,
}

impl Clocks {
    /// The defaults: 120 s to boot, 60 s and ten wall seconds a guest second for the scenario, 30 s
    /// to shut down. Measured guests run at 1 to 5 guest seconds a second on two busy cores.
    pub fn for_guest_time(guest_time: Nanos) -> Clocks {
        let scaled = Duration::from(guest_time).saturating_mul(10);
        Clocks {
            boot: Duration::from_secs(120),
            scenario: Duration::from_secs(60).saturating_add(scaled),
            shutdown: Duration::from_secs(30),
        }
    }

    /// The whole run's limit: the three together.
    pub fn hard(&self) -> Duration {
        self.boot.saturating_add(self.scenario).saturating_add(self.shutdown)
    }
}
