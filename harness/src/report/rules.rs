//! Rules and findings in a report: which rules passed, which were violated and by what, which do not apply and why.

use super::event::{Depth, Item};
use crate::check::{Finding, Origin, StatedStatus};
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
        let stated = |wanted: fn(&StatedStatus) -> bool| {
            let all = judgement.stated.iter().filter(move |one| wanted(&one.result));
            all.map(|one| one.name.clone())
        };
        let is_violated = |id: &str| judgement.findings.iter().any(|finding| finding.id() == id);
        let applied = judgement.applied.iter().map(|rule| rule.id);
        let (violated, passed): (Vec<_>, Vec<_>) = applied.partition(|id| is_violated(id));
        let names = |ids: Vec<&str>| ids.into_iter().map(name).collect();
        let mut not_applicable =
            by_reason(judgement.skipped.iter().map(|(rule, why)| (rule.id, why.as_str())));
        not_applicable.extend(judgement.stated.iter().filter_map(|one| match &one.result {
            StatedStatus::NotApplicable(why) => {
                Some(NotApplicable { rules: vec![one.name.clone()], reason: why.clone() })
            }
            _ => None,
        }));
        let (mut passed, mut violated): (Vec<String>, Vec<String>) = (names(passed), names(violated));
        passed.extend(stated(|result| matches!(result, StatedStatus::Passed(_))));
        violated.extend(stated(|result| *result == StatedStatus::Violated));
        Rules { passed, violated, not_applicable }
    }

    /// `42 rules passed`.
    pub(super) fn headline(&self) -> String {
        format!("{} rules passed", self.passed.len())
    }

    /// The rules that passed, wrapped.
    pub(super) fn passed(&self) -> String {
        wrapped(listed(&self.passed), "")
    }

    /// The rules that do not apply for one reason, and the reason, wrapped: each on a line of its own.
    pub(super) fn not_applicable(&self) -> String {
        let one = |one: &NotApplicable| {
            let names = listed(&one.rules).map(|name| if name.ends_with(',') { name } else { name + ":" });
            wrapped(names.chain(one.reason.split(' ').map(str::to_owned)), "  ") + "\n"
        };
        self.not_applicable.iter().map(one).collect()
    }
}

/// What a rule, or whatever else a finding is about, is called in a report.
pub(super) fn name(id: &str) -> String {
    judge::origin(id).map_or_else(|| id.to_owned(), |origin| title(&origin))
}

fn title(origin: &Origin) -> String {
    match origin {
        Origin::Expectation => "expectation".to_owned(),
        origin => origin.to_string(),
    }
}

/// What a finding is about: a rule, or the scenario's own expectation.
pub(super) fn violated(finding: &Finding) -> String {
    let of = if matches!(finding.origin, Origin::Stated(_)) { "its file" } else { "the scenario" };
    let line = finding.scenario_line.map(|line| format!(" (line {line} of {of})"));
    title(&finding.origin) + &line.unwrap_or_default()
}

/// So many findings of one rule are shown; `-v` shows all that were kept.
const SHOWN: usize = 2;

/// Adds the story of each finding: the rule, what was expected, what was seen, and the lines that show it. Findings of
/// one rule follow each other, and its name comes once.
pub(super) fn add_findings(item: &mut Item, findings: &[Finding]) {
    for same in findings.chunk_by(|a, b| violated(a) == violated(b)) {
        item.add(Depth::Story, "violated", violated(&same[0]));
        for (index, finding) in same.iter().enumerate() {
            let depth = if index < SHOWN { Depth::Story } else { Depth::Everything };
            item.add(depth, "expected", &*finding.expected);
            let evidence = finding.evidence.iter();
            let lines = evidence.map(|line| format!("\n{}:{}: {}", line.file, line.number, line.text));
            item.add(depth, "seen", finding.seen.clone() + &lines.collect::<String>());
        }
        let uncounted: usize = same.iter().map(|finding| finding.more).sum();
        match (same.len() + uncounted).saturating_sub(SHOWN) {
            0 => {}
            more => {
                item.add(Depth::Story, "", format!("{more} more of {} (-v shows more)", violated(&same[0])))
            }
        }
    }
}

/// All that these findings are about, each once.
pub(super) fn all_violated(findings: &[Finding]) -> String {
    let mut names: Vec<String> = Vec::new();
    for finding in findings {
        let name = title(&finding.origin);
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

/// The names, each but the last with a comma.
fn listed(names: &[String]) -> impl Iterator<Item = String> {
    let last = names.len().saturating_sub(1);
    names.iter().enumerate().map(move |(index, name)| name.clone() + if index < last { "," } else { "" })
}

/// The parts side by side, on as many lines as it takes. All but the first line begin with `indent`.
fn wrapped(parts: impl Iterator<Item = String>, indent: &str) -> String {
    let (mut text, mut used) = (String::new(), 0);
    for part in parts {
        let width = part.chars().count();
        match used {
            0 => {}
            used_now if used_now + 1 + width > WIDTH => {
                text.push('\n');
                text.push_str(indent);
                used = indent.len();
            }
            _ => {
                text.push(' ');
                used += 1;
            }
        }
        text.push_str(&part);
        used += width;
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
        let text = wrapped(listed(&names), "");
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert_eq!(text.replace(",\n", ", ").split(", ").count(), 30);
    }

    #[test]
    fn a_long_list_of_rules_that_do_not_apply_is_wrapped_with_its_reason() {
        let names = |count| (0..count).map(|number| format!("rule-{number:02}")).collect();
        let one = |rules, reason: &str| NotApplicable { rules, reason: reason.to_owned() };
        let not_applicable = vec![one(names(9), "no goal is traced"), one(names(1), "no window")];
        let rules = Rules { passed: Vec::new(), violated: Vec::new(), not_applicable };
        let text = rules.not_applicable();
        let wanted = "rule-00, rule-01, rule-02, rule-03, rule-04, rule-05, rule-06, rule-07, rule-08:\n  \
                      no goal is traced\nrule-00: no window\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn many_findings_of_one_rule_are_shown_by_the_first_two_and_a_count() {
        let finding =
            crate::check::kernel_log::scan("dmesg.txt", "4,1;WARNING: at a.c:1 a+0x1/0x2").remove(0);
        let mut findings = vec![finding; 5];
        findings[4].more = 12;
        let status = super::super::verdict::status(&crate::check::Verdict::Pass);
        let mut item = Item::new("idle", status, "");
        add_findings(&mut item, &findings);
        let shown = |depth| item.details.iter().filter(move |detail| detail.depth <= depth).count();
        assert_eq!((shown(Depth::Story), shown(Depth::Everything)), (1 + 2 * 2 + 1, 1 + 5 * 2 + 1));
        let last = item.details.last().unwrap();
        assert!(last.text.starts_with("15 more of kernel-log-is-clean (K1)"), "{}", last.text);
    }
}
