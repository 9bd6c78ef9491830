//! The result of one mutant. Pure.

use super::catch::{Catch, Strength};
use super::generated::Generated;
use super::mutant::{Header, Kind};
use super::seed_catches::SeedCatches;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The result of one mutant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum MutantResult {
    /// A scenario did not pass: right for a regression, a false alarm for an equivalent mutant.
    Noticed(Catch),
    /// Every scenario passed: right for an equivalent mutant, a miss for a regression.
    Unnoticed,
    /// The kernel does not build.
    DoesNotBuild {
        /// Why.
        why: String,
    },
    /// The kernel never started its first process.
    DoesNotBoot {
        /// The finding.
        why: String,
    },
    /// The host or QEMU failed in one scenario, and the others passed.
    NoAnswer {
        /// Why.
        why: String,
    },
    /// The suite did not run on it.
    NotRun,
}

/// What is stored of one mutant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The name of the mutant.
    pub name: String,
    /// What the suite must do about it.
    pub kind: Kind,
    /// What its file states about it.
    pub header: Header,
    /// The result.
    #[serde(flatten)]
    pub result: MutantResult,
    /// The scenarios that ended, in order, each with the word of its verdict.
    pub ran: Vec<(String, String)>,
    /// The names in the header that no scenario has.
    pub unknown_scenarios: Vec<String>,
    /// The rules of `--expect-change` that runs of it violated.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub intended: BTreeSet<String>,
    /// How long the kernel took to build; none if it was in the cache.
    pub build_seconds: Option<f64>,
    /// How long the scenarios took.
    pub run_seconds: f64,
    /// The key of the kernel image.
    pub image: String,
    /// [`super::SuiteKey::digest`] of the suite.
    pub suite: String,
    /// [`super::SuiteKey::program`] of the damonlab that judged the runs.
    pub program: String,
    /// How many seeds catch it, where that was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds: Option<SeedCatches>,
    /// What generated scenarios come to on it, where that was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
}

impl Record {
    /// Whether its kernel starts, so that more can run on it.
    pub fn boots(&self) -> bool {
        !matches!(self.result, MutantResult::DoesNotBuild { .. } | MutantResult::DoesNotBoot { .. })
    }

    /// The same without what the suite comes to.
    pub fn without_suite(self) -> Record {
        Record {
            result: MutantResult::NotRun,
            ran: Vec::new(),
            unknown_scenarios: Vec::new(),
            intended: BTreeSet::new(),
            run_seconds: 0.0,
            suite: String::new(),
            ..self
        }
    }

    /// The same with those parts of `older`, a record of the same kernel, that it does not have itself.
    pub fn joined(mut self, older: Record) -> Record {
        self.seeds = self.seeds.take().or(older.seeds);
        self.generated = self.generated.take().or(older.generated);
        if self.result == MutantResult::NotRun {
            self.result = older.result;
            self.ran = older.ran;
            self.unknown_scenarios = older.unknown_scenarios;
            self.intended = older.intended;
            self.run_seconds = older.run_seconds;
            self.suite = older.suite;
            self.program = older.program;
        }
        self
    }

    /// The rules of `--expect-change` that any run of it violated.
    pub fn all_intended(&self) -> BTreeSet<String> {
        let seeds = self.seeds.iter().flat_map(|seeds| &seeds.intended);
        let generated = self.generated.iter().flat_map(|generated| &generated.intended);
        self.intended.iter().chain(seeds).chain(generated).cloned().collect()
    }

    /// How long all of its runs took.
    pub fn all_run_seconds(&self) -> f64 {
        let seeds = self.seeds.as_ref().map_or(0.0, |seeds| seeds.seconds);
        let generated = self.generated.as_ref().map_or(0.0, |generated| generated.seconds);
        self.run_seconds + seeds + generated
    }

    /// Whether the suite did what it must about this mutant.
    pub fn is_good(&self) -> bool {
        match (&self.result, self.kind) {
            (MutantResult::Noticed(catch), Kind::Regression) => catch.strength == Strength::Invariant,
            (MutantResult::Unnoticed, Kind::Equivalent) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn record(kind: Kind, result: MutantResult) -> Record {
        Record {
            name: "m".into(),
            kind,
            header: Header::default(),
            result,
            ran: vec![("idle".into(), "pass".into())],
            unknown_scenarios: Vec::new(),
            intended: BTreeSet::new(),
            build_seconds: Some(30.5),
            run_seconds: 12.0,
            image: "image".into(),
            suite: "suite".into(),
            program: "program".into(),
            seeds: None,
            generated: None,
        }
    }

    pub(in super::super) fn caught(strength: Strength) -> MutantResult {
        let (scenario, sentence) = ("idle".to_owned(), "expected a; saw b".to_owned());
        MutantResult::Noticed(Catch { strength, ids: vec!["Q1".into()], scenario, seed: 0, sentence })
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let written = record(Kind::Regression, caught(Strength::Invariant));
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), written);
    }
}
