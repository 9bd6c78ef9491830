//! A guest on the real clock whose host gave it too little time is late without being wrong. What only lateness can explain
//! is not its failure.

use crate::check::{Finding, Kind, Origin, RunEnd, Verdict};
use crate::recording::HostLoad;

/// The verdict, in view of the load of the host: none on the virtual clock. A failure stands if any of its findings cannot
/// come from a guest that is late.
pub fn on_busy_host(verdict: Verdict, load: Option<&HostLoad>) -> Verdict {
    match (verdict, load.filter(|load| load.is_too_much())) {
        (Verdict::Fail(findings), Some(load)) if findings.iter().all(may_be_late) => {
            let first = findings.first().map(Finding::sentence).unwrap_or_default();
            Verdict::Unstable(format!("the host was too busy: {load}; not counted: {first}"))
        }
        (verdict, _) => verdict,
    }
}

/// Whether a guest that is late, and otherwise correct, may cause the finding.
fn may_be_late(finding: &Finding) -> bool {
    match &finding.origin {
        Origin::Rule(about) => matches!(about.kind, Kind::Windowed | Kind::Timed),
        Origin::Expectation | Origin::Stated(_) | Origin::Test => true,
        Origin::RunEnd(end) => matches!(end, RunEnd::Clock | RunEnd::GuestError | RunEnd::Incomplete),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::EXPECT;
    use crate::judge::origin;

    const BUSY: HostLoad = HostLoad { wall_ms: 6000, ran_ms: 900, waited_ms: 3000, stopped_ms: 0 };
    const IDLE: HostLoad = HostLoad { waited_ms: 90, ..BUSY };

    fn fail(ids: &[&'static str]) -> Verdict {
        let finding = |id: &&'static str| Finding {
            origin: origin(id).unwrap(),
            expected: "5 windows".into(),
            seen: "4 windows".into(),
            evidence: Vec::new(),
            scenario_line: None,
            more: 0,
        };
        Verdict::Fail(ids.iter().map(finding).collect())
    }

    #[test]
    fn what_a_late_guest_may_cause_is_unstable_on_a_busy_host_with_the_figures() {
        for ids in [&[EXPECT][..], &["clock"], &["guest-error", "incomplete"], &["K3", EXPECT]] {
            let Verdict::Unstable(why) = on_busy_host(fail(ids), Some(&BUSY)) else { panic!("{ids:?}") };
            assert!(
                why.starts_with("the host was too busy: QEMU waited for a processor for 3.0 s of 6.0 s"),
                "{why}"
            );
            assert!(why.ends_with("not counted: expected 5 windows; saw 4 windows"), "{why}");
        }
    }

    #[test]
    fn what_lateness_does_not_explain_stays_a_failure() {
        for ids in [&["K1"][..], &["panic"], &["guest-lost"], &["bad-results"], &[EXPECT, "Q1"]] {
            assert_eq!(on_busy_host(fail(ids), Some(&BUSY)), fail(ids));
        }
    }

    #[test]
    fn an_idle_host_the_virtual_clock_and_a_pass_change_nothing() {
        assert_eq!(on_busy_host(fail(&[EXPECT]), Some(&IDLE)), fail(&[EXPECT]));
        assert_eq!(on_busy_host(fail(&[EXPECT]), None), fail(&[EXPECT]));
        assert_eq!(on_busy_host(Verdict::Pass, Some(&BUSY)), Verdict::Pass);
    }
}
