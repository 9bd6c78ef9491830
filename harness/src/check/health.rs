//! Rules about the recording itself: refusals by the kernel, and whether the trace is complete and readable.

use crate::check::finding::{Evidence, Violation};
use crate::check::rule::{About, Kind, RecordingRule, Rule, RuleResult, Source};
use crate::recording::Recording;
use damonlab_protocol::plan::Step;
use damonlab_protocol::record::section;

/// The rules about the recording itself, those of the kernel log left out.
pub(crate) static RULES: &[&RecordingRule] =
    &[&KERNEL_REFUSES_AS_EXPECTED, &TRACE_IS_COMPLETE, &TRACE_IS_READABLE, &super::text::TEXT_MATCHES_RECORD];

pub(crate) static KERNEL_REFUSES_AS_EXPECTED: RecordingRule = Rule {
    about: About {
        id: "K2",
        name: "kernel-refuses-as-expected",
        kind: Kind::Exact,
        statement: "A configuration or a value is refused with the errno that the scenario names, and accepted where it names none.",
        because: "The kernel validates values when they are written and configurations when they are committed, and each reason has its errno.",
        source: &[
            Source::function("mm/damon/sysfs.c", "state_store"),
            Source::function("mm/damon/core.c", "damon_commit_ctx"),
        ],
        file: file!(),
        when: "the plan has a start, a commit or a write",
    },
    judge: kernel_refuses_as_expected,
};

fn kernel_refuses_as_expected(recording: &Recording) -> RuleResult {
    if !recording.plan.steps.iter().any(|step| step.refusal().is_some()) {
        return RuleResult::NotApplicable("no step of the plan can be refused".to_owned());
    }
    let mut findings = Vec::new();
    for (nth, (step, outcome)) in recording.plan.steps.iter().zip(&recording.report.steps).enumerate() {
        let Some(refused) = step.refusal() else { continue };
        let seen = outcome.refused.as_ref().map(|refusal| refusal.errno.as_str());
        if refused == seen {
            continue;
        }
        let result = |errno: Option<&str>| match errno {
            Some(errno) => format!("refused with {errno}"),
            None => "accepted".to_owned(),
        };
        let expected = format!("{} to be {}", what(nth, step), result(refused));
        let mut seen = result(seen);
        if let Some(refusal) = &outcome.refused {
            seen.push_str(&format!(" ('{}' to {})", refusal.value, refusal.file));
        }
        findings.push(Violation::new(expected, seen));
    }
    RuleResult::Applied(findings.into_iter().collect())
}

/// What a step writes or commits. Steps count from 1, as runs do in `during`.
fn what(nth: usize, step: &Step) -> String {
    let nth = nth + 1;
    match step {
        Step::Write { file, value, .. } => format!("'{value}' into {file} (step {nth})"),
        Step::Retarget { .. } => format!("the goals of step {nth}"),
        _ => format!("the configuration of step {nth}"),
    }
}

pub(crate) static TRACE_IS_COMPLETE: RecordingRule = Rule {
    about: About {
        id: "trace-lost",
        name: "trace-is-complete",
        kind: Kind::Exact,
        statement: "The ring buffer lost no event.",
        because: "The buffer counts what it overwrites and drops, and the scenario sets a size that is large enough.",
        source: &[Source::File("kernel/trace/ring_buffer.c")],
        file: file!(),
        when: "always",
    },
    judge: trace_is_complete,
};

fn trace_is_complete(recording: &Recording) -> RuleResult {
    let trace = &recording.trace;
    let expected = "a complete trace (use a larger trace buffer, or record fewer events)";
    let finding = |seen: String| Violation::new(expected, seen);
    let mut findings = Vec::new();
    for stats in &recording.report.trace_stats {
        let counts = [
            ("overrun", stats.overrun),
            ("commit overrun", stats.commit_overrun),
            ("dropped", stats.dropped),
        ];
        for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            findings.push(finding(format!("{name} {count} on CPU {}", stats.cpu)));
        }
    }
    for loss in &trace.losses {
        let mut lost = finding("events lost while the trace was read".to_owned());
        lost.evidence.push(Evidence::new(section::TRACE, loss.number, &loss.text));
        findings.push(lost);
    }
    if let Some(entries) = trace.entries.filter(|entries| entries.in_buffer != entries.written) {
        findings.push(finding(format!("{} of {} events in its header", entries.in_buffer, entries.written)));
    }
    let stored: u64 = recording.report.trace_stats.iter().map(|stats| stats.entries).sum();
    let read = trace.lines.len() as u64 + trace.unreadable_count;
    if stored != read {
        findings.push(finding(format!("{read} lines of {stored} events in the ring buffer")));
    }
    RuleResult::Applied(findings.into_iter().collect())
}

pub(crate) static TRACE_IS_READABLE: RecordingRule = Rule {
    about: About {
        id: "trace-unreadable",
        name: "trace-is-readable",
        kind: Kind::Exact,
        statement: "Every line of the trace is an event in a print format that damonlab knows.",
        because: "The text of an event is its print format with the values filled in.",
        source: &[Source::File("include/trace/events/damon.h"), Source::File("kernel/trace/trace_output.c")],
        file: file!(),
        when: "always",
    },
    judge: trace_is_readable,
};

fn trace_is_readable(recording: &Recording) -> RuleResult {
    let trace = &recording.trace;
    let mut findings: Vec<Violation> = trace
        .unreadable
        .iter()
        .map(|line| {
            let mut finding = Violation::new("an event as the kernel prints it", line.why.to_string());
            finding.evidence.push(Evidence::new(section::TRACE, line.number, &line.text));
            finding
        })
        .collect();
    let more = trace.unreadable_count.saturating_sub(findings.len() as u64);
    if let (Some(last), 1..) = (findings.last_mut(), more) {
        last.seen.push_str(&format!(" (and {more} more such lines)"));
    }
    RuleResult::Applied(findings.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use crate::subject::damon::testing::{Model, found, rewrite};
    use damonlab_protocol::plan::Step;
    use damonlab_protocol::record::Refusal;

    #[test]
    fn every_counter_of_loss_fails_the_run() {
        for tamper in [0, 1, 2] {
            let mut recording = Model::pull_push().recording();
            let stats = &mut recording.report.trace_stats[0];
            *[&mut stats.overrun, &mut stats.commit_overrun, &mut stats.dropped][tamper] = 1;
            assert_eq!(found(&recording, "trace-lost").len(), 1);
        }
    }

    #[test]
    fn a_trace_with_fewer_lines_than_the_ring_buffer_had_fails_the_run() {
        let mut recording = Model::pull_push().recording();
        recording.trace.lines.pop();
        assert!(found(&recording, "trace-lost")[0].seen.contains("events in the ring buffer"));
    }

    #[test]
    fn a_loss_inside_the_trace_fails_the_run_and_is_shown() {
        let mut recording = Model::pull_push().recording();
        let lost = crate::recording::Trace::parse(
            "# entries-in-buffer/entries-written: 1/2 #P:1\nCPU:0 [LOST 3 EVENTS]\n",
        );
        (recording.trace.losses, recording.trace.entries) = (lost.losses, lost.entries);
        let findings = found(&recording, "trace-lost");
        assert_eq!(findings.len(), 2);
        assert_eq!(findings[0].evidence[0].number, 2);
    }

    #[test]
    fn a_print_format_that_changed_is_a_finding_and_not_an_absence() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| {
            for line in lines.iter_mut().filter(|line| line.contains("damos_esz")) {
                line.push_str(" nid=0");
            }
        });
        assert!(found(&recording, "trace-unreadable")[0].seen.contains("print format"));
    }

    #[test]
    fn an_error_of_the_guest_and_a_missing_step_are_findings() {
        let mut recording = Model::pull_push().recording();
        recording.report.steps.pop();
        assert_eq!(found(&recording, "incomplete")[0].seen, "2 of them");
        recording.report.errors.push("cannot mount /sys".into());
        assert_eq!(found(&recording, "guest-error")[0].seen, "cannot mount /sys");
        assert_eq!(found(&recording, "incomplete"), [], "the error is the reason");
    }

    #[test]
    fn a_value_that_the_kernel_refuses_before_the_first_step_is_one_finding() {
        let mut recording = Model::pull_push().recording();
        let refused = "the kernel refused to take 'x' into /proc/sys/vm/swappiness with EINVAL";
        recording.report.errors.push(refused.into());
        recording.report.steps.clear();
        recording.samples.clear();
        rewrite(&mut recording, |lines| lines.clear());
        let findings = crate::judge::judge(&recording).findings;
        let seen: Vec<&str> = findings.iter().map(|finding| finding.seen.as_str()).collect();
        assert_eq!(seen, [refused]);
    }

    #[test]
    fn a_refusal_must_be_the_expected_one() {
        let refusal =
            |errno: &str| Some(Refusal { errno: errno.into(), file: "0/state".into(), value: "on".into() });
        let mut recording = Model::pull_push().recording();
        recording.plan.steps = vec![Step::Start { refused: Some("EINVAL".into()) }, Step::Stop];
        recording.report.steps.truncate(1);
        assert_eq!(found(&recording, "K2")[0].seen, "accepted");
        assert_eq!(found(&recording, "incomplete").len(), 1);
        recording.report.steps[0].refused = refusal("ENOMEM");
        assert_eq!(found(&recording, "K2")[0].seen, "refused with ENOMEM ('on' to 0/state)");
        recording.report.steps[0].refused = refusal("EINVAL");
        assert_eq!(found(&recording, "K2"), []);
        assert_eq!(found(&recording, "incomplete"), []);
    }
}
