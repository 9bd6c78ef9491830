//! How a run catches a mutant, and what such a catch is worth. Pure.

use crate::check::{EXPECT, Finding};
use crate::run::{self, Failure};
use crate::scenario::GuestClock;
use serde::{Deserialize, Serialize};

/// What a catch is worth, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// A run on the real clock failed: it does not repeat, so it proves nothing alone.
    RealClock,
    /// A stored snapshot differs: something changed, which need not be wrong.
    Snapshot,
    /// An expectation of this scenario is violated.
    Expectation,
    /// A rule that holds for every run is violated: an invariant, the oracle, or a kernel that died.
    Invariant,
}

/// A scenario that did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catch {
    /// What the catch is worth.
    pub strength: Strength,
    /// The ids of all violated rules, the most important first.
    pub ids: Vec<String>,
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The most important finding.
    pub sentence: String,
}

impl Catch {
    /// The catch that the findings of a failed run on this clock are, given the most important one first.
    pub fn by(findings: &[Finding], clock: GuestClock, scenario: &str, seed: u64) -> Option<Catch> {
        let Failure { ids, sentence, .. } = Failure::by(findings, None, Some(seed));
        let strength = match clock {
            GuestClock::Real => Strength::RealClock,
            GuestClock::Virtual if ids.iter().all(|id| id == EXPECT) => Strength::Expectation,
            GuestClock::Virtual => Strength::Invariant,
        };
        (!ids.is_empty()).then(|| Catch { strength, ids, scenario: scenario.to_owned(), seed, sentence })
    }

    /// Whether a clock ran out and no rule is violated: a slow host has the same findings as a kernel that hangs.
    pub fn is_by_the_clock_alone(&self) -> bool {
        run::only_a_clock_ran_out(self.ids.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(id: &'static str) -> Finding {
        let (origin, evidence) = (crate::judge::origin(id).unwrap(), Vec::new());
        Finding { origin, expected: "a".into(), seen: id.into(), evidence, scenario_line: None, more: 0 }
    }

    #[test]
    fn a_violated_rule_outranks_an_expectation() {
        let clock = GuestClock::Virtual;
        let catch = Catch::by(&[finding(EXPECT), finding("Q1"), finding("Q1")], clock, "idle", 3).unwrap();
        assert_eq!((catch.strength, catch.sentence.as_str()), (Strength::Invariant, "expected a; saw Q1"));
        assert_eq!(catch.ids, [EXPECT, "Q1"]);
        let weak = Catch::by(&[finding(EXPECT)], clock, "idle", 3).unwrap();
        assert_eq!(weak.strength, Strength::Expectation);
    }

    #[test]
    fn a_mutant_is_not_caught_by_the_real_clock_alone() {
        let catch = Catch::by(&[finding("K1")], GuestClock::Real, "smoke-two-socket-two-slow", 0).unwrap();
        assert!(catch.strength < Strength::Snapshot);
    }
}
