//! What came of one place of the series. Pure.

use super::search::Turn;
use crate::check::{EXPECT, Finding};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A scenario that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The ids of all that was broken, the weightiest first.
    pub ids: Vec<String>,
    /// The weightiest finding.
    pub sentence: String,
    /// The seed; none where the seeds fail together only.
    pub seed: Option<u64>,
}

impl Failure {
    /// Of a failed run's findings, the weightiest first. `wanted` has the sentence where it is among them; else a rule
    /// that holds for every run, before what the scenario expects.
    pub fn by(findings: &[Finding], wanted: Option<&str>, seed: Option<u64>) -> Failure {
        let mut ids: Vec<String> = Vec::new();
        for finding in findings {
            if !ids.iter().any(|id| id == finding.id()) {
                ids.push(finding.id().to_owned());
            }
        }
        let first = findings
            .iter()
            .find(|finding| wanted == Some(finding.id()))
            .or_else(|| findings.iter().find(|finding| finding.id() != EXPECT))
            .or(findings.first());
        let sentence = first.map(|first| format!("expected {}; saw {}", first.expected, first.seen));
        Failure { ids, sentence: sentence.unwrap_or_default(), seed }
    }
}

/// What came of one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum StepVerdict {
    /// The scenario passes.
    Good,
    /// It fails.
    Bad(Failure),
    /// It fails, but not by the finding that is searched for.
    Otherwise(Failure),
    /// There is no such kernel.
    DoesNotBuild {
        /// Why.
        why: String,
    },
    /// The kernel never got to its first process.
    DoesNotBoot {
        /// What became of it.
        why: String,
    },
    /// The kernel does not have what the scenario asks for, or the same run gave two answers.
    CannotJudge {
        /// Why.
        why: String,
    },
    /// The host or QEMU failed.
    NoAnswer {
        /// Why.
        why: String,
    },
}

impl StepVerdict {
    /// What it means to the search; nothing where the host failed.
    pub fn turn(&self) -> Option<Turn> {
        match self {
            StepVerdict::Good => Some(Turn::Good),
            StepVerdict::Bad(_) => Some(Turn::Bad),
            StepVerdict::Otherwise(_)
            | StepVerdict::DoesNotBuild { .. }
            | StepVerdict::DoesNotBoot { .. }
            | StepVerdict::CannotJudge { .. } => Some(Turn::Skip),
            StepVerdict::NoAnswer { .. } => None,
        }
    }
}

/// All that is kept of one place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// How many patches are applied.
    pub applied: usize,
    /// The last of them, by its title; none for the base.
    pub patch: Option<String>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: StepVerdict,
    /// How long its kernel took to build; none where it was in the cache.
    pub build_seconds: Option<f64>,
    /// How long its runs took.
    pub run_seconds: f64,
    /// The recording that decided.
    pub recording: Option<PathBuf>,
    /// The image, and the scenario it ran.
    pub image: String,
    /// The scenario's digest.
    pub suite: String,
    /// The damonlab that judged it.
    pub program: String,
    /// The seeds, and the finding that counts.
    pub asked: String,
    /// It is from an earlier call.
    #[serde(skip_deserializing)]
    pub kept: bool,
}

impl Step {
    /// Its failure, whether it counts or not.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.outcome {
            StepVerdict::Bad(failure) | StepVerdict::Otherwise(failure) => Some(failure),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn step(applied: usize, outcome: StepVerdict) -> Step {
        Step {
            applied,
            patch: (applied > 0).then(|| format!("mm/damon: change {applied}")),
            outcome,
            build_seconds: Some(12.4),
            run_seconds: 6.0,
            recording: Some(format!("out/{applied:03}/pull-push/0001").into()),
            image: format!("image {applied}"),
            suite: "suite".into(),
            program: "program".into(),
            asked: "0..=0".into(),
            kept: false,
        }
    }

    pub(crate) fn bad(ids: &[&str]) -> StepVerdict {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        StepVerdict::Bad(Failure { ids, sentence: "expected 2; saw 1".into(), seed: Some(0) })
    }

    #[test]
    fn a_host_that_failed_says_nothing_about_the_patch() {
        assert_eq!(StepVerdict::NoAnswer { why: String::new() }.turn(), None);
        assert_eq!(StepVerdict::DoesNotBoot { why: String::new() }.turn(), Some(Turn::Skip));
        assert_eq!(bad(&["Q2"]).turn(), Some(Turn::Bad));
    }
}
