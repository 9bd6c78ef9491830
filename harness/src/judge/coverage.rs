//! Which rules a suite of runs checks: one that applies in no run of it checks nothing.

use super::judgement::Judgement;
use super::reference::{self, Applied};
use super::rules;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Which invariants applied in at least one of several runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    runs: usize,
    applied: Applied,
    reasons: BTreeMap<String, BTreeSet<String>>,
}

/// An invariant that applied in no run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Never {
    /// Its id.
    pub id: &'static str,
    /// Why it did not apply, one reason after the other.
    pub why: String,
}

impl Coverage {
    /// Of no run yet.
    pub const fn new() -> Coverage {
        Coverage { runs: 0, applied: Applied::new(), reasons: BTreeMap::new() }
    }

    /// One more run.
    pub fn add(&mut self, scenario: &str, judgement: &Judgement) {
        self.runs += 1;
        for about in &judgement.applied {
            self.applied.entry(about.id.to_owned()).or_default().insert(scenario.to_owned());
        }
        for (about, why) in &judgement.skipped {
            self.reasons.entry(about.id.to_owned()).or_default().insert(why.clone());
        }
    }

    /// Adds the runs of another shard.
    pub fn join(&mut self, other: Coverage) {
        self.runs += other.runs;
        for (id, scenarios) in other.applied {
            self.applied.entry(id).or_default().extend(scenarios);
        }
        for (id, reasons) in other.reasons {
            self.reasons.entry(id).or_default().extend(reasons);
        }
    }

    /// How many runs there were.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Those that never applied, in the order of reports. None without a run.
    pub fn never(&self) -> Vec<Never> {
        let why = |id| Some(self.reasons.get(id)?.iter().map(String::as_str).collect::<Vec<_>>().join("; "));
        let ids = rules::all().map(|invariant| invariant.id);
        let missing = ids.filter(|id| !self.applied.contains_key(*id));
        missing.filter_map(|id| Some(Never { id, why: why(id)? })).collect()
    }

    /// To which scenarios each rule applied, if that differs from `applied.json`.
    pub fn changed(&self) -> Option<&Applied> {
        (self.applied != reference::applied()).then_some(&self.applied)
    }

    /// What is wrong with the runs of a whole suite, of which these invariants are known not to apply:
    /// id and reason.
    pub fn complaints(&self, known: &[(&str, &str)]) -> Vec<String> {
        let is_known = |id: &str| known.iter().any(|(other, _)| *other == id);
        let never = self.never();
        let unknown = never.iter().filter(|never| !is_known(never.id));
        let mut complaints: Vec<String> = unknown
            .map(|Never { id, why }| format!("{id} applied in no scenario, so it checks nothing: {why}"))
            .collect();
        let applies = |id: &str| !never.iter().any(|never| never.id == id);
        let outdated = known.iter().filter(|(id, _)| applies(id));
        complaints.extend(outdated.map(|(id, reason)| {
            format!("{id} is listed as never applicable ({reason}), but it applies or is no invariant: remove it from the list")
        }));
        complaints
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::judge;
    use crate::subject::damon::testing::{Model, stored};

    fn of_model() -> Coverage {
        let mut coverage = Coverage::new();
        coverage.add("model", &judge(&Model::pull_push().recording()));
        coverage
    }

    fn ids(coverage: &Coverage) -> Vec<&'static str> {
        coverage.never().into_iter().map(|never| never.id).collect()
    }

    #[test]
    fn an_invariant_that_applies_in_one_run_of_several_applies() {
        let mut coverage = of_model();
        for id in ["S5", "R7", "T1"] {
            assert!(ids(&coverage).contains(&id), "{id}");
        }
        coverage.add("tuned", &judge(&stored("tuned")));
        assert!(!ids(&coverage).iter().any(|id| ["S5", "R7", "T1"].contains(id)), "{:?}", ids(&coverage));
    }

    #[test]
    fn one_that_never_applies_is_named_with_its_reasons() {
        let mut coverage = of_model();
        coverage.add("refused", &judge(&stored("refused")));
        let known: Vec<_> = ids(&coverage).into_iter().filter(|id| *id != "Q2").map(|id| (id, "")).collect();
        let complaints = coverage.complaints(&known);
        assert_eq!(
            complaints,
            ["Q2 applied in no scenario, so it checks nothing: no kdamond emitted an event; \
              the scheme has the goal_tuner temporal"]
        );
    }

    #[test]
    fn an_exception_that_is_none_is_a_complaint() {
        let coverage = of_model();
        let mut known: Vec<_> = ids(&coverage).into_iter().map(|id| (id, "")).collect();
        known.extend([("R1", "no scenario"), ("X9", "")]);
        let complaints = coverage.complaints(&known);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(
            complaints[0].starts_with("R1 is listed as never applicable (no scenario)"),
            "{complaints:?}"
        );
    }

    #[test]
    fn without_a_run_no_rule_is_named() {
        assert_eq!(Coverage::new().never(), []);
    }
}
