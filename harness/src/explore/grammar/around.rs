//! What a scheme needs to know of its kdamond: its operations, its targets and its intervals.

use crate::explore::tree::Tree;

/// What is around a scheme.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    pub(super) vaddr: bool,
    /// How many targets there are.
    pub(super) targets: usize,
    pub(super) times: Times,
}

/// The intervals that bounds of other parts depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) sample_us: u64,
    /// In samples.
    pub(super) aggregation: u64,
}

impl Times {
    pub(super) fn aggregation_us(self) -> u64 {
        self.sample_us * self.aggregation
    }
}

/// A time in DAMON's notation.
pub(super) fn time(us: u64) -> Tree {
    if us.is_multiple_of(1_000) { format!("{} ms", us / 1_000).into() } else { format!("{us} us").into() }
}
