//! `damonlab run --git-bisect`: the exit status that `git bisect run` wants. Pure.
//!
//! To git 0 is a good commit, 125 one that cannot be judged, any other below 128 a bad one, and 128 or more ends the
//! bisection. So nothing but a scenario that failed may be 1, and what fails with every commit is 128.

use super::error::CliError;
use crate::check::Verdict;
use crate::host::fault::{Fault, Faulty};
use crate::judge::Report;
use crate::kernel::KernelError;
use crate::run::RunError;

/// The option, as it stands on the command line.
pub(super) const OPTION: &str = "--git-bisect";

const GOOD: u8 = 0;
const BAD: u8 = 1;
const CANNOT_TELL: u8 = 125;
/// It would fail with every commit: the user has to act.
pub(super) const ABORT: u8 = 128;

/// What one run, or several seeds together, came to. `reports` are the runs behind `verdict`.
pub(super) fn of_verdict<'a>(verdict: &Verdict, reports: impl IntoIterator<Item = &'a Report>) -> u8 {
    match verdict {
        Verdict::Pass => GOOD,
        // A kernel that does not boot is no evidence for the bug that is searched for.
        Verdict::Fail(_) if reports.into_iter().any(Report::never_began) => CANNOT_TELL,
        Verdict::Fail(_) => BAD,
        Verdict::Skip(_) | Verdict::Unstable(_) | Verdict::Infra(_) => CANNOT_TELL,
    }
}

/// Of several scenarios: one that failed is enough, and all must pass for a good one.
pub(super) fn of_all(statuses: &[u8]) -> u8 {
    match (statuses.contains(&BAD), statuses.iter().all(|status| *status == GOOD)) {
        (true, _) => BAD,
        (false, true) => GOOD,
        (false, false) => CANNOT_TELL,
    }
}

/// Of a command that came to no verdict.
pub(super) fn of_error(error: &CliError) -> u8 {
    match (error.fault(), error) {
        // 130, which ends git's loop too.
        (Fault::Interrupted, _) => error.exit_status(),
        // Another commit may build, or run; what failed before that fails with every commit.
        (Fault::Infra, CliError::Kernel(_) | CliError::Run(_)) => CANNOT_TELL,
        (Fault::BadInput, CliError::Run(RunError::UnsupportedKernel(_))) => CANNOT_TELL,
        // A patch on top that this commit does not take, a commit before DAMON.
        (_, CliError::Kernel(KernelError::PatchRefused { .. } | KernelError::TooOld { .. })) => CANNOT_TELL,
        (_, CliError::Kernel(error)) if error.does_not_build() => CANNOT_TELL,
        _ => ABORT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::GuestClock;
    use std::io;
    use std::path::PathBuf;

    fn fail() -> Verdict {
        Verdict::Fail(Vec::new())
    }

    fn report(console: &str, dir: &tempfile::TempDir) -> Report {
        std::fs::write(dir.path().join(crate::vm::CONSOLE_LOG), console).unwrap();
        Report {
            scenario: "idle".into(),
            summary: String::new(),
            machine: None,
            kernel: "linux".into(),
            qemu: None,
            clock: GuestClock::Virtual,
            accelerator: None,
            dir: dir.path().to_owned(),
            verdict: fail(),
            judgement: None,
            intended: Vec::new(),
            notes: Vec::new(),
            guest_time: std::time::Duration::ZERO,
            wall_time: None,
            repeated: None,
        }
    }

    #[test]
    fn only_a_scenario_that_failed_is_a_bad_commit() {
        assert_eq!(of_verdict(&Verdict::Pass, []), 0);
        assert_eq!(of_verdict(&fail(), []), 1);
        for verdict in [
            Verdict::Skip("no tracepoint".into()),
            Verdict::Infra("no QEMU".into()),
            Verdict::Unstable("two answers".into()),
        ] {
            assert_eq!(of_verdict(&verdict, []), 125, "{verdict}");
        }
    }

    #[test]
    fn a_kernel_that_does_not_boot_is_skipped_and_one_that_dies_later_is_bad() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(of_verdict(&fail(), [&report("Kernel panic", &dir)]), 125);
        let later = format!("{}\nKernel panic", damonlab_protocol::plan::READY_MARK);
        assert_eq!(of_verdict(&fail(), [&report(&later, &dir)]), 1);
    }

    #[test]
    fn one_scenario_that_fails_is_enough_and_one_that_is_skipped_is_not_good() {
        assert_eq!(of_all(&[0, 125, 1]), 1);
        assert_eq!(of_all(&[0, 125]), 125);
        assert_eq!(of_all(&[0, 0]), 0);
    }

    #[test]
    fn a_commit_that_does_not_build_is_skipped_and_a_mistyped_command_ends_the_bisection() {
        let log = PathBuf::from("build.log");
        let compile = KernelError::Compile { excerpt: String::new(), log };
        assert_eq!(of_error(&compile.into()), 125);
        let disk = KernelError::Io(io::Error::other("no space left"));
        assert_eq!(of_error(&disk.into()), 125);
        assert_eq!(of_error(&KernelError::NotATree(".".into()).into()), 128);
        let typo = super::super::scenarios::path("pul-push").unwrap_err();
        assert_eq!(of_error(&typo), 128);
        let stop = RunError::Interrupted(crate::host::interrupt::Interrupted);
        assert_eq!(of_error(&stop.into()), 130);
    }

    /// git's own loop over ten commits. The exit status that damonlab would have for each is in a file.
    #[test]
    fn git_names_the_commit_passes_over_what_cannot_be_judged_and_stops_at_a_typo() {
        let statuses = [GOOD, GOOD, CANNOT_TELL, GOOD, CANNOT_TELL, GOOD, BAD, CANNOT_TELL, BAD, BAD];
        let log = repository(&statuses);
        assert!(log.contains("commit 6\n"), "{log}");
        assert!(log.contains("is the first bad commit"), "{log}");
        let log = repository(&[GOOD, ABORT, ABORT, ABORT, BAD]);
        assert!(!log.contains("is the first bad commit"), "{log}");
    }

    /// What `git bisect run` prints for a history whose commits have these exit statuses.
    fn repository(statuses: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let mut git = crate::host::command::command_for("git");
            git.current_dir(dir.path()).args(arguments).env("LC_ALL", "C");
            for who in ["AUTHOR", "COMMITTER"] {
                git.env(format!("GIT_{who}_NAME"), "a").env(format!("GIT_{who}_EMAIL"), "a@example.org");
            }
            git.env("GIT_CONFIG_GLOBAL", "/dev/null").env_remove("GIT_DIR");
            let output =
                crate::host::command::capture(&mut git, crate::host::command::Limits::LOCAL).unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned() + &output.stderr
        };
        git(&["init", "-q"]);
        for (number, status) in statuses.iter().enumerate() {
            std::fs::write(dir.path().join("status"), format!("{status} {number}\n")).unwrap();
            git(&["add", "status"]);
            git(&["commit", "-qm", &format!("commit {number}")]);
        }
        let first = format!("HEAD~{}", statuses.len() - 1);
        git(&["bisect", "start", "HEAD", &first]);
        git(&["bisect", "run", "sh", "-c", "read -r status _ <status; exit $status"])
    }
}
