//! The violations of one rule: the first ones, and how many more.
//!
//! A faulty kernel can violate a rule a million times. Only the violations that are kept are formatted; the others are
//! counted.

use super::finding::{Finding, Origin, Violation};

/// How many findings of one id are kept.
pub(crate) const KEPT: usize = 8;

/// Violations of one id, in the order in which they were found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Violations {
    kept: Vec<Violation>,
    more: usize,
    /// What the rule could not check, although it applies.
    notes: Vec<String>,
}

impl Violations {
    /// One more; `finding` is called only if it is kept.
    pub(crate) fn push(&mut self, finding: impl FnOnce() -> Violation) {
        if self.kept.len() < KEPT {
            self.kept.push(finding());
        } else {
            self.more += 1;
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// A part of the run that the rule could not check, and why.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// What the rule could not check.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// All of `later`, after these.
    pub(crate) fn append(&mut self, later: Violations) {
        self.more += later.more;
        self.notes.extend(later.notes);
        self.extend(later.kept);
    }

    /// Those that are kept, as findings of `origin`; the last of them has the number of the others.
    pub(crate) fn findings_of(mut self, origin: &Origin) -> Vec<Finding> {
        if let (Some(last), 1..) = (self.kept.last_mut(), self.more) {
            last.seen.push_str(&format!(" (and {} more of {})", self.more, origin.id()));
        }
        let mut findings: Vec<Finding> =
            self.kept.into_iter().map(|violation| Finding::of(origin.clone(), violation)).collect();
        if let Some(last) = findings.last_mut() {
            last.more = self.more;
        }
        findings
    }
}

impl Extend<Violation> for Violations {
    fn extend<I: IntoIterator<Item = Violation>>(&mut self, findings: I) {
        for finding in findings {
            self.push(|| finding);
        }
    }
}

impl FromIterator<Violation> for Violations {
    fn from_iter<I: IntoIterator<Item = Violation>>(findings: I) -> Violations {
        let mut all = Violations::default();
        all.extend(findings);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(from: usize, to: usize) -> Violations {
        (from..to).map(|number| Violation::new("none", number.to_string())).collect()
    }

    #[test]
    fn what_is_not_kept_is_never_formatted() {
        let mut findings = numbered(0, KEPT);
        findings.push(|| unreachable!("a finding that nobody will see"));
        assert_eq!(
            findings.findings_of(&Origin::Test)[KEPT - 1].seen,
            format!("{} (and 1 more of ktap)", KEPT - 1)
        );
    }

    #[test]
    fn the_findings_of_two_kdamonds_are_counted_together() {
        let mut findings = numbered(0, 5);
        findings.append(numbered(5, 20));
        let seen: Vec<_> =
            findings.findings_of(&Origin::Test).into_iter().map(|finding| finding.seen).collect();
        assert_eq!(seen.len(), KEPT);
        assert_eq!((seen[4].as_str(), seen[KEPT - 1].as_str()), ("4", "7 (and 12 more of ktap)"));
    }
}
