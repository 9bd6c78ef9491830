//! Judgement: pure functions from a recording to what is wrong in it.
//!
//! [`judge`] runs every entry of [`INVARIANTS`] (always on, where they apply) and the scenario's own
//! expectations. An invariant that does not apply says why; nothing passes in silence. `rules/` has the families
//! of invariants, `log/` what the kernel says of itself; [`mod@oracle`] replays the quota controller.

mod config_periods;
mod coverage;
mod expect;
mod finding;
mod findings;
mod invariant;
mod log;
pub mod oracle;
mod page;
mod rules;
mod seeds;
mod span;
mod table;
mod verdict;
pub(crate) mod view;
pub(crate) mod windows;

#[cfg(test)]
mod damon_model;
#[cfg(test)]
mod must_reject;
#[cfg(test)]
mod tamper;
#[cfg(test)]
pub(crate) mod testkit;

pub use coverage::{Coverage, Never};
pub use expect::{ExpectationStatus, Measured};
pub use finding::{EXPECT, Evidence, Finding};
pub use invariant::{Invariant, Kind, REAL_CLOCK};
pub use log::kernel_log;
pub use log::known::{known_bugs, known_machine};
pub use log::ktap::{KTAP, Suite, Tests};
pub use log::machine::other_machine;
pub use page::page;
pub(crate) use rules::migration::migrated;
pub use seeds::{OverSeeds, Summary, over_seeds};
pub use table::INVARIANTS;
pub use verdict::Verdict;

use crate::recording::Recording;
use invariant::RuleResult;
use view::View;

/// What came of all checks.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// What is wrong, the weightiest first ([`Verdict`] has the order).
    pub findings: Vec<Finding>,
    /// The invariants that applied, whether they held or not.
    pub applied: Vec<&'static Invariant>,
    /// The invariants that did not apply: id, and why.
    pub skipped: Vec<(&'static str, String)>,
    /// Tracepoints that the scenario names and the kernel does not have.
    pub missing_events: Vec<String>,
    /// The scenario's expectations, as they were measured, in its order.
    pub measured: Vec<Measured>,
    /// The kernel's own tests, where the scenario asks for them.
    pub tests: Tests,
}

/// A quantity that cannot be had because the kernel does not have the tracepoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the kernel has no tracepoint {event}")]
pub struct Missing {
    /// The tracepoint, `system:event` where the scenario gave the system.
    pub event: String,
}

/// Judges a recording.
pub fn judge(recording: &Recording) -> Judgement {
    let view = View::new(recording);
    let mut judged = Judgement {
        findings: Vec::new(),
        applied: Vec::new(),
        skipped: Vec::new(),
        missing_events: view.missing_events(),
        measured: Vec::new(),
        tests: Tests::default(),
    };
    for invariant in INVARIANTS {
        if let Some(why) = invariant.not_on(recording.meta.clock) {
            judged.skipped.push((invariant.id, why));
            continue;
        }
        match (invariant.judge)(&view) {
            RuleResult::Applied(findings) => {
                judged.applied.push(invariant);
                judged.findings.extend(findings.first_ones());
            }
            RuleResult::NotApplicable(why) => judged.skipped.push((invariant.id, why)),
        }
    }
    for outcome in expect::all(&view) {
        match outcome {
            Ok((measured, finding)) => {
                judged.measured.push(measured);
                judged.findings.extend(finding);
            }
            Err(Missing { event }) if known(&judged.missing_events, &event) => {}
            Err(Missing { event }) => judged.missing_events.push(event),
        }
    }
    let (tests, findings) = log::ktap::judge(recording);
    judged.tests = tests;
    judged.findings.extend(findings.first_ones());
    judged
}

/// Whether an event is in the list, with or without its system.
fn known(events: &[String], event: &str) -> bool {
    events.iter().any(|known| view::bare(known) == view::bare(event))
}

#[cfg(test)]
mod tests;
