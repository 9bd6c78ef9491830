//! What a check says when something is wrong: which rule, what was wanted, what was seen, and where.

use crate::host::text::{excerpt, printable};
use crate::trace::Line;
use serde::Serialize;
use std::fmt;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The id of the invariant, or [`EXPECT`].
    pub id: &'static str,
    /// What a right kernel does here.
    pub expected: String,
    /// What this one did.
    pub seen: String,
    /// The lines that show it.
    pub evidence: Vec<Evidence>,
    /// The expectation's line in the scenario, where it is one.
    pub scenario_line: Option<u64>,
}

/// The id of findings that come from a scenario's own expectations.
pub const EXPECT: &str = "expect";

/// A line of a recording's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The file, for instance `trace.txt`.
    pub file: &'static str,
    /// The line's number, from 1.
    pub number: u32,
    /// The line, without anything that a terminal would obey.
    pub text: String,
}

impl Evidence {
    /// Line `number` of `file`.
    pub fn new(file: &'static str, number: u32, text: &str) -> Evidence {
        Evidence { file, number, text: excerpt(text) }
    }
}

impl From<&Line> for Evidence {
    fn from(line: &Line) -> Self {
        Evidence::new(damonlab_protocol::record::section::TRACE, line.number, &line.to_string())
    }
}

impl Finding {
    /// A finding without evidence.
    pub(crate) fn new(id: &'static str, expected: impl Into<String>, seen: impl Into<String>) -> Finding {
        let (expected, seen) = (expected.into(), printable(&seen.into()));
        Finding { id, expected, seen, evidence: Vec::new(), scenario_line: None }
    }

    /// The same with trace lines.
    pub(crate) fn at<'a>(mut self, lines: impl IntoIterator<Item = &'a Line>) -> Finding {
        self.evidence.extend(lines.into_iter().map(Evidence::from));
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}; saw {}", self.id, self.expected, self.seen)?;
        if let Some(line) = self.scenario_line {
            write!(f, " (line {line} of the scenario)")?;
        }
        for evidence in &self.evidence {
            write!(f, "\n    {}:{}: {}", evidence.file, evidence.number, evidence.text)?;
        }
        Ok(())
    }
}
