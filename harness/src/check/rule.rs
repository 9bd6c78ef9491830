//! A rule: what is known about it, the function that checks it, and the result on one recording.

pub(crate) use super::about::{About, Kind, Reason, Source};
use super::violations::Violations;
use crate::recording::Recording;
use crate::scenario::GuestClock;
use std::collections::BTreeSet;

/// A rule for every run, with the function that checks it. `J` is that function; it takes what the rule is about.
pub(crate) struct Rule<J> {
    pub(crate) about: About,
    pub(crate) judge: J,
}

impl<J> Rule<J> {
    /// The result of `judge`, unless the rule does not apply on this clock.
    pub(crate) fn on(&'static self, clock: GuestClock, judge: impl FnOnce(&J) -> RuleResult) -> Judged {
        let not_on = self.about.not_on(clock).map(RuleResult::NotApplicable);
        (&self.about, not_on.unwrap_or_else(|| judge(&self.judge)))
    }
}

/// A rule and its result.
pub(crate) type Judged = (&'static About, RuleResult);

/// A rule that needs nothing but the recording.
pub(crate) type RecordingRule = Rule<fn(&Recording) -> RuleResult>;

/// The result of one rule on one recording.
pub(crate) enum RuleResult {
    /// The rule applies; it passed if there is no violation.
    Applied(Violations),
    /// The rule does not apply, for this reason.
    NotApplicable(Reason),
}

/// The result of a rule that is checked on several parts of a run: it applies if it applies to at least one of them.
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
        None if reasons.is_empty() => RuleResult::NotApplicable("no kdamond emitted an event".to_owned()),
        None => RuleResult::NotApplicable(reasons.into_iter().collect::<Vec<_>>().join("; ")),
    }
}
