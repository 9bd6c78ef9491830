//! What an invariant is: what must hold in every run, why, and when it can be said.

use super::violations::Violations;
use crate::recording::Recording;
use crate::scenario::GuestClock;
use std::collections::BTreeSet;
use std::fmt;

/// How an invariant follows from the kernel's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It holds for every event of a right kernel.
    Exact,
    /// It holds for every event, where something about the run is so; the check looks whether it is.
    Conditional,
    /// It is about many events together: a single one may be off.
    Windowed,
    /// It compares times, and holds up to the granularity of a clock. On the real clock it cannot be
    /// said: a guest that the host does not run falls behind without being wrong.
    Timed,
}

impl Kind {
    /// Its name in the documentation.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Exact => "exact",
            Kind::Conditional => "conditional",
            Kind::Windowed => "windowed",
            Kind::Timed => "timed",
        }
    }
}

/// A part of the kernel's source that a rule follows from. Paths start at the root of the kernel's tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// One function.
    Function {
        /// The file that defines it.
        file: &'static str,
        /// Its name.
        name: &'static str,
    },
    /// All of a file.
    File(&'static str),
}

impl Source {
    /// A function and the file that defines it.
    pub(crate) const fn function(file: &'static str, name: &'static str) -> Source {
        Source::Function { file, name }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Function { file, name } => write!(f, "{file}: {name}"),
            Source::File(path) => f.write_str(path),
        }
    }
}

/// What is known about a rule, whatever it judges: one entry of the reference page.
#[derive(Debug, PartialEq, Eq)]
pub struct About {
    /// The short id, `G5`.
    pub id: &'static str,
    /// What holds, in kebab-case: `goal-share-matches-pages`.
    pub name: &'static str,
    /// How strict it is.
    pub kind: Kind,
    /// The rule, in one sentence.
    pub statement: &'static str,
    /// How it follows from the source, in a sentence or two.
    pub because: &'static str,
    /// The parts of the kernel that it follows from.
    pub source: &'static [Source],
    /// The file of the rule itself, from the root of the project: `file!()`.
    pub file: &'static str,
    /// When it applies.
    pub when: &'static str,
}

/// One rule that every run is checked against, beside the function that checks it. `J` is that function: it takes
/// what the rule looks at.
pub(crate) struct Rule<J> {
    pub(crate) about: About,
    pub(crate) judge: J,
}

/// A rule that needs nothing but the recording.
pub(crate) type RecordingRule = Rule<fn(&Recording) -> RuleResult>;

impl About {
    /// Why it cannot be checked in a run on this clock, if so.
    pub(crate) fn not_on(&self, clock: GuestClock) -> Option<Reason> {
        let needs_virtual_time = self.kind == Kind::Timed;
        (needs_virtual_time && !clock.is_virtual()).then(|| REAL_CLOCK.to_owned())
    }
}

/// What came of one invariant.
pub(crate) enum RuleResult {
    /// It could be checked; no finding means that it held.
    Applied(Violations),
    /// It could not be checked, for this reason.
    NotApplicable(String),
}

/// Why something cannot be checked.
pub(crate) type Reason = String;

/// Why nothing that compares times is asked of a run on the real clock.
pub const REAL_CLOCK: &str = "the run was on the real clock, on which a late guest is not a wrong one";

/// One result out of those of all parts that a rule looks at; it applies where it applies to one of them.
pub(crate) fn gather(results: impl Iterator<Item = Result<Violations, Reason>>) -> RuleResult {
    let mut findings = None::<Violations>;
    let mut reasons = BTreeSet::new();
    for result in results {
        match result {
            Ok(found) => findings.get_or_insert_default().append(found),
            Err(reason) => {
                reasons.insert(reason);
            }
        }
    }
    match findings {
        Some(findings) => RuleResult::Applied(findings),
        None if reasons.is_empty() => RuleResult::NotApplicable("no kdamond left an event".to_owned()),
        None => RuleResult::NotApplicable(reasons.into_iter().collect::<Vec<_>>().join("; ")),
    }
}
