//! The exit status of verdicts: as a shell wants it, and as git does.

use super::git_bisect;
use crate::check::Verdict;
use crate::host::variables;
use crate::judge::{Report, RuleFileUse};
use crate::shards::Statuses;

/// The exit status of a verdict. A skip is a failure where `DAMONLAB_REQUIRE=vm` says that nothing may be skipped.
pub(super) fn of_verdict(verdict: &Verdict) -> u8 {
    verdict.exit_code(variables::is(variables::REQUIRE, "vm"))
}

/// The exit status of a command whose runs come to `status`: 2 at least where a file of `--rules` had no effect.
pub(super) fn with_rules(status: u8, rules: &RuleFileUse) -> u8 {
    if rules.has_unused_file() { status.max(2) } else { status }
}

/// What the verdicts of a command come to.
#[derive(Debug, Default)]
pub(super) struct ExitStatuses(Statuses);

impl ExitStatuses {
    /// One more verdict, and the runs behind it. The worst decides; no result is worse than a failure.
    pub(super) fn add<'a>(&mut self, verdict: &Verdict, reports: impl IntoIterator<Item = &'a Report>) {
        self.0.shell = self.0.shell.max(of_verdict(verdict));
        self.0.git.push(git_bisect::of_verdict(verdict, reports));
    }

    /// Those of several runs, which may be of several shards.
    pub(super) fn from_stored(statuses: Statuses) -> ExitStatuses {
        ExitStatuses(statuses)
    }

    /// To be stored.
    pub(super) fn stored(self) -> Statuses {
        self.0
    }

    /// The exit status for whoever started the command. To git a file of `--rules` without effect is no mistake: an older
    /// commit may lack an event that a later one adds.
    pub(super) fn of(&self, for_git: bool, rules: &RuleFileUse) -> u8 {
        if for_git { git_bisect::of_all(&self.0.git) } else { with_rules(self.0.shell, rules) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Stored;
    use crate::recording::testing;
    use crate::scenario::RuleFile;

    #[test]
    fn the_worst_verdict_decides_for_a_shell_and_a_failure_for_git() {
        let mut statuses = ExitStatuses::default();
        for verdict in [Verdict::Pass, Verdict::Infra("no QEMU".into()), Verdict::Fail(Vec::new())] {
            statuses.add(&verdict, []);
        }
        let rules = RuleFileUse::default();
        assert_eq!((statuses.of(false, &rules), statuses.of(true, &rules)), (3, 1));
    }

    #[test]
    fn rules_about_an_event_that_no_kernel_has_are_bad_input_and_no_reason_to_end_a_bisection() {
        let text =
            "version: 1\nsummary: A.\nrules: [{name: a-b, event: 'damon:damos_ezs', always: 'true'}]\n";
        let files = [RuleFile::of("r.yaml", text.to_owned()).unwrap()];
        let (mut rules, mut statuses) = (RuleFileUse::of(&files), ExitStatuses::default());
        let report = Stored::judge(&testing::stored("pull-push-short"), &files).unwrap().report;
        rules.add(&report);
        statuses.add(&report.verdict, [&report]);
        assert_eq!((statuses.of(false, &rules), statuses.of(true, &rules)), (2, 0));
    }
}
