//! Findings in the story of an item: the rule, what was expected, what was seen, and the lines that show it.

use super::event::{Depth, Item};
use super::rules;
use crate::check::Finding;
use serde::Serialize;

/// A finding for programs.
#[derive(Debug, Serialize)]
pub(super) struct FindingData<'a> {
    id: &'a str,
    rule: String,
    expected: &'a str,
    seen: &'a str,
    /// The expectation's line in the scenario, where it is one.
    scenario_line: Option<u64>,
    evidence: Vec<Line<'a>>,
}

/// A line of a file of the recording.
#[derive(Debug, Serialize)]
struct Line<'a> {
    file: &'a str,
    line: u32,
    text: &'a str,
}

impl FindingData<'_> {
    fn of(finding: &Finding) -> FindingData<'_> {
        let evidence = finding.evidence.iter();
        let lines = evidence.map(|line| Line { file: line.file, line: line.number, text: &line.text });
        FindingData {
            id: finding.id(),
            rule: rules::name(finding.id()),
            expected: &finding.expected,
            seen: &finding.seen,
            scenario_line: finding.scenario_line,
            evidence: lines.collect(),
        }
    }
}

pub(super) fn data(findings: &[Finding]) -> Vec<FindingData<'_>> {
    findings.iter().map(FindingData::of).collect()
}

/// Adds the story of each finding.
pub(super) fn add(item: &mut Item, findings: &[Finding]) {
    for finding in findings {
        item.add(Depth::Story, "violated", rules::violated(finding));
        item.add(Depth::Story, "expected", &*finding.expected);
        let evidence = finding.evidence.iter();
        let lines = evidence.map(|line| format!("\n{}:{}: {}", line.file, line.number, line.text));
        item.add(Depth::Story, "seen", finding.seen.clone() + &lines.collect::<String>());
    }
}
