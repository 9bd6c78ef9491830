//! Rules that a kernel means to change: what violates one of them is intended, and does not fail the run.

use super::report::{Intended, Report};
use crate::check::{Finding, Origin, Verdict};
use crate::host::text::quote;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

/// A rule that a kernel means to change, and why.
#[derive(Debug)]
pub struct ExpectedChange {
    /// The rule: one of damonlab's own, or one that a file states.
    rule: Origin,
    why: String,
    /// Where it was given: the option, or a file and its line.
    given: String,
    /// Whether anything violated the rule.
    seen: AtomicBool,
}

impl ExpectedChange {
    /// A change of `rule`.
    pub fn new(rule: Origin, why: String, given: String) -> ExpectedChange {
        ExpectedChange { rule, why, given, seen: AtomicBool::new(false) }
    }

    /// The rule.
    pub fn rule(&self) -> &Origin {
        &self.rule
    }

    /// The id of the rule, or its name if a file states it.
    pub fn id(&self) -> &str {
        self.rule.id()
    }

    /// Where it was given: the option, or a file and its line.
    pub fn given(&self) -> &str {
        &self.given
    }

    /// Something violated the rule.
    fn set_seen(&self) {
        self.seen.store(true, Ordering::Relaxed);
    }

    fn is_seen(&self) -> bool {
        self.seen.load(Ordering::Relaxed)
    }

    fn is_of(&self, finding: &Finding) -> bool {
        finding.origin == self.rule
    }
}

impl Report {
    /// The same after [`Report::expect_changes`].
    pub fn with_expected_changes(mut self, changes: &[ExpectedChange]) -> Report {
        self.expect_changes(changes);
        self
    }

    /// The ids of the rules that are violated as intended.
    pub fn intended_rules(&self) -> impl Iterator<Item = String> {
        self.intended.iter().map(|one| one.finding.id().to_owned())
    }

    /// Moves the findings of these rules from the verdict to what is intended. Whatever else was found stays.
    pub fn expect_changes(&mut self, changes: &[ExpectedChange]) {
        let Verdict::Fail(findings) = &self.verdict else { return };
        let mut rest = Vec::new();
        for finding in findings {
            let of_it: Vec<&ExpectedChange> = changes.iter().filter(|change| change.is_of(finding)).collect();
            of_it.iter().for_each(|change| change.set_seen());
            match of_it.is_empty() {
                true => rest.push(finding.clone()),
                false => {
                    let why: Vec<&str> = of_it.iter().map(|change| change.why.as_str()).collect();
                    self.intended.push(Intended { finding: finding.clone(), why: why.join("; ") });
                }
            }
        }
        self.verdict = match (&self.judgement, rest.is_empty()) {
            (_, false) => Verdict::Fail(rest),
            (None, true) => Verdict::Pass,
            (Some(judgement), true) => judgement.without_findings().verdict(),
        };
    }
}

/// Counts the changes of these rules as seen, by a run whose result was stored.
pub fn seen_before(changes: &[ExpectedChange], ids: &BTreeSet<String>) {
    changes.iter().filter(|change| ids.contains(change.id())).for_each(ExpectedChange::set_seen);
}

/// The changes that nothing showed, for people.
pub fn not_seen<'a>(changes: impl IntoIterator<Item = &'a ExpectedChange>) -> Vec<String> {
    ChangesSeen::of(changes).unseen
}

/// The changes that were seen, and then those that nothing showed, for people: where no run is reported by itself.
pub fn seen_and_not(changes: &[ExpectedChange]) -> Vec<String> {
    ChangesSeen::of(changes).notes()
}

/// What all runs of a call showed of its expected changes, in sentences.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesSeen {
    /// The changes that a run showed.
    pub seen: Vec<String>,
    /// The changes that no run showed.
    pub unseen: Vec<String>,
}

impl ChangesSeen {
    /// Of these changes.
    pub fn of<'a>(changes: impl IntoIterator<Item = &'a ExpectedChange>) -> ChangesSeen {
        let mut all = ChangesSeen::default();
        for change @ ExpectedChange { rule, why, given, .. } in changes {
            match change.is_seen() {
                true => {
                    all.seen.push(format!("note: {given}: {rule} was violated as intended: {}", quote(why)));
                }
                false => all.unseen.push(format!("note: {given}: nothing violated {rule}")),
            }
        }
        all
    }

    /// Adds the runs of another shard: what one of them showed is shown.
    pub fn join(&mut self, other: ChangesSeen) {
        self.unseen.retain(|note| other.unseen.contains(note));
        self.seen.extend(other.seen.into_iter().filter(|note| !self.seen.contains(note)).collect::<Vec<_>>());
    }

    /// Those that were seen, then those that were not.
    pub fn notes(self) -> Vec<String> {
        self.seen.into_iter().chain(self.unseen).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Violation;
    use crate::judge::rule;
    use crate::judge::testing::violating as failed;

    fn change(id: &str) -> ExpectedChange {
        let rule = Origin::Rule(rule(id).unwrap());
        ExpectedChange::new(rule, "a new rounding".to_owned(), "--expect-change".to_owned())
    }

    #[test]
    fn a_run_passes_if_nothing_but_the_changed_rule_is_violated() {
        let mut report = failed(&["Q2", "Q2"]);
        let changes = [change("Q2"), change("S1")];
        report.expect_changes(&changes);
        assert_eq!(report.verdict, Verdict::Pass);
        assert_eq!(report.intended.len(), 2);
        assert_eq!(report.intended[0].why, "a new rounding");
        let unseen = not_seen(&changes);
        assert_eq!(unseen, ["note: --expect-change: nothing violated stats-advance-each-interval (S1)"]);
        let q2 = changes[0].rule();
        let seen = format!("note: --expect-change: {q2} was violated as intended: a new rounding");
        assert_eq!(seen_and_not(&changes), [seen, unseen[0].clone()]);
    }

    #[test]
    fn a_rule_that_a_file_states_changes_by_its_name() {
        let mut report = failed(&[]);
        let stated = |name: &str| Origin::Stated(name.into());
        report.verdict = Verdict::Fail(vec![Finding::of(stated("share-in-range"), Violation::new("a", "b"))]);
        let change = |name| ExpectedChange::new(stated(name), "a wider range".into(), "words.yaml:3".into());
        report.expect_changes(&[change("other")]);
        assert!(matches!(report.verdict, Verdict::Fail(_)));
        report.expect_changes(&[change("share-in-range")]);
        assert_eq!((report.verdict, report.intended.len()), (Verdict::Pass, 1));
    }

    #[test]
    fn a_change_that_a_stored_result_showed_counts_as_seen() {
        let changes = [change("Q2"), change("S1")];
        seen_before(&changes, &["S1".to_owned()].into());
        assert_eq!(seen_and_not(&changes).iter().filter(|note| note.contains("as intended")).count(), 1);
        assert!(not_seen(&changes)[0].ends_with("(Q2)"), "{:?}", not_seen(&changes));
    }

    #[test]
    fn any_other_finding_still_fails() {
        let mut report = failed(&["Q2", "K1", "guest-error", "expect"]);
        report.expect_changes(&[change("Q2")]);
        let Verdict::Fail(rest) = &report.verdict else { panic!("{}", report.verdict) };
        assert_eq!(rest.iter().map(Finding::id).collect::<Vec<_>>(), ["K1", "guest-error", "expect"]);
    }

    #[test]
    fn a_run_that_failed_for_nothing_of_the_kind_stays_as_it_is() {
        let mut report = failed(&["K1"]);
        let before = report.verdict.clone();
        report.expect_changes(&[change("Q2")]);
        assert_eq!((report.verdict, report.intended.len()), (before, 0));
    }
}
