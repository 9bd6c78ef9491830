//! Rules and findings in a report: which rules passed, which were violated and by what, which do not apply and why.

use super::event::{Depth, Item};
use crate::check::{Finding, Origin};
use crate::judge::{self, Coverage, Judgement};
use serde::Serialize;

/// How long a line of names may be.
const WIDTH: usize = 80;

/// The rules of a run, sorted by what came of them.
#[derive(Debug, Serialize)]
pub(super) struct Rules {
    passed: Vec<String>,
    violated: Vec<String>,
    not_applicable: Vec<NotApplicable>,
}

/// Rules that do not apply, for one reason.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct NotApplicable {
    rules: Vec<String>,
    reason: String,
}

impl Rules {
    pub(super) fn of(judgement: &Judgement) -> Rules {
        let is_violated = |id: &str| judgement.findings.iter().any(|finding| finding.id() == id);
        let applied = judgement.applied.iter().map(|rule| rule.id);
        let (violated, passed): (Vec<_>, Vec<_>) = applied.partition(|id| is_violated(id));
        let names = |ids: Vec<&str>| ids.into_iter().map(name).collect();
        let not_applicable = by_reason(judgement.skipped.iter().map(|(rule, why)| (rule.id, why.as_str())));
        Rules { passed: names(passed), violated: names(violated), not_applicable }
    }

    /// `42 rules passed`.
    pub(super) fn headline(&self) -> String {
        format!("{} rules passed", self.passed.len())
    }

    /// The rules that passed, wrapped.
    pub(super) fn passed(&self) -> String {
        wrapped(&self.passed)
    }

    /// A reason a line, with the rules that it holds for.
    pub(super) fn not_applicable(&self) -> String {
        self.not_applicable.iter().map(|one| format!("{}: {}\n", one.rules.join(", "), one.reason)).collect()
    }
}

/// What a rule, or whatever else a finding is about, is called in a report.
pub(super) fn name(id: &str) -> String {
    judge::origin(id).map_or_else(|| id.to_owned(), title)
}

fn title(origin: Origin) -> String {
    match origin {
        Origin::Expectation => "expectation".to_owned(),
        origin => origin.to_string(),
    }
}

/// What a finding is about: a rule, or the scenario's own expectation.
fn violated(finding: &Finding) -> String {
    let line = finding.scenario_line.map(|line| format!(" (line {line} of the scenario)"));
    title(finding.origin) + &line.unwrap_or_default()
}

/// Adds the story of each finding: the rule, what was expected, what was seen, and the lines that show it. Findings of
/// one rule follow each other, and its name comes once.
pub(super) fn add_findings(item: &mut Item, findings: &[Finding]) {
    let mut last = String::new();
    for finding in findings {
        let violated = violated(finding);
        if violated != last {
            item.add(Depth::Story, "violated", &*violated);
            last = violated;
        }
        item.add(Depth::Story, "expected", &*finding.expected);
        let evidence = finding.evidence.iter();
        let lines = evidence.map(|line| format!("\n{}:{}: {}", line.file, line.number, line.text));
        item.add(Depth::Story, "seen", finding.seen.clone() + &lines.collect::<String>());
    }
}

/// All that these findings are about, each once.
pub(super) fn all_violated(findings: &[Finding]) -> String {
    let mut names: Vec<String> = Vec::new();
    for finding in findings {
        let name = title(finding.origin);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// What a whole suite did not check: `note: S5 applied in no scenario: max_nr_snapshots is not set`.
pub fn never_applied(coverage: &Coverage) -> Vec<String> {
    let never = coverage.never();
    let reasons = by_reason(never.iter().map(|never| (never.id, never.why.as_str())));
    let line =
        |one: NotApplicable| format!("note: {} applied in no scenario: {}", one.rules.join(", "), one.reason);
    reasons.into_iter().map(line).collect()
}

/// Reasons in the order in which they first come, each with all rules that it holds for.
fn by_reason<'a>(skipped: impl Iterator<Item = (&'static str, &'a str)>) -> Vec<NotApplicable> {
    let mut reasons: Vec<NotApplicable> = Vec::new();
    for (id, reason) in skipped {
        match reasons.iter_mut().find(|known| known.reason == reason) {
            Some(known) => known.rules.push(name(id)),
            None => reasons.push(NotApplicable { rules: vec![name(id)], reason: reason.to_owned() }),
        }
    }
    reasons
}

/// Names side by side, on as many lines as it takes.
fn wrapped(names: &[String]) -> String {
    let mut text = String::new();
    let mut used = 0;
    for name in names {
        let width = name.chars().count();
        let separator = match used {
            0 => "",
            used if used + width + 1 > WIDTH => ",\n",
            _ => ", ",
        };
        used = if separator == ",\n" { width } else { used + separator.len() + width };
        text.push_str(separator);
        text.push_str(name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_with_one_reason_share_a_line() {
        let skipped = [("Q1", "no goal"), ("G7", "no window"), ("Q2", "no goal")];
        let one = |rules: &[&'static str], reason: &str| NotApplicable {
            rules: rules.iter().map(|id| name(id)).collect(),
            reason: reason.to_owned(),
        };
        assert_eq!(
            by_reason(skipped.into_iter()),
            [one(&["Q1", "Q2"], "no goal"), one(&["G7"], "no window")]
        );
    }

    #[test]
    fn a_rule_that_is_violated_twice_is_named_once() {
        let finding = crate::check::kernel_log::scan("dmesg.txt", "4,1;WARNING: at a.c:1 a+0x1/0x2");
        let findings = [finding.clone(), finding].concat();
        let status = super::super::verdict::status(&crate::check::Verdict::Pass);
        let mut item = Item::new("idle", status, "");
        add_findings(&mut item, &findings);
        let labels: Vec<_> = item.details.iter().map(|detail| detail.label).collect();
        assert_eq!(labels, ["violated", "expected", "seen", "expected", "seen"]);
    }

    #[test]
    fn long_lists_of_names_are_wrapped() {
        let names: Vec<String> = (0..30).map(|number| format!("rule-{number:02}")).collect();
        let text = wrapped(&names);
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.lines().all(|line| line.len() <= WIDTH + 1), "{text}");
        assert_eq!(text.replace(",\n", ", ").split(", ").count(), 30);
    }
}
