//! What generated scenarios come to on one mutant. Pure.

use super::catch::Catch;
use crate::explore::Explored;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What generated scenarios, from number 0 on, come to on one mutant. They end with the first that catches it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Generated {
    /// The seed of the generator.
    pub seed: u64,
    /// How many scenarios there were to run.
    pub limit: u64,
    /// How many ended, with those that could not run.
    pub ended: u64,
    /// How many of these could not run on this host, or could not be judged.
    pub skipped: u64,
    /// The numbers of those on which the host or QEMU failed.
    pub no_result: Vec<u64>,
    /// The numbers of those that fail on the kernel without the mutant, too, and so say nothing about it.
    pub fail_without: Vec<u64>,
    /// The scenario that caught it, the last that ended.
    pub catch: Option<GeneratedCatch>,
    /// The rules of `--expect-change` that runs violated.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub intended: BTreeSet<String>,
    /// How long the runs took.
    pub seconds: f64,
    /// [`super::Generator::digest`] of the scenarios.
    pub digest: String,
    /// [`super::SuiteKey::program`] of the damonlab that judged the runs.
    pub program: String,
}

/// A generated scenario that a mutant fails, and the kernel without the mutant does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GeneratedCatch {
    /// What is violated. Its seed is the number of the scenario.
    #[serde(flatten)]
    pub catch: Catch,
    /// The file of the scenario.
    pub file: PathBuf,
    /// The folder of the recording.
    pub recording: PathBuf,
}

/// How a scenario that fails on a mutant ends on the kernel without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WithoutMutant {
    /// It passes, so the mutant is why it fails.
    Passes,
    /// It fails, too.
    Fails,
    /// It has no result, or cannot be judged.
    NoResult,
}

impl Generated {
    /// How many scenarios it took to catch the mutant, the one that did it among them.
    pub fn until_catch(&self) -> Option<u64> {
        self.catch.as_ref().map(|_| self.ended)
    }

    /// Whether the host or QEMU failed in a run that could have caught it.
    pub fn lacks_results(&self) -> bool {
        self.catch.is_none() && !self.no_result.is_empty()
    }

    /// Adds what an exploration has counted of its runs; whatever failed was added one by one.
    pub(super) fn count(&mut self, results: &Explored) {
        self.ended = results.count() as u64;
        self.skipped = results.skipped.len() as u64;
        self.no_result.extend(&results.no_result);
        self.no_result.sort_unstable();
    }

    /// Adds a scenario that failed on the mutant; true if it is a catch.
    pub(super) fn add_failed(&mut self, catch: GeneratedCatch, without: WithoutMutant) -> bool {
        match without {
            WithoutMutant::Fails => self.fail_without.push(catch.catch.seed),
            WithoutMutant::NoResult => self.no_result.push(catch.catch.seed),
            WithoutMutant::Passes => self.catch = Some(catch),
        }
        self.catch.is_some()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::catch::Strength;
    use super::*;
    use crate::host::names::Key;

    pub(in super::super) fn failed(number: u64) -> GeneratedCatch {
        let (scenario, sentence) = (format!("explore-0-{number}"), "expected a; saw b".to_owned());
        let file = format!("{scenario}.yaml").into();
        let recording = format!("{scenario}/0001").into();
        let ids = vec!["G5".to_owned()];
        let catch = Catch { strength: Strength::Invariant, ids, scenario, seed: number, sentence };
        GeneratedCatch { catch, file, recording }
    }

    /// Caught by the last of so many; or by none of so many.
    pub(in super::super) fn after(ended: u64, is_caught: bool) -> Generated {
        let catch = is_caught.then(|| failed(ended - 1));
        Generated { limit: 60, ended, catch, ..Generated::default() }
    }

    #[test]
    fn what_fails_without_the_mutant_too_is_no_catch() {
        let mut all = Generated::default();
        assert!(!all.add_failed(failed(2), WithoutMutant::Fails));
        assert!(!all.add_failed(failed(3), WithoutMutant::NoResult));
        assert_eq!((all.until_catch(), all.lacks_results()), (None, true));
        assert!(all.add_failed(failed(7), WithoutMutant::Passes));
        assert_eq!((all.fail_without, all.no_result), (vec![2], vec![3]));
        assert_eq!(all.catch.map(|catch| catch.catch.seed), Some(7));
    }

    #[test]
    fn scenarios_until_the_catch_are_counted_with_it_and_with_those_that_could_not_run() {
        let mut results = Explored::on("linux", &Key::of(&blake3::hash(b"k")), 0, Vec::new());
        results.passed = vec![0, 2];
        results.skipped = vec![1];
        results.failed = vec![3];
        let mut all = Generated::default();
        assert!(all.add_failed(failed(3), WithoutMutant::Passes));
        all.count(&results);
        assert_eq!((all.until_catch(), all.skipped, all.lacks_results()), (Some(4), 1, false));
    }
}
