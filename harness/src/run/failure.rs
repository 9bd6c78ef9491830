//! What is stored of a run that failed: by a mutant that was caught, and by a step of a bisection.

use crate::check::{EXPECT, Finding};
use serde::{Deserialize, Serialize};

/// The findings of a run in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The ids of all violated rules, the most important first.
    pub ids: Vec<String>,
    /// The most important finding.
    pub sentence: String,
    /// The seed; none if only all seeds together fail.
    pub seed: Option<u64>,
}

impl Failure {
    /// The failure that these findings are, given the most important one first. The sentence is about the finding `wanted`
    /// if there is one, otherwise about a rule that holds for every run, otherwise about an expectation.
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
        Failure { ids, sentence: first.map(Finding::sentence).unwrap_or_default(), seed }
    }
}
