//! What an invariant is: what must hold in every run, why, and when it can be said.

use super::findings::Findings;
use std::collections::BTreeSet;

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

/// What came of one invariant.
pub(crate) enum RuleResult {
    /// It could be checked; no finding means that it held.
    Applied(Findings),
    /// It could not be checked, for this reason.
    NotApplicable(String),
}

/// Why something cannot be checked.
pub(crate) type Reason = String;

/// Why nothing that compares times is asked of a run on the real clock.
pub const REAL_CLOCK: &str = "the run was on the real clock, on which a late guest is not a wrong one";

/// One result out of those of all parts that a rule looks at; it applies where it applies to one of them.
pub(crate) fn gather(results: impl Iterator<Item = Result<Findings, Reason>>) -> RuleResult {
    let mut findings = None::<Findings>;
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
