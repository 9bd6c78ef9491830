//! A verdict as the status of an item.

use super::event::{ItemResult, Status};
use crate::check::Verdict;

/// A verdict as an item's status.
pub(super) fn status(verdict: &Verdict) -> Status {
    let (word, counted, outcome) = match verdict {
        Verdict::Pass => ("PASS", "passed", ItemResult::Passed),
        Verdict::Fail(_) => ("FAIL", "failed", ItemResult::Failed),
        Verdict::Skip(_) => ("SKIP", "skipped", ItemResult::Skipped),
        Verdict::Unstable(_) => ("UNSTABLE", "unstable", ItemResult::Failed),
        Verdict::Infra(_) => ("INFRA", "without a result", ItemResult::NoResult),
    };
    Status { word, counted, outcome }
}
