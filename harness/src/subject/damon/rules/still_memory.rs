//! What leaves each page of memory where it is, but for DAMON's own migrations.

use super::migration::migrates;
use damonlab_protocol::damon::Scheme;
use damonlab_protocol::plan::Step;

/// Whether a step leaves memory where it is.
pub(crate) fn keeps_memory(step: &Step) -> bool {
    matches!(
        step,
        Step::Start { .. }
            | Step::Run { .. }
            | Step::Stop
            | Step::Commit { .. }
            | Step::Retarget { .. }
            | Step::Pause { .. }
            | Step::Resume { .. }
            | Step::ReadBack
    )
}

/// Whether all that a scheme does to memory is to count it, to move it or to sort its lists.
pub(crate) fn keeps_pages(scheme: &Scheme) -> bool {
    migrates(scheme) || matches!(scheme.action.as_str(), "stat" | "lru_prio" | "lru_deprio")
}
