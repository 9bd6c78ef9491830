//! What is known about a rule: what must hold in every run, why, and when it applies.

use crate::scenario::GuestClock;
use std::fmt;

/// How strict a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It holds for every event of a correct kernel.
    Exact,
    /// It holds for every event while a condition on the run holds; the check tests the condition.
    Conditional,
    /// It is about many events together; a single one may deviate.
    Windowed,
    /// It compares times, up to the granularity of a clock. It does not apply on the real clock: a guest that the host
    /// does not schedule is late without being wrong.
    Timed,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Exact, Kind::Conditional, Kind::Windowed, Kind::Timed];

    /// Its name in the documentation.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Exact => "exact",
            Kind::Conditional => "conditional",
            Kind::Windowed => "windowed",
            Kind::Timed => "timed",
        }
    }

    /// What that means, for the documentation.
    pub fn meaning(self) -> &'static str {
        match self {
            Kind::Exact => "holds for every event of a correct kernel.",
            Kind::Conditional => {
                "holds for every event while a condition on the run holds; the check tests the condition."
            }
            Kind::Windowed => "is about many events together; a single one may deviate.",
            Kind::Timed => {
                "compares times, up to the granularity of a clock; not applicable on the real clock."
            }
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

/// What is known about a rule, whatever it judges: one row of the reference page.
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
    /// How it follows from the kernel's source, in a sentence or two.
    pub because: &'static str,
    /// The parts of the kernel that it follows from.
    pub source: &'static [Source],
    /// The file of the rule itself, from the root of the project: `file!()`.
    pub file: &'static str,
    /// When it applies.
    pub when: &'static str,
}

impl About {
    /// Why the rule does not apply to a run on this clock; none if it does.
    pub(super) fn not_on(&self, clock: GuestClock) -> Option<Reason> {
        let needs_virtual_time = self.kind == Kind::Timed;
        (needs_virtual_time && !clock.is_virtual()).then(|| REAL_CLOCK.to_owned())
    }
}

/// Why a rule does not apply.
pub(crate) type Reason = String;

/// Why rules that compare times do not apply on the real clock.
pub const REAL_CLOCK: &str =
    "the run was on the real clock, on which a guest may be late without being wrong";
