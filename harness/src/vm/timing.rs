//! The clock of a guest, and what executes its instructions.

use crate::recording::AcceleratorName;
use crate::scenario::InstructionCost;
use serde::{Deserialize, Serialize};

/// What executes the guest's instructions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accelerator {
    /// The host's processor.
    Kvm,
    /// QEMU's translator, with the reason why.
    Tcg(String),
}

/// The clock of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timing {
    /// Virtual time: its own instructions, at this cost.
    Virtual(InstructionCost),
    /// The host's clock, under this accelerator.
    Real(Accelerator),
}

impl Timing {
    /// What executes the guest's instructions.
    pub fn accelerator(&self) -> AcceleratorName {
        match self {
            // Only TCG counts instructions.
            Timing::Virtual(_) => AcceleratorName::Tcg,
            Timing::Real(accelerator) => accelerator.name(),
        }
    }
}

impl Accelerator {
    /// Its name.
    pub fn name(&self) -> AcceleratorName {
        match self {
            Accelerator::Kvm => AcceleratorName::Kvm,
            Accelerator::Tcg(_) => AcceleratorName::Tcg,
        }
    }

    /// QEMU's arguments for a guest on the real clock. The calendar and the processor are those of the virtual clock, so that
    /// a guest sees no more of the host than necessary.
    pub(super) fn arguments(&self) -> [&'static str; 6] {
        let accelerator = match self {
            Accelerator::Kvm => "kvm",
            Accelerator::Tcg(_) => "tcg,thread=multi",
        };
        ["-accel", accelerator, "-rtc", "base=2026-01-01T00:00:00,clock=vm", "-cpu", "max,-rdrand,-rdseed"]
    }
}
