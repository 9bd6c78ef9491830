//! For tests: real recordings, functions that tamper with a trace, and the findings that result.

use crate::check::Finding;
use crate::judge::judge;
use crate::recording::{Recording, Seal, Trace};
use crate::scenario::Scenario;
use crate::subject::damon::events::Aggregated;
use std::path::Path;

/// A real run's recording, from `tests/recordings`.
pub(crate) fn stored(name: &str) -> Recording {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(name);
    let read = |file: &str| fs_err::read_to_string(dir.join(file)).unwrap();
    let samples = read("samples.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    Recording {
        seal: Seal::Unsealed,
        meta: serde_json::from_str(&read("recording.json")).unwrap(),
        scenario: Scenario::parse(name, &read("scenario.yaml")).unwrap(),
        plan: serde_json::from_str(&read("plan.json")).unwrap(),
        report: serde_json::from_str(&read("guest.json")).unwrap(),
        trace: Trace::parse(&read("trace.txt")),
        raw: fs_err::read(dir.join("trace.raw")).unwrap_or_default(),
        samples,
        dmesg: read("dmesg.txt"),
        formats: read("formats.txt"),
        sysfs: read("sysfs.txt"),
        tests: String::new(),
        dir,
    }
}

/// Gives every aggregated region so many accesses.
pub(crate) fn with_accesses(recording: &mut Recording, accesses: u32) {
    rewrite(recording, |lines| {
        for at in of_event(lines, Aggregated::NAME) {
            let (head, age) = lines[at].rsplit_once(' ').unwrap();
            let (head, _) = head.rsplit_once(' ').unwrap();
            lines[at] = format!("{head} {accesses} {age}");
        }
    });
}

/// Changes the lines of the trace with `edit`, and reads them again.
pub(crate) fn rewrite(recording: &mut Recording, edit: impl FnOnce(&mut Vec<String>)) {
    let mut lines: Vec<String> = recording.trace.lines.iter().map(ToString::to_string).collect();
    edit(&mut lines);
    recording.trace = Trace::parse(&lines.join("\n"));
    recording.report.trace_stats[0].entries =
        recording.trace.lines.len() as u64 + recording.trace.unreadable_count;
}

/// The places of an event's lines.
pub(crate) fn of_event(lines: &[String], event: &str) -> Vec<usize> {
    let event = format!(": {event}: ");
    lines.iter().enumerate().filter(|(_, line)| line.contains(&event)).map(|(at, _)| at).collect()
}

/// Changes the `nth` line of an event.
pub(crate) fn edit(lines: &mut [String], event: &str, nth: usize, change: impl FnOnce(&str) -> String) {
    let at = of_event(lines, event)[nth];
    lines[at] = change(&lines[at]);
}

/// Replaces `from`, which must be there, in the `nth` line of an event.
pub(crate) fn replace(lines: &mut [String], event: &str, nth: usize, from: &str, to: &str) {
    edit(lines, event, nth, |line| {
        assert!(line.contains(from), "'{from}' is not in '{line}'");
        line.replacen(from, to, 1)
    });
}

/// What `judge` finds under one id.
pub(crate) fn found(recording: &Recording, id: &str) -> Vec<Finding> {
    judge(recording).findings.into_iter().filter(|finding| finding.id() == id).collect()
}

/// The violations of an invariant in the real run that records everything, after `tamper`; before it there are none.
pub(crate) fn tampered(id: &str, tamper: impl FnOnce(&mut Recording)) -> Vec<String> {
    let mut recording = stored("truth");
    assert_eq!(found(&recording, id), []);
    tamper(&mut recording);
    found(&recording, id)
        .into_iter()
        .map(|finding| format!("{}; {}", finding.expected, finding.seen))
        .collect()
}
