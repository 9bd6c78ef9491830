//! What makes time pass in a guest, and what runs its instructions.

use crate::scenario::InstructionCost;
use serde::{Deserialize, Serialize};

/// What runs the guest's instructions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accelerator {
    /// The host's processor.
    Kvm,
    /// QEMU's translator, because of this.
    Tcg(String),
}

/// What makes time pass in a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timing {
    /// Its own instructions, so fast.
    Virtual(InstructionCost),
    /// The host's clock.
    Real(Accelerator),
}

impl Accelerator {
    /// QEMU's words for a guest on the real clock. The calendar and the processor are those of the
    /// virtual clock, so that a guest sees no more of the host than it must.
    pub(super) fn words(&self) -> [&'static str; 6] {
        let accelerator = match self {
            Accelerator::Kvm => "kvm",
            Accelerator::Tcg(_) => "tcg,thread=multi",
        };
        ["-accel", accelerator, "-rtc", "base=2026-01-01T00:00:00,clock=vm", "-cpu", "max,-rdrand,-rdseed"]
    }
}
