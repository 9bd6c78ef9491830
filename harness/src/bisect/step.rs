//! The result of one step. Pure.

use super::search::Mark;
use crate::run::Failure;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The verdict on one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum StepVerdict {
    /// The scenario passes.
    Good,
    /// The scenario fails.
    Bad(Failure),
    /// The scenario fails, but without the finding of `--finding`.
    Otherwise(Failure),
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
    /// The kernel misses a feature that the scenario needs, or one run gave two recordings.
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
    /// The mark for the search; none if the host failed.
    pub fn mark(&self) -> Option<Mark> {
        match self {
            StepVerdict::Good => Some(Mark::Good),
            StepVerdict::Bad(_) => Some(Mark::Bad),
            StepVerdict::Otherwise(_)
            | StepVerdict::DoesNotBuild { .. }
            | StepVerdict::DoesNotBoot { .. }
            | StepVerdict::CannotJudge { .. } => Some(Mark::Skip),
            StepVerdict::NoAnswer { .. } => None,
        }
    }
}

/// What is stored of one place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// How many patches are applied.
    pub applied: usize,
    /// The title of the last of them; none for the base.
    pub patch: Option<String>,
    /// The verdict on the place.
    #[serde(flatten)]
    pub verdict: StepVerdict,
    /// How long the kernel took to build; none if it was in the cache.
    pub build_seconds: Option<f64>,
    /// How long the runs took.
    pub run_seconds: f64,
    /// The rules of `--expect-change` that its runs violated.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub intended: BTreeSet<String>,
    /// The recording of the run that decided.
    pub recording: Option<PathBuf>,
    /// The key of the kernel image.
    pub image: String,
    /// [`crate::mutants::SuiteKey::digest`] of the scenario.
    pub suite: String,
    /// [`crate::mutants::SuiteKey::program`] of the damonlab that judged the runs.
    pub program: String,
    /// The seeds, and the finding that counts.
    #[serde(rename = "asked")]
    pub criteria: String,
    /// Whether the step is from an earlier invocation.
    #[serde(skip_deserializing)]
    pub kept: bool,
}

impl Step {
    /// How the scenario fails, whether or not that counts as bad.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.verdict {
            StepVerdict::Bad(failure) | StepVerdict::Otherwise(failure) => Some(failure),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn step(applied: usize, verdict: StepVerdict) -> Step {
        Step {
            applied,
            patch: (applied > 0).then(|| format!("mm/damon: change {applied}")),
            verdict,
            build_seconds: Some(12.4),
            run_seconds: 6.0,
            intended: BTreeSet::new(),
            recording: Some(format!("out/{applied:03}/pull-push/0001").into()),
            image: format!("image {applied}"),
            suite: "suite".into(),
            program: "program".into(),
            criteria: "0..=0".into(),
            kept: false,
        }
    }

    pub(crate) fn bad(ids: &[&str]) -> StepVerdict {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        StepVerdict::Bad(Failure { ids, sentence: "expected 2; saw 1".into(), seed: Some(0) })
    }

    #[test]
    fn a_host_failure_marks_no_patch() {
        assert_eq!(StepVerdict::NoAnswer { why: String::new() }.mark(), None);
        assert_eq!(StepVerdict::DoesNotBoot { why: String::new() }.mark(), Some(Mark::Skip));
        assert_eq!(bad(&["Q2"]).mark(), Some(Mark::Bad));
    }
}
