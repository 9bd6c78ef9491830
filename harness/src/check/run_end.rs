//! The ways for a run to end before it has given all of its results. They are no rules about the kernel: each says
//! that the rest of the recording is incomplete.

use super::finding::{Finding, Origin, Violation};
use super::violations::Violations;
use crate::recording::Recording;
use damonlab_protocol::plan::Step;

/// How a run ended, where it did not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// The guest could not carry out the plan.
    GuestError,
    /// Steps of the plan have no outcome.
    Incomplete,
    /// The kernel panicked.
    Panic,
    /// QEMU ended before the results were out.
    GuestLost,
    /// A clock of the run ran out.
    Clock,
    /// The console did not stop printing.
    Babble,
    /// The results are damaged.
    BadResults,
}

impl RunEnd {
    /// All of them.
    pub const ALL: [RunEnd; 7] = [
        RunEnd::GuestError,
        RunEnd::Incomplete,
        RunEnd::Panic,
        RunEnd::GuestLost,
        RunEnd::Clock,
        RunEnd::Babble,
        RunEnd::BadResults,
    ];

    /// The id in reports and stored results.
    pub fn id(self) -> &'static str {
        match self {
            RunEnd::GuestError => "guest-error",
            RunEnd::Incomplete => "incomplete",
            RunEnd::Panic => "panic",
            RunEnd::GuestLost => "guest-lost",
            RunEnd::Clock => "clock",
            RunEnd::Babble => "babble",
            RunEnd::BadResults => "bad-results",
        }
    }
}

/// What a recording says of its own end.
pub(crate) fn found(recording: &Recording) -> Vec<Finding> {
    let errors = recording.report.errors.iter();
    let errors: Violations =
        errors.map(|error| Violation::new("a guest without errors", error.as_str())).collect();
    let mut found = errors.findings_of(Origin::RunEnd(RunEnd::GuestError));
    found.extend(
        incomplete(recording).map(|missing| Finding::of(Origin::RunEnd(RunEnd::Incomplete), missing)),
    );
    found
}

fn incomplete(recording: &Recording) -> Option<Violation> {
    let (plan, done) = (&recording.plan.steps, &recording.report.steps);
    // Nothing is run after a start that was refused.
    let last = done.last().zip(plan.get(done.len().saturating_sub(1)));
    let refused =
        last.is_some_and(|(outcome, step)| outcome.refused.is_some() && matches!(step, Step::Start { .. }));
    if done.len() == plan.len() || (refused && done.len() < plan.len()) {
        return None;
    }
    let expected = format!("the outcome of each of {} steps", plan.len());
    Some(Violation::new(expected, format!("{} of them", done.len())))
}
