//! The numbers of a recording by which two kernels are compared, whatever the subject.

use serde::{Serialize, Serializer};
use std::fmt;

/// A quantity that can be measured in a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// What is measured, for instance `migrated`.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
}

/// The unit of a quantity, which also decides how large a difference has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 1/10000.
    BasisPoints,
    /// Guest time.
    Seconds,
    /// Shown in MiB.
    Bytes,
    /// Shown in millions.
    Instructions,
    /// A plain number.
    Count,
}

/// One number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// The number.
    pub value: f64,
    /// The run never reached what the quantity is the time to; the number is the length of the run.
    pub never: bool,
}

const MIB: f64 = 1_048_576.0;

impl Quantity {
    /// A quantity with this name and unit.
    pub fn new(name: impl Into<String>, unit: Unit) -> Quantity {
        Quantity { name: name.into(), unit }
    }

    /// A difference of at most this amount is never significant. `median` is the larger one of the two sides.
    pub fn floor(&self, median: f64) -> f64 {
        match self.unit {
            Unit::BasisPoints => 100.0,
            Unit::Seconds => (0.05 * median).max(0.5),
            Unit::Bytes => (0.05 * median).max(MIB),
            // Another layout of the same code changes it slightly, and with every seed in the same direction.
            Unit::Instructions => 0.02 * median,
            Unit::Count => 0.05 * median,
        }
    }

    /// A number with its unit.
    pub fn amount(&self, value: f64) -> String {
        let unit = self.unit.name();
        if unit.is_empty() { self.number(value) } else { format!("{} {unit}", self.number(value)) }
    }

    /// A number without its unit.
    pub fn number(&self, value: f64) -> String {
        self.unit.number(value)
    }
}

impl Unit {
    /// What stands behind a number that is shown; nothing behind a count.
    pub fn name(self) -> &'static str {
        match self {
            Unit::BasisPoints => "bp",
            Unit::Seconds => "s",
            Unit::Bytes => "MiB",
            Unit::Instructions => "million",
            Unit::Count => "",
        }
    }

    /// The unit of the number itself, which programs get without scaling.
    pub fn stored(self) -> &'static str {
        match self {
            Unit::BasisPoints => "bp",
            Unit::Seconds => "s",
            Unit::Bytes => "bytes",
            Unit::Instructions => "instructions",
            Unit::Count => "count",
        }
    }

    /// A number as it is shown, without its unit.
    pub fn number(self, value: f64) -> String {
        match self {
            Unit::BasisPoints | Unit::Count => format!("{value:.0}"),
            Unit::Seconds => format!("{value:.1}"),
            Unit::Bytes => format!("{:.1}", value / MIB),
            Unit::Instructions => format!("{:.1}", value / 1e6),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}
