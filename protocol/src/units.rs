//! Numbers that carry their unit: node ids, byte sizes, guest time, addresses.
//!
//! All serialise as plain numbers, so that a plan and a recording stay readable with `jq`.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);
    };
}

unit!(
    /// A NUMA node id, as in `/sys/devices/system/node/nodeN`.
    NodeId(u16)
);
unit!(
    /// A size in bytes.
    Bytes(u64)
);
unit!(
    /// A span of time in nanoseconds.
    Nanos(u64)
);
unit!(
    /// A physical or virtual address, in bytes.
    Addr(u64)
);
unit!(
    /// Hundredths of a percent: 10000 is the whole (DAMON's `_bp` metrics).
    BasisPoints(u64)
);

impl BasisPoints {
    /// All of it.
    pub const WHOLE: BasisPoints = BasisPoints(10_000);

    /// This part of `whole`, rounded down; no more than a `u64` holds.
    pub fn of(self, whole: u64) -> u64 {
        u64::try_from(u128::from(whole) * u128::from(self.0) / 10_000).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.0)
    }
}

impl Bytes {
    /// One mebibyte.
    pub const MIB: Bytes = Bytes(1 << 20);

    /// Whole pages of 4 KiB, rounded up.
    pub fn pages(self) -> u64 {
        self.0.div_ceil(4096)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        for (size, name) in units {
            if self.0 >= size && self.0.is_multiple_of(size) {
                return write!(f, "{} {name}", self.0 / size);
            }
        }
        write!(f, "{} B", self.0)
    }
}

impl Nanos {
    /// Seconds as a trace prints them: `12.345678`.
    pub fn seconds(self) -> String {
        format!("{}.{:06}", self.micros() / 1_000_000, self.micros() % 1_000_000)
    }

    /// Whole microseconds, rounded down: the unit of DAMON's sysfs.
    pub fn micros(self) -> u64 {
        self.0 / 1_000
    }

    /// From microseconds.
    pub fn from_micros(us: u64) -> Nanos {
        Nanos(us.saturating_mul(1_000))
    }

    /// From milliseconds.
    pub fn from_millis(ms: u64) -> Nanos {
        Nanos(ms.saturating_mul(1_000_000))
    }
}

impl From<Nanos> for std::time::Duration {
    fn from(n: Nanos) -> Self {
        std::time::Duration::from_nanos(n.0)
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1_000_000_000u64, "s"), (1_000_000, "ms"), (1_000, "us")];
        for (size, name) in units {
            if self.0 >= size && self.0.is_multiple_of(size) {
                return write!(f, "{}{name}", self.0 / size);
            }
        }
        write!(f, "{}ns", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_prints_in_the_largest_unit_that_divides_it() {
        assert_eq!(Bytes(512 << 20).to_string(), "512 MiB");
        assert_eq!(Bytes(1 << 30).to_string(), "1 GiB");
        assert_eq!(Bytes(4097).to_string(), "4097 B");
    }

    #[test]
    fn a_part_is_rounded_down_and_does_not_overflow() {
        assert_eq!(BasisPoints(3_333).of(10), 3);
        assert_eq!(BasisPoints::WHOLE.of(u64::MAX), u64::MAX);
        assert_eq!(BasisPoints(u64::MAX).of(u64::MAX), u64::MAX);
    }

    #[test]
    fn a_time_prints_in_the_largest_unit_that_divides_it() {
        assert_eq!(Nanos::from_millis(400).to_string(), "400ms");
        assert_eq!(Nanos(1_500).to_string(), "1500ns");
        assert_eq!(Nanos(0).to_string(), "0ns");
    }
}
