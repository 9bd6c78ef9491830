//! Where a debugger stops before an event: the kernel functions that lead to it.

use super::events::{Esz, IntervalsTune, TRACED_METRICS};

/// The function that leads to the event of a goal, whichever its metric (Linux 7.3).
const MEASURES_GOAL: &str = "damos_quota_score";

/// The functions that lead to events (Linux 7.3): event, then function.
pub(crate) fn functions_before_events() -> impl Iterator<Item = (&'static str, &'static str)> {
    let goals = TRACED_METRICS.iter().map(|(_, event)| (*event, MEASURES_GOAL));
    let others = [(Esz::NAME, "damos_set_effective_quota"), (IntervalsTune::NAME, "kdamond_tune_intervals")];
    goals.chain(others)
}
