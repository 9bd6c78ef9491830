//! The verdict on a recording.

use super::busy_host::on_busy_host;
use super::judgement::{Judgement, judge};
use super::{console_log, known, machine, missing_features};
use crate::check::{Verdict, whole};
use crate::recording::Recording;

/// The verdict on a recording; nothing is judged of a machine that is another than the one described, or of a
/// kernel without a feature that the scenario needs.
pub fn verdict(recording: &Recording) -> (Verdict, Option<Judgement>) {
    if let Some(verdict) = machine::other_machine(&recording.report.differences) {
        return (known::known_machine(recording).unwrap_or(verdict), None);
    }
    if let Some(verdict) = missing_features::missing(recording) {
        return (verdict, None);
    }
    let mut judgement = judge(recording);
    judgement.findings.extend(whole::found(recording));
    judgement.findings.extend(console_log::late_findings(&recording.dir, &judgement));
    known::set_aside(recording, &mut judgement);
    let verdict = known::known_bugs(recording, &judgement).unwrap_or_else(|| judgement.verdict());
    (on_busy_host(verdict, recording.meta.load.as_ref()), Some(judgement))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::rejudge;
    use crate::recording::CONSOLE_LOG;
    use fs_err as fs;

    #[test]
    fn a_recording_of_another_machine_is_no_answer_about_the_kernel() {
        let mut recording = crate::subject::damon::testing::Model::pull_push().recording();
        recording.report.errors.push("which would be a finding".to_owned());
        assert!(matches!(verdict(&recording).0, Verdict::Fail(_)));
        recording.report.differences.push(damonlab_protocol::machine_view::Difference {
            what: "memory tier of node 1".to_owned(),
            wanted: "27".to_owned(),
            seen: "4".to_owned(),
        });
        let (Verdict::Infra(why), None) = verdict(&recording) else { panic!("it is infra, and not judged") };
        assert!(why.ends_with("memory tier of node 1: described 27, seen 4"), "{why}");
    }

    #[test]
    fn a_warning_in_the_log_does_not_hide_a_later_panic_on_the_console() {
        let copy = tempfile::tempdir().unwrap();
        crate::recording::testing::copy("pull-push-short", copy.path());
        assert_eq!(rejudge(copy.path()).unwrap().verdict, Verdict::Pass);
        let warning = "WARNING: mm/damon/core.c:1 at damon_test+0x1/0x2, CPU#0: kdamond.0/50";
        let log = copy.path().join("dmesg.txt");
        let text = fs::read_to_string(&log).unwrap();
        fs::write(&log, format!("{text}4,9000000;{warning}\n")).unwrap();
        let console = format!("[    9.000000] {warning}\r\n[    9.5] Kernel panic - not syncing: late\r\n");
        fs::write(copy.path().join(CONSOLE_LOG), console).unwrap();
        let Verdict::Fail(findings) = rejudge(copy.path()).unwrap().verdict else { panic!("it must fail") };
        let files: Vec<_> = findings.iter().map(|finding| finding.evidence[0].file).collect();
        assert!(files.contains(&"dmesg.txt") && files.contains(&CONSOLE_LOG), "{findings:?}");
    }
}
