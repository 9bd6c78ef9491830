//! What was checked of an item, one by one: a rule, an expectation, a test of the kernel's own. Formats that have a place for
//! each of them (KTAP's tests, GitHub's annotations) read these.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What it is called.
    pub name: String,
    /// The result.
    pub result: CheckResult,
    /// What was seen, or why it does not apply.
    pub text: String,
    /// Where it stands, if that is known.
    pub place: Option<Place>,
}

/// The result of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// It holds.
    Passed,
    /// It does not.
    Violated,
    /// The run does not have what it is about.
    NotApplicable,
}

/// A line of a file that the user wrote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
}

impl Check {
    /// A check without a place.
    pub(super) fn new(name: impl Into<String>, result: CheckResult, text: impl Into<String>) -> Check {
        Check { name: name.into(), result, text: text.into(), place: None }
    }

    /// Whether it is violated.
    pub(super) fn is_violated(&self) -> bool {
        self.result == CheckResult::Violated
    }
}

impl Place {
    /// The beginning of a file.
    pub fn start(file: impl Into<PathBuf>) -> Place {
        Place { file: file.into(), line: 1 }
    }
}
