//! Reports for tests.

use super::{Report, origin, rejudge};
use crate::check::finding::Violation;
use crate::check::{Finding, Verdict};
use crate::recording::testing::stored;

/// The report of a run that violates these rules.
pub(crate) fn violating(ids: &[&str]) -> Report {
    let finding = |id: &&str| Finding::of(origin(id).unwrap(), Violation::new("a", "b"));
    let report = rejudge(&stored("pull-push-short")).unwrap();
    Report { verdict: Verdict::Fail(ids.iter().map(finding).collect()), ..report }
}
