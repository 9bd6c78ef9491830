//! The verdict on one run, and the exit status that it leads to.

use super::finding::Finding;
use serde::Serialize;
use std::fmt;

/// The verdict on one run. Of several things that went wrong, the one that makes the others doubtful comes first:
/// the machine, a crash of the kernel, a lost guest, an incomplete recording, invariants, expectations, the snapshot.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "why")]
pub enum Verdict {
    /// Every rule that applies passed.
    Pass,
    /// At least one rule is violated; never empty, the most important finding first.
    Fail(Vec<Finding>),
    /// It cannot be judged on this kernel or host.
    Skip(String),
    /// The same run gave two different recordings.
    Unstable(String),
    /// damonlab, the host or QEMU failed; the run shows nothing about the kernel.
    Infra(String),
}

impl Verdict {
    /// The verdict on several runs of one scenario: the worst of theirs, and a failure if there are `findings`
    /// about all of them together. Failures keep their findings, the runs' first.
    pub fn of_all<'a>(runs: impl IntoIterator<Item = &'a Verdict>, findings: Vec<Finding>) -> Verdict {
        let worst = runs.into_iter().fold(Verdict::Pass, Verdict::worse);
        if findings.is_empty() { worst } else { worst.worse(&Verdict::Fail(findings)) }
    }

    fn worse(self, other: &Verdict) -> Verdict {
        match (self, other) {
            (Verdict::Fail(mut findings), Verdict::Fail(more)) => {
                findings.extend_from_slice(more);
                Verdict::Fail(findings)
            }
            (known, other) if other.weight() > known.weight() => other.clone(),
            (known, _) => known,
        }
    }

    /// What shows less about the kernel weighs more, and a failure weighs more than a doubt.
    fn weight(&self) -> u8 {
        match self {
            Verdict::Pass => 0,
            Verdict::Skip(_) => 1,
            Verdict::Unstable(_) => 2,
            Verdict::Fail(_) => 3,
            Verdict::Infra(_) => 4,
        }
    }

    /// The exit status of a command with this verdict: 0 pass, 1 fail or unstable (neither is
    /// reliable), 3 infra. A skip is 0, and 1 where nothing may be skipped
    /// (`DAMONLAB_REQUIRE`).
    pub fn exit_code(&self, required: bool) -> u8 {
        match self {
            Verdict::Pass => 0,
            Verdict::Skip(_) => u8::from(required),
            Verdict::Fail(_) | Verdict::Unstable(_) => 1,
            Verdict::Infra(_) => 3,
        }
    }

    /// One word.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail(_) => "fail",
            Verdict::Skip(_) => "skip",
            Verdict::Unstable(_) => "unstable",
            Verdict::Infra(_) => "infra",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Verdict::Pass => Ok(()),
            Verdict::Fail(findings) => findings.iter().try_for_each(|finding| write!(f, "\n  {finding}")),
            Verdict::Skip(why) | Verdict::Unstable(why) | Verdict::Infra(why) => write!(f, ": {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::{Origin, Violation};
    use crate::check::run_end::RunEnd;

    const PANIC: Origin = Origin::RunEnd(RunEnd::Panic);

    fn finding(origin: Origin) -> Finding {
        Finding::of(origin, Violation::new("a", "b"))
    }

    #[test]
    fn the_worst_run_decides_for_all_and_failures_keep_their_findings() {
        let fail = |origin| Verdict::Fail(vec![finding(origin)]);
        let (skip, infra) = (Verdict::Skip("no event".into()), Verdict::Infra("no QEMU".into()));
        assert_eq!(Verdict::of_all([&Verdict::Pass, &skip, &Verdict::Pass], vec![]), skip);
        assert_eq!(Verdict::of_all([&fail(Origin::Test), &infra, &fail(PANIC)], vec![]), infra);
        let all =
            Verdict::of_all([&fail(Origin::Test), &skip, &fail(PANIC)], vec![finding(Origin::Expectation)]);
        let Verdict::Fail(findings) = all else { panic!("it must fail") };
        let ids: Vec<_> = findings.iter().map(Finding::id).collect();
        assert_eq!(ids, ["ktap", "panic", "expect"]);
        let over = Verdict::of_all([&Verdict::Pass], vec![finding(Origin::Expectation)]);
        assert_eq!(over, fail(Origin::Expectation));
    }

    #[test]
    fn exit_codes_are_those_of_the_manual() {
        let skip = Verdict::Skip("no vm".into());
        assert_eq!((skip.exit_code(false), skip.exit_code(true)), (0, 1));
        assert_eq!(Verdict::Pass.exit_code(true), 0);
        assert_eq!(Verdict::Fail(Vec::new()).exit_code(false), 1);
        assert_eq!(Verdict::Unstable(String::new()).exit_code(false), 1);
        assert_eq!(Verdict::Infra(String::new()).exit_code(false), 3);
    }
}
