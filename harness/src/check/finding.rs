//! A finding: what is violated, what was expected, what was seen, and the lines that show it.

use super::about::About;
use super::run_end::RunEnd;
use crate::host::text::{BLOCK_LINE, block, excerpt};
use crate::recording::Line;
use serde::{Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// One violation in a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What is violated.
    #[serde(rename = "id")]
    pub origin: Origin,
    /// What a correct kernel does here.
    pub expected: String,
    /// What this one did.
    pub seen: String,
    /// The lines that show it.
    pub evidence: Vec<Evidence>,
    /// The line of the expectation, or of the stated rule, in its file.
    pub scenario_line: Option<u64>,
    /// How many more of the same origin there are that were only counted.
    #[serde(skip)]
    pub more: usize,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// A rule that holds in every run.
    Rule(&'static About),
    /// The run ended before it had given all of its results.
    RunEnd(RunEnd),
    /// A test of the kernel's own.
    Test,
    /// An expectation of the scenario.
    Expectation,
    /// A rule that the scenario states, or a file of rules, by its name.
    Stated(Arc<str>),
}

/// The id of findings that come from a scenario's own expectations.
pub const EXPECT: &str = "expect";

/// The id of findings that come from tests of the kernel's own.
pub const KTAP: &str = "ktap";

/// A violation, without the rule: whoever ran the check adds it ([`Finding::of`]).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Violation {
    pub(crate) expected: String,
    pub(crate) seen: String,
    pub(crate) evidence: Vec<Evidence>,
}

/// A line of a recording's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The file, for instance `trace.txt`.
    pub file: &'static str,
    /// The line's number, from 1.
    pub number: u32,
    /// The line, without control characters.
    pub text: String,
}

impl Origin {
    /// The short id, as it stands in JSON and in stored results.
    pub fn id(&self) -> &str {
        match self {
            Origin::Rule(about) => about.id,
            Origin::RunEnd(end) => end.id(),
            Origin::Test => KTAP,
            Origin::Expectation => EXPECT,
            Origin::Stated(name) => name,
        }
    }

    /// What holds where it is not violated; for the end of a run, what that end means.
    pub fn statement(&self) -> &'static str {
        match self {
            Origin::Rule(about) => about.statement,
            Origin::RunEnd(end) => end.meaning(),
            Origin::Test => "Each of the kernel's own tests that the scenario runs passes.",
            Origin::Stated(_) => "What the rule of the scenario, or of a file of `--rules`, states.",
            Origin::Expectation => "What the scenario measures is within the bounds of its `expect`.",
        }
    }
}

/// A rule's name comes first: `goal-share-matches-pages (G5)`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Rule(about) => write!(f, "{} ({})", about.name, about.id),
            other => f.write_str(other.id()),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl Evidence {
    /// Line `number` of `file`.
    pub fn new(file: &'static str, number: u32, text: &str) -> Evidence {
        Evidence { file, number, text: excerpt(text) }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.number, self.text)
    }
}

impl From<&Line> for Evidence {
    fn from(line: &Line) -> Self {
        Evidence::new(damonlab_protocol::record::section::TRACE, line.number, &line.to_string())
    }
}

impl Violation {
    /// A violation without evidence.
    pub(crate) fn new(expected: impl Into<String>, seen: impl Into<String>) -> Violation {
        Violation { expected: expected.into(), seen: block(&seen.into()), evidence: Vec::new() }
    }

    /// One that quotes `text`, which is complete in `file` of the recording.
    pub(crate) fn quoting(expected: &str, text: &str, file: &str) -> Violation {
        let mut quoting = Violation::new(expected, text);
        if text.chars().count() > BLOCK_LINE {
            quoting.seen.push_str(&format!("\n{file} has all of it"));
        }
        quoting
    }

    /// The same with trace lines.
    pub(crate) fn at<'a>(mut self, lines: impl IntoIterator<Item = &'a Line>) -> Violation {
        self.evidence.extend(lines.into_iter().map(Evidence::from));
        self
    }
}

impl Finding {
    /// The finding that a violation of `origin` is.
    pub(crate) fn of(origin: Origin, violation: Violation) -> Finding {
        let Violation { expected, seen, evidence } = violation;
        Finding { origin, expected, seen, evidence, scenario_line: None, more: 0 }
    }

    /// What was expected and what was seen.
    pub fn sentence(&self) -> String {
        format!("expected {}; saw {}", self.expected, self.seen)
    }

    /// The short id of what is violated.
    pub fn id(&self) -> &str {
        self.origin.id()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.sentence())?;
        if let Some(line) = self.scenario_line {
            let of = if matches!(self.origin, Origin::Stated(_)) { "its file" } else { "the scenario" };
            write!(f, " (line {line} of {of})")?;
        }
        for evidence in &self.evidence {
            write!(f, "\n    {evidence}")?;
        }
        Ok(())
    }
}
