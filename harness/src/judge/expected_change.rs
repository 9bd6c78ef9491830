//! Rules that a kernel means to change: what violates one of them is intended, and does not fail the run.

use super::report::{Intended, Report};
use crate::check::{About, Finding, Origin, Verdict};
use std::sync::atomic::{AtomicBool, Ordering};

/// A rule that a kernel means to change, and why.
#[derive(Debug)]
pub struct ExpectedChange {
    rule: &'static About,
    why: String,
    /// Whether anything violated the rule.
    seen: AtomicBool,
}

impl ExpectedChange {
    /// A change of `rule`.
    pub fn new(rule: &'static About, why: String) -> ExpectedChange {
        ExpectedChange { rule, why, seen: AtomicBool::new(false) }
    }

    /// The id of the rule.
    pub fn id(&self) -> &'static str {
        self.rule.id
    }

    fn is_of(&self, finding: &Finding) -> bool {
        matches!(finding.origin, Origin::Rule(about) if about == self.rule)
    }
}

impl Report {
    /// The same after [`Report::expect_changes`].
    pub fn with_expected_changes(mut self, changes: &[ExpectedChange]) -> Report {
        self.expect_changes(changes);
        self
    }

    /// Moves the findings of these rules from the verdict to what is intended. Whatever else was found stays.
    pub fn expect_changes(&mut self, changes: &[ExpectedChange]) {
        let Verdict::Fail(findings) = &self.verdict else { return };
        let mut rest = Vec::new();
        for finding in findings {
            let of_it: Vec<&ExpectedChange> = changes.iter().filter(|change| change.is_of(finding)).collect();
            of_it.iter().for_each(|change| change.seen.store(true, Ordering::Relaxed));
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

/// The changes that nothing showed, for people.
pub fn not_seen(changes: &[ExpectedChange]) -> Vec<String> {
    let unseen = changes.iter().filter(|change| !change.seen.load(Ordering::Relaxed));
    unseen
        .map(|change| {
            let About { name, id, .. } = change.rule;
            format!("note: --expect-change: nothing violated {name} ({id})")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Violation;
    use crate::judge::{rejudge, rule};
    use std::path::Path;

    fn failed(ids: &[&str]) -> Report {
        let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pull-push-short");
        let finding = |id: &&str| Finding::of(crate::judge::origin(id).unwrap(), Violation::new("a", "b"));
        Report { verdict: Verdict::Fail(ids.iter().map(finding).collect()), ..rejudge(&stored).unwrap() }
    }

    fn change(id: &str) -> ExpectedChange {
        ExpectedChange::new(rule(id).unwrap(), "a new rounding".to_owned())
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
