//! What a stated rule came to.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A rule of the scenario, or of a file, and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatedResult {
    /// Its name.
    pub name: String,
    /// Where it stands, `rules.yaml:7`.
    pub place: String,
    /// What must hold.
    pub statement: String,
    /// The result.
    pub result: StatedStatus,
    /// The event that the kernel does not have, where that is why the rule does not apply.
    #[serde(skip)]
    pub missing_event: Option<MissingEvent>,
}

/// An event that a rule names and the kernel does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingEvent {
    /// Its name in the rule.
    pub name: String,
    /// The nearest name that the kernel has, where one is near.
    pub nearest: Option<String>,
}

/// The result of a stated rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatedStatus {
    /// It was checked so many times, and holds.
    Passed(u64),
    /// It is violated; the findings of its name say how.
    Violated,
    /// The run does not have what it is about, for this reason.
    NotApplicable(String),
    /// The kernel's event does not have what the rule names.
    Mistaken(String),
}

impl fmt::Display for StatedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StatedStatus::Passed(1) => f.write_str("passed, checked once"),
            StatedStatus::Passed(count) => write!(f, "passed, checked {count} times"),
            StatedStatus::Violated => f.write_str("violated"),
            StatedStatus::NotApplicable(why) => write!(f, "not applicable: {why}"),
            StatedStatus::Mistaken(why) => write!(f, "cannot be judged: {why}"),
        }
    }
}
