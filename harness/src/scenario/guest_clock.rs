//! Which clock a guest lives by.

use crate::host::text::foreign;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What makes time pass in the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuestClock {
    /// The guest's own instructions: runs repeat, and the host's load is invisible.
    #[default]
    Virtual,
    /// The host's clock: for KVM, or to see how a kernel does when time does not wait for it.
    Real,
}

impl GuestClock {
    /// Its names in scenarios and on the command line.
    pub const NAMES: &[&str] = &["virtual", "real"];

    /// Whether it is the default: recordings of before there was a choice do not name it.
    pub fn is_virtual(&self) -> bool {
        *self == GuestClock::Virtual
    }
}

impl fmt::Display for GuestClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GuestClock::Virtual => "virtual",
            GuestClock::Real => "real",
        })
    }
}

/// How fast a guest's processor is on the virtual clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InstructionCost {
    /// An instruction takes 8 ns.
    #[default]
    Plain,
    /// An instruction takes 2 ns. A kernel with KASAN and lockdep executes several times as many for the same work; on
    /// a processor that is faster by as much, the same work is done in the same guest time.
    Instrumented,
}

impl InstructionCost {
    /// The base-2 logarithm of the nanoseconds that an instruction takes (QEMU's `-icount shift=`).
    pub fn shift(self) -> u32 {
        match self {
            InstructionCost::Plain => 3,
            InstructionCost::Instrumented => 1,
        }
    }

    /// Nanoseconds that an instruction takes.
    pub fn nanos(self) -> f64 {
        f64::from(1_u32 << self.shift())
    }

    /// Whether it is the default: recordings of before there was a choice do not name it.
    pub fn is_plain(&self) -> bool {
        *self == InstructionCost::Plain
    }
}

/// A name that no clock has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no clock '{}': it is virtual or real", foreign(.0))]
pub struct NoClock(String);

impl FromStr for GuestClock {
    type Err = NoClock;

    fn from_str(name: &str) -> Result<GuestClock, NoClock> {
        match name {
            "virtual" => Ok(GuestClock::Virtual),
            "real" => Ok(GuestClock::Real),
            other => Err(NoClock(other.to_owned())),
        }
    }
}
