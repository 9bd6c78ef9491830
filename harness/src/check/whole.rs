//! Whether the parts of a recording fit together: times within the run, samples of all that ran, text with its end. A
//! seal shows each changed byte; this is what shows without one, and what a guest leaves out.

use super::finding::{Finding, Origin, Violation};
use super::run_end::RunEnd;
use crate::recording::Recording;
use damonlab_protocol::plan::Step;
use damonlab_protocol::record::section;
use damonlab_protocol::units::Nanos;
use std::collections::BTreeSet;

/// Events may come between the last step and the end of the trace.
const AFTER_LAST_STEP: u64 = 60_000_000_000;

/// The clock of the trace is not exact between two CPUs.
const BACKWARDS: u64 = 1_000_000;

/// What is missing or cannot be, as findings about the results.
pub(crate) fn found(recording: &Recording) -> Vec<Finding> {
    let origin = Origin::RunEnd(RunEnd::BadResults);
    contradictions(recording).into_iter().map(|one| Finding::of(origin.clone(), one)).collect()
}

/// One violation for each kind. Where the guest reported an error, anything may be missing.
fn contradictions(recording: &Recording) -> Vec<Violation> {
    if !recording.report.errors.is_empty() {
        return Vec::new();
    }
    let all = [
        steps_in_order(recording),
        samples_in_order(recording),
        samples_of_runs(recording),
        trace_within_run(recording),
        cut_text(recording),
        cut_log(recording),
        cut_tree(recording),
        cut_formats(recording),
    ];
    all.into_iter().flatten().collect()
}

/// When the run began and ended, by its steps.
fn span(recording: &Recording) -> Option<(Nanos, Nanos)> {
    let steps = &recording.report.steps;
    Some((steps.first()?.begin, steps.last()?.end))
}

fn steps_in_order(recording: &Recording) -> Option<Violation> {
    let times: Vec<Nanos> = recording.report.steps.iter().flat_map(|step| [step.begin, step.end]).collect();
    let wrong = times.windows(2).find(|pair| pair[0] > pair[1])?;
    let expected = format!("{} to have the steps in their order", section::REPORT);
    Some(Violation::new(expected, format!("{} and then {}", wrong[0], wrong[1])))
}

fn samples_in_order(recording: &Recording) -> Option<Violation> {
    let samples = &recording.samples;
    let expected = |what: &str| format!("{} to have samples {what}", section::SAMPLES);
    if let Some(line) = samples.windows(2).position(|pair| pair[0].time >= pair[1].time) {
        let (one, next) = (samples[line].time, samples[line + 1].time);
        return Some(Violation::new(
            expected("in the order of their times"),
            format!("{one} in line {} and then {next}", line + 1),
        ));
    }
    let (_, end) = span(recording)?;
    let late = samples.iter().position(|sample| sample.time > end)?;
    let seen = format!("{} in line {}", samples[late].time, late + 1);
    Some(Violation::new(expected(&format!("up to the end of the last step at {end}")), seen))
}

/// The agent takes a sample at the end of every run.
fn samples_of_runs(recording: &Recording) -> Option<Violation> {
    let steps = recording.plan.steps.iter().zip(&recording.report.steps);
    let missing = (0..).zip(steps).find_map(|(nth, (step, record))| {
        let Step::Run { time } = step else { return None };
        let due = record.begin.0.saturating_add(time.0);
        let has = recording.samples.iter().any(|one| (due..=record.end.0).contains(&one.time.0));
        (!has).then_some((nth, Nanos(due)))
    });
    let (nth, due) = missing?;
    let expected = format!("{} to have a sample of the end of step {nth}, at {due}", section::SAMPLES);
    let last = recording.samples.last().map(|sample| format!("; the last one is of {}", sample.time));
    Some(Violation::new(expected, format!("{} samples{}", recording.samples.len(), last.unwrap_or_default())))
}

fn trace_within_run(recording: &Recording) -> Option<Violation> {
    let lines = &recording.trace.lines;
    let (begin, end) = span(recording)?;
    // Without steps of DAMON, the trace begins before the first step.
    let first = recording.report.ready_point.unwrap_or(Nanos(begin.0 / 2));
    let last = Nanos(end.0.saturating_add(AFTER_LAST_STEP));
    let outside = lines.iter().find(|line| !(first..=last).contains(&line.time));
    if let Some(line) = outside {
        let expected = format!("{} to have events from {first} to {last}", section::TRACE);
        return Some(Violation::new(expected, format!("one at {}", line.time)).at([line]));
    }
    let back = lines.windows(2).find(|pair| pair[0].time.0 > pair[1].time.0.saturating_add(BACKWARDS))?;
    let expected = format!("{} to have events in the order of their times", section::TRACE);
    let seen = format!("{} and then {}", back[0].time, back[1].time);
    Some(Violation::new(expected, seen).at([&back[0], &back[1]]))
}

fn cut_text(recording: &Recording) -> Option<Violation> {
    let texts = [
        (section::DMESG, &recording.dmesg),
        (section::FORMATS, &recording.formats),
        (section::SYSFS, &recording.sysfs),
        (section::TESTS, &recording.tests),
    ];
    let (name, _) = texts.into_iter().find(|(_, text)| !text.is_empty() && !text.ends_with('\n'))?;
    Some(Violation::new(format!("{name} to end with a complete line"), "a line without its end"))
}

/// The kernel log loses its beginning first, so what has the beginning has the rest of the boot as well.
fn cut_log(recording: &Recording) -> Option<Violation> {
    let log = &recording.dmesg;
    let boots = log.contains(";Linux version ") && !log.contains(" as init process");
    let expected = format!("{} to have the end of the boot, `Run ... as init process`", section::DMESG);
    boots.then(|| Violation::new(expected, format!("{} lines without it", log.lines().count())))
}

/// Numbered folders have a file beside them that counts them, which comes after them.
fn cut_tree(recording: &Recording) -> Option<Violation> {
    let paths = || recording.sysfs.lines().filter_map(|line| line.split_once(' ')).map(|(_, path)| path);
    let split = || paths().filter_map(|path| path.rsplit_once('/'));
    let counted: BTreeSet<&str> =
        split().filter(|(_, name)| name.starts_with("nr_")).map(|(folder, _)| folder).collect();
    let (folder, _) = split().find(|(folder, name)| *name == "0" && !counted.contains(folder))?;
    let expected = format!("{} to have the file that counts the folders in {folder}", section::SYSFS);
    Some(Violation::new(expected, format!("{} lines without it", recording.sysfs.lines().count())))
}

fn cut_formats(recording: &Recording) -> Option<Violation> {
    let last = recording.formats.lines().rfind(|line| !line.is_empty())?;
    let expected = format!("{} to end with the print format of its last event", section::FORMATS);
    (!last.starts_with("print fmt:")).then(|| Violation::new(expected, crate::host::text::excerpt(last)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;
    use crate::judge;
    use crate::recording::testing::all;
    use crate::subject::damon::testing::stored;

    fn seen(change: impl FnOnce(&mut Recording)) -> Vec<String> {
        let mut recording = stored("pull-push-short");
        change(&mut recording);
        contradictions(&recording).into_iter().map(|one| format!("{}: {}", one.expected, one.seen)).collect()
    }

    #[test]
    fn no_real_recording_contradicts_itself() {
        for name in all() {
            assert_eq!(contradictions(&stored(&name)), [], "{name}");
        }
    }

    #[test]
    fn times_that_cannot_be_are_noticed_wherever_they_are() {
        for time in [Nanos(0), Nanos(u64::MAX)] {
            let samples = seen(|one| one.samples.iter_mut().for_each(|sample| sample.time = time));
            assert!(samples[0].starts_with("samples.jsonl to have samples in the order"), "{samples:?}");
            let trace = seen(|one| one.trace.lines.iter_mut().for_each(|line| line.time = time));
            assert!(trace[0].starts_with("trace.txt to have events from "), "{trace:?}");
            let steps =
                |step: &mut damonlab_protocol::record::StepRecord| (step.begin, step.end) = (time, time);
            assert!(!seen(|one| one.report.steps.iter_mut().for_each(steps)).is_empty());
        }
        assert!(seen(|one| one.report.steps.reverse())[0].starts_with("guest.json to have the steps"));
        assert!(seen(|one| one.trace.lines.reverse())[0].contains("in the order of their times"));
    }

    #[test]
    fn half_of_a_file_is_noticed_in_every_real_recording() {
        fn half(text: &mut String) {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            *text = lines[..lines.len() / 2].concat();
        }
        type Cut = fn(&mut Recording);
        let cuts: [(Cut, &str); 4] = [
            (|one| one.samples.truncate(one.samples.len() / 2), "samples.jsonl to have a sample of the end"),
            (|one| half(&mut one.dmesg), "dmesg.txt to have the end of the boot"),
            (|one| half(&mut one.sysfs), "sysfs.txt to have the file that counts"),
            (|one| half(&mut one.formats), "formats.txt to end with the print format"),
        ];
        for name in all() {
            for (cut, expected) in cuts {
                let mut recording = stored(&name);
                cut(&mut recording);
                let found = contradictions(&recording);
                // A refused start runs nothing, and without DAMON there are no files of it.
                let none = name == "refused" && expected.starts_with("samples");
                let none = none || name == "foreign" && expected.starts_with("sysfs");
                let is_it = found.first().is_some_and(|one| one.expected.starts_with(expected));
                assert!(none || is_it, "{name} {expected}: {found:?}");
            }
        }
        let unfinished = |one: &mut Recording| one.sysfs.truncate(one.sysfs.len() - 1);
        assert!(seen(unfinished)[0].starts_with("sysfs.txt to end with a complete line"));
    }

    #[test]
    fn a_contradiction_fails_the_run_unless_the_guest_reports_why() {
        let mut recording = stored("pull-push-short");
        assert_eq!(judge::verdict(&recording).0, Verdict::Pass);
        recording.samples.truncate(3);
        let ids = |recording: &Recording| match judge::verdict(recording).0 {
            Verdict::Fail(findings) => findings.iter().map(|one| one.id().to_owned()).collect::<Vec<_>>(),
            other => panic!("{other}"),
        };
        assert!(ids(&recording).contains(&"bad-results".to_owned()), "{:?}", ids(&recording));
        recording.report.errors.push("cannot mount".into());
        assert!(!ids(&recording).contains(&"bad-results".to_owned()), "{:?}", ids(&recording));
    }
}
