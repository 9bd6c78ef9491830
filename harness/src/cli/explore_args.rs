//! What `explore` and `shrink` have in common: how much is made smaller, on how many guests, and what is meant to change.

use super::expect_change::ExpectChangeArgs;
use super::values;
use crate::host::slots;
use clap::Args;
use std::num::NonZeroUsize;

#[derive(Debug, Args)]
pub(super) struct ExploreArgs {
    /// How many runs it may take to make a scenario smaller: for `explore`, the first of each finding. 0 leaves it as it is.
    #[arg(long, default_value = "60", value_name = "N", value_parser = values::shrink_runs, allow_negative_numbers = true)]
    pub(super) shrink_runs: usize,
    /// How many guests run at once at most [default: one a core].
    #[arg(long, value_name = "N", value_parser = values::guests, allow_negative_numbers = true)]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(super) expect_change: ExpectChangeArgs,
}

impl ExploreArgs {
    /// How many guests run at once at most.
    pub(super) fn jobs(&self) -> NonZeroUsize {
        self.jobs.unwrap_or(slots::count())
    }
}
