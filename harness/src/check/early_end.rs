//! The ends of a run that the recording itself shows: an error of the guest, and steps without a result.

use super::finding::{Finding, Origin, Violation};
use super::run_end::RunEnd;
use super::violations::Violations;
use crate::recording::Recording;
use damonlab_protocol::plan::Step;
use damonlab_protocol::record::section;

/// The findings about the end of a run.
pub(crate) fn found(recording: &Recording) -> Vec<Finding> {
    let errors = recording.report.errors.iter();
    let errors: Violations =
        errors.map(|error| Violation::quoting("a guest without errors", error, section::REPORT)).collect();
    let found = errors.findings_of(&Origin::RunEnd(RunEnd::GuestError));
    if !found.is_empty() {
        // An error is why steps have no result.
        return found;
    }
    let missing =
        incomplete(recording).map(|missing| Finding::of(Origin::RunEnd(RunEnd::Incomplete), missing));
    missing.into_iter().collect()
}

fn incomplete(recording: &Recording) -> Option<Violation> {
    let (plan, done) = (&recording.plan.steps, &recording.report.steps);
    // No step runs after a start that was refused.
    let last = done.last().zip(plan.get(done.len().saturating_sub(1)));
    let refused =
        last.is_some_and(|(outcome, step)| outcome.refused.is_some() && matches!(step, Step::Start { .. }));
    if done.len() == plan.len() || (refused && done.len() < plan.len()) {
        return None;
    }
    let expected = format!("the result of each of {} steps", plan.len());
    Some(Violation::new(expected, format!("{} of them", done.len())))
}
