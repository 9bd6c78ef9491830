//! A verdict as the status of an item.

use super::event::{Outcome, Status};
use crate::check::Verdict;

/// A verdict as an item's status.
pub(super) fn status(verdict: &Verdict) -> Status {
    let (word, counted, outcome) = match verdict {
        Verdict::Pass => ("PASS", "passed", Outcome::Passed),
        Verdict::Fail(_) => ("FAIL", "failed", Outcome::Failed),
        Verdict::Skip(_) => ("SKIP", "skipped", Outcome::Skipped),
        Verdict::Unstable(_) => ("UNSTABLE", "unstable", Outcome::Failed),
        Verdict::Infra(_) => ("INFRA", "without a result", Outcome::NoResult),
    };
    Status { word, counted, outcome }
}
