//! What an invariant is: what must hold in every run, why, and when it can be said.

use super::findings::Findings;
use super::view::{KdamondRun, View};
use crate::scenario::GuestClock;
use damonlab_protocol::damon::Scheme;
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

/// One rule that every run is held to.
#[derive(Debug)]
pub struct Invariant {
    /// Its name in reports.
    pub id: &'static str,
    /// The rule, in one sentence.
    pub statement: &'static str,
    /// How strict it is.
    pub kind: Kind,
    /// How it follows from the source, in a sentence or two.
    pub because: &'static str,
    /// The kernel functions that it follows from, or the part of damonlab that owes it.
    pub source: &'static str,
    /// When it applies.
    pub when: &'static str,
    pub(super) judge: fn(&View<'_>) -> RuleResult,
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

impl Invariant {
    /// Why it cannot be said of a run on this clock, if so.
    pub(super) fn not_on(&self, clock: GuestClock) -> Option<Reason> {
        let needs_virtual_time = self.kind == Kind::Timed;
        (needs_virtual_time && !clock.is_virtual()).then(|| REAL_CLOCK.to_owned())
    }
}

/// What came of one invariant.
pub(super) enum RuleResult {
    /// It could be checked; no finding means that it held.
    Applied(Findings),
    /// It could not be checked, for this reason.
    NotApplicable(String),
}

/// Why something cannot be checked.
pub(crate) type Reason = String;

/// Why nothing that compares times is asked of a run on the real clock.
pub const REAL_CLOCK: &str = "the run was on the real clock, on which a late guest is not a wrong one";

/// Checks each run of each kdamond; applies where it applies to one of them.
pub(super) fn each_kdamond_run(
    view: &View<'_>,
    check: impl Fn(&KdamondRun<'_>) -> Result<Findings, Reason>,
) -> RuleResult {
    gather(view.kdamond_runs.iter().map(check))
}

/// Checks each scheme of each run.
pub(super) fn each_scheme(
    view: &View<'_>,
    check: impl Fn(&KdamondRun<'_>, usize, &Scheme) -> Result<Findings, Reason>,
) -> RuleResult {
    gather(view.kdamond_runs.iter().flat_map(|run| {
        let schemes = run.config.context.schemes.iter().enumerate();
        schemes.map(|(index, scheme)| check(run, index, scheme)).collect::<Vec<_>>()
    }))
}

fn gather(results: impl Iterator<Item = Result<Findings, Reason>>) -> RuleResult {
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
