//! How many seeds catch a mutant: a catch that hangs on one seed is luck. Pure.

use super::catch::{Catch, Strength};
use crate::check::{Finding, Verdict};
use crate::scenario::Scenario;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A share of seeds below 8 of 10 is weak.
const STEADY: (usize, usize) = (8, 10);

/// The runs of one mutant with several seeds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SeedCatches {
    /// The seeds.
    pub seeds: String,
    /// The scenarios, in the order in which they ran.
    pub scenarios: Vec<SeedCount>,
    /// The rules of `--expect-change` that runs violated.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub intended: BTreeSet<String>,
    /// How long the runs took.
    pub seconds: f64,
    /// [`super::SuiteKey::digest`] of the suite that the scenarios are of.
    pub suite: String,
    /// [`super::SuiteKey::program`] of the damonlab that judged the runs.
    pub program: String,
}

/// The seeds with which one scenario catches a mutant, and those with which it does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedCount {
    /// The scenario.
    pub scenario: String,
    /// A rule that holds for every run is violated.
    pub caught: Vec<u64>,
    /// None is.
    pub missed: Vec<u64>,
    /// The host or QEMU failed.
    pub no_result: Vec<u64>,
}

impl SeedCount {
    /// The count of these runs of a scenario.
    pub(super) fn of<'a>(
        scenario: &Scenario,
        runs: impl IntoIterator<Item = (u64, &'a Verdict)>,
    ) -> SeedCount {
        let name = scenario.name.to_string();
        let mut count =
            SeedCount { scenario: name, caught: Vec::new(), missed: Vec::new(), no_result: Vec::new() };
        for (seed, verdict) in runs {
            let seeds = match verdict {
                Verdict::Infra(_) => &mut count.no_result,
                Verdict::Fail(findings) if is_catch(findings, scenario, seed) => &mut count.caught,
                _ => &mut count.missed,
            };
            seeds.push(seed);
        }
        count
    }

    /// How many seeds there are.
    pub fn all(&self) -> usize {
        self.caught.len() + self.missed.len() + self.no_result.len()
    }

    /// Whether every seed catches the mutant.
    pub(super) fn is_full(&self) -> bool {
        self.missed.is_empty() && self.no_result.is_empty()
    }
}

/// As for the score: a violated expectation is none.
fn is_catch(findings: &[Finding], scenario: &Scenario, seed: u64) -> bool {
    let catch = Catch::by(findings, scenario.clock, &scenario.name, seed);
    catch.is_some_and(|catch| catch.strength == Strength::Invariant)
}

impl SeedCatches {
    /// The scenario with the most seeds that catch; of several, the one that ran first.
    pub fn best(&self) -> Option<&SeedCount> {
        // `max_by_key` would take the last.
        self.scenarios.iter().rev().max_by_key(|count| count.caught.len())
    }

    /// Whether fewer than 8 of 10 seeds of the best scenario catch the mutant.
    pub fn is_weak(&self) -> bool {
        let (wanted, of) = STEADY;
        self.best().is_none_or(|best| best.caught.len() * of < best.all() * wanted)
    }

    /// Whether the host or QEMU failed in a run of the best scenario, so that its share could be larger.
    pub fn lacks_results(&self) -> bool {
        self.best().is_some_and(|best| !best.no_result.is_empty())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::judge::testing::violating;
    use crate::run::ScenarioSource;

    fn count(scenario: &str, caught: u64, missed: u64) -> SeedCount {
        let (caught, missed) = ((0..caught).collect(), (caught..caught + missed).collect());
        SeedCount { scenario: scenario.to_owned(), caught, missed, no_result: Vec::new() }
    }

    /// Scenarios with so many seeds that catch, and so many that do not.
    pub(in super::super) fn catches(scenarios: &[(&str, u64, u64)]) -> SeedCatches {
        let scenarios = scenarios.iter().map(|(name, caught, missed)| count(name, *caught, *missed));
        SeedCatches { seeds: "0..=9".into(), scenarios: scenarios.collect(), ..SeedCatches::default() }
    }

    #[test]
    fn a_seed_catches_with_a_rule_of_every_run_and_not_with_an_expectation() {
        let idle =
            ScenarioSource::from(&crate::bundled::home().join("scenarios/idle.yaml")).unwrap().scenario;
        let (rule, expectation) = (violating(&["Q2", "expect"]).verdict, violating(&["expect"]).verdict);
        let (pass, infra) = (Verdict::Pass, Verdict::Infra("no QEMU".into()));
        let count = SeedCount::of(&idle, [(3, &rule), (4, &pass), (5, &expectation), (6, &infra)]);
        assert_eq!((count.caught, count.missed, count.no_result), (vec![3], vec![4, 5], vec![6]));
    }

    #[test]
    fn the_best_scenario_counts_and_of_two_the_one_that_ran_first() {
        let all = catches(&[("a", 3, 7), ("b", 7, 3), ("c", 7, 3)]);
        assert_eq!(all.best().unwrap().scenario, "b");
    }

    #[test]
    fn fewer_than_8_of_10_seeds_are_weak_and_so_is_no_scenario_at_all() {
        let is_weak = |caught, missed| catches(&[("a", caught, missed)]).is_weak();
        assert_eq!([is_weak(7, 3), is_weak(8, 2), is_weak(4, 1), is_weak(3, 1)], [true, false, false, true]);
        assert!(catches(&[]).is_weak());
    }
}
