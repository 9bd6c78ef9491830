//! The exit status of verdicts: as a shell wants it, and as git does.

use super::git_bisect;
use crate::check::Verdict;
use crate::host::variables;
use crate::judge::Report;

/// The exit status of a verdict. A skip is a failure where `DAMONLAB_REQUIRE=vm` says that nothing may be skipped.
pub(super) fn of_verdict(verdict: &Verdict) -> u8 {
    verdict.exit_code(variables::is(variables::REQUIRE, "vm"))
}

/// What the verdicts of a command come to.
#[derive(Debug, Default)]
pub(super) struct ExitStatuses {
    shell: u8,
    git: Vec<u8>,
}

impl ExitStatuses {
    /// One more verdict, and the runs behind it. The worst decides; no result is worse than a failure.
    pub(super) fn add<'a>(&mut self, verdict: &Verdict, reports: impl IntoIterator<Item = &'a Report>) {
        self.shell = self.shell.max(of_verdict(verdict));
        self.git.push(git_bisect::of_verdict(verdict, reports));
    }

    /// The exit status for whoever started the command.
    pub(super) fn of(&self, for_git: bool) -> u8 {
        if for_git { git_bisect::of_all(&self.git) } else { self.shell }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_verdict_decides_for_a_shell_and_a_failure_for_git() {
        let mut statuses = ExitStatuses::default();
        for verdict in [Verdict::Pass, Verdict::Infra("no QEMU".into()), Verdict::Fail(Vec::new())] {
            statuses.add(&verdict, []);
        }
        assert_eq!((statuses.of(false), statuses.of(true)), (3, 1));
    }
}
