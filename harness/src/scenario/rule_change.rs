//! A rule that a series means to change, and why: of `--expect-change`, or of a file of `--introduces`.

use super::error::ScenarioError;
use super::place::{Place, Source};
use super::raw::RawIntroducesFile;
use crate::grammar::{Checked, Fault};

/// How long a reason may be: it stands in one line of the report, and in the command that repeats a run.
const LONGEST_REASON: usize = 200;

/// A rule that a file expects to be violated, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleChange {
    /// The id or the name of the rule.
    pub rule: String,
    /// Why it changes.
    pub why: String,
    place: Place,
}

impl RuleChange {
    /// `words.yaml:4`.
    pub fn shown_place(&self) -> String {
        self.place.to_string()
    }

    /// A mistake in it that only shows where all rules are known.
    pub(crate) fn wrong(&self, message: String, help: &str) -> ScenarioError {
        self.place.wrong(message, help)
    }
}

/// Whether a text can be the reason for a change.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_reason(why: &str) -> Result<(), String> {
    if why.trim().is_empty() {
        return Err("the reason is empty".to_owned());
    }
    if let Some(control) = why.chars().find(|c| c.is_control()) {
        return Err(format!("the reason has the control character {}", control.escape_default()));
    }
    match why.chars().count() {
        ..=LONGEST_REASON => Ok(()),
        long => Err(format!("the reason has {long} characters, and may have {LONGEST_REASON}")),
    }
}

/// The changes of a file, in the order of its lines.
pub(super) fn of_file(raw: &RawIntroducesFile, source: &Source) -> Checked<Vec<RuleChange>> {
    let mut changes = Vec::new();
    for (rule, why) in raw.expect_changes.iter().flatten() {
        check_reason(&why.value.0).map_err(|wrong| {
            Fault::at(why, format!("{rule}: {wrong}")).help(
                "say in one line why the rule changes: expect_changes: {Q2: new rounding in the feed loop}",
            )
        })?;
        let (rule, why_text) = (rule.clone(), why.value.0.trim().to_owned());
        changes.push(RuleChange { rule, why: why_text, place: source.place(why) });
    }
    changes.sort_by_key(|change| change.place.line());
    Ok(changes)
}
