//! All results of one recording: every rule, every expectation, the kernel's own tests.

use super::missing_features::lost_event;
use super::rules;
use crate::check::fields::{Fields, RawRecord};
use crate::check::log::{kernel_log, ktap};
use crate::check::rule::{Judged, RuleResult};
use crate::check::subject::bare;
use crate::check::{
    About, Finding, Measured, Origin, StatedResult, StatedStatus, Tests, Unmeasured, Verdict, early_end,
    health,
};
use crate::recording::{Line, Recording};
use crate::subject::{self, SubjectResults};

/// The results of all checks.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// What is wrong, the most important first ([`Verdict`] has the order).
    pub findings: Vec<Finding>,
    /// The rules that applied, whether they passed or were violated.
    pub applied: Vec<&'static About>,
    /// The rules that did not apply, and why.
    pub skipped: Vec<(&'static About, String)>,
    /// Tracepoints that the scenario names and the kernel does not have.
    pub missing_events: Vec<String>,
    /// The scenario's expectations, as they were measured, in its order.
    pub measured: Vec<Measured>,
    /// The kernel's own tests, where the scenario runs them.
    pub tests: Tests,
    /// The rules that the scenario or a file of `--rules` states, in their order.
    pub stated: Vec<StatedResult>,
    /// What the scenario asks of an event that has no such field: its own mistakes, which only the kernel shows.
    pub mistakes: Vec<String>,
    /// What rules could not check, although they apply.
    pub notes: Vec<String>,
}

impl Judgement {
    /// Adds the result of one rule.
    fn add(&mut self, (about, result): Judged) {
        match result {
            RuleResult::Applied(violations) => {
                self.applied.push(about);
                self.notes.extend(violations.notes().iter().map(|note| format!("{}: {note}", about.name)));
                self.findings.extend(violations.findings_of(&Origin::Rule(about)));
            }
            RuleResult::NotApplicable(why) => self.skipped.push((about, why)),
        }
    }

    /// The same as if nothing were wrong.
    pub(super) fn without_findings(&self) -> Judgement {
        Judgement { findings: Vec::new(), ..self.clone() }
    }

    /// The verdict. A tracepoint or a test that the kernel does not have makes a run that
    /// would pass a [`Verdict::Skip`], and a field that its event does not have a [`Verdict::Infra`], since it shows
    /// nothing about the kernel; neither excuses a finding.
    pub fn verdict(&self) -> Verdict {
        let mut findings = self.findings.clone();
        findings.sort_by_key(rank);
        match (findings.is_empty(), self.missing_events.as_slice()) {
            (false, _) => Verdict::Fail(findings),
            (true, _) if !self.mistakes.is_empty() => {
                Verdict::Infra(format!("the scenario does not fit this kernel: {}", self.mistakes.join("; ")))
            }
            (true, []) => self.tests.not_run().map_or(Verdict::Pass, Verdict::Skip),
            (true, [event]) => Verdict::Skip(format!("the kernel has no tracepoint {event}")),
            (true, events) => Verdict::Skip(format!("the kernel has no tracepoints {}", events.join(", "))),
        }
    }
}

/// The place of a finding: the kernel log, an end of the run, the other rules in their order, the stated ones, expectations, then the
/// kernel's own tests.
fn rank(finding: &Finding) -> (usize, usize) {
    let place = |about: &'static About| rules::all().position(|rule| rule == about).unwrap_or_default();
    match &finding.origin {
        Origin::Rule(about) if kernel_log::RULES.iter().any(|rule| rule.about == **about) => {
            (0, place(about))
        }
        Origin::RunEnd(end) => (1, *end as usize),
        Origin::Rule(about) => (2, place(about)),
        Origin::Stated(_) => (3, 0),
        Origin::Expectation => (4, 0),
        Origin::Test => (5, 0),
    }
}

/// Judges a recording.
pub fn judge(recording: &Recording) -> Judgement {
    let raw = RawRecord::of(recording, names_untyped_events(recording));
    let fields = Fields::new(recording, &raw);
    let SubjectResults { missing_events, rules, expectations, stated, reports } =
        subject::judge(recording, &fields);
    let mut judged = Judgement {
        findings: Vec::new(),
        applied: Vec::new(),
        skipped: Vec::new(),
        missing_events,
        measured: Vec::new(),
        tests: Tests::default(),
        stated: Vec::new(),
        mistakes: Vec::new(),
        notes: Vec::new(),
    };
    let clock = recording.meta.clock;
    for rule in kernel_log::RULES {
        judged.add(rule.on(clock, |judge| judge(recording)));
    }
    judged.findings.extend(early_end::found(recording));
    for rule in health::RULES {
        judged.add(rule.on(clock, |judge| judge(recording)));
    }
    rules.into_iter().for_each(|rule| judged.add(rule));
    let (stated, mut violated) = stated;
    judged.mistakes.extend(stated.iter().filter_map(|one| match &one.result {
        StatedStatus::Mistaken(why) => Some(format!("{} ({}): {why}", one.name, one.place)),
        _ => None,
    }));
    judged.stated = stated;
    judged.findings.append(&mut violated);
    for outcome in expectations {
        match outcome {
            Ok((measured, finding)) => {
                judged.measured.push(measured);
                judged.findings.extend(finding);
            }
            Err(Unmeasured::Event(event)) if known(&judged.missing_events, &event) => {}
            Err(Unmeasured::Event(event)) => judged.missing_events.push(event),
            Err(mistake @ Unmeasured::Field(_)) => judged.mistakes.push(mistake.to_string()),
        }
    }
    let (tests, mut findings) = ktap::judge(recording);
    findings.append(reports);
    judged.tests = tests;
    judged.findings.extend(findings.findings_of(&Origin::Test));
    let lost = judged.missing_events.iter().filter_map(|event| lost_event(recording, event));
    judged.findings.extend(lost);
    judged
}

/// Whether the scenario is about events that damonlab has no type for.
fn names_untyped_events(recording: &Recording) -> bool {
    let typed = |event: &&str| Line::shapes().iter().any(|(name, _)| name == &bare(event));
    let expect = recording.scenario.expect.iter();
    let stated = recording.scenario.rules.iter().flat_map(|rule| rule.events());
    let events = expect.flat_map(|expectation| {
        let between = expectation.between.iter().flat_map(|(from, to)| [from.as_str(), to]);
        expectation.quantity.events().into_iter().chain(between)
    });
    !events.chain(stated).all(|event| typed(&event))
}

/// Whether an event is in the list, with or without its system.
fn known(events: &[String], event: &str) -> bool {
    events.iter().any(|known| bare(known) == bare(event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Violation;

    fn judgement(ids: &[&'static str], missing: &[&str]) -> Judgement {
        Judgement {
            findings: ids
                .iter()
                .map(|id| Finding::of(rules::origin(id).unwrap(), Violation::new("a", "b")))
                .collect(),
            applied: Vec::new(),
            skipped: Vec::new(),
            missing_events: missing.iter().map(|event| (*event).to_owned()).collect(),
            measured: Vec::new(),
            tests: Tests::default(),
            stated: Vec::new(),
            mistakes: Vec::new(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_crash_comes_before_what_it_invalidates() {
        let Verdict::Fail(findings) = judgement(&["expect", "Q1", "K1", "trace-lost"], &[]).verdict() else {
            panic!("findings are a failure")
        };
        let ids: Vec<_> = findings.iter().map(Finding::id).collect();
        assert_eq!(ids, ["K1", "trace-lost", "Q1", "expect"]);
    }

    #[test]
    fn a_missing_tracepoint_is_named_in_a_skip_and_excuses_nothing() {
        let skip = judgement(&[], &["damon:damos_esz"]).verdict();
        assert_eq!(skip.to_string(), "skip: the kernel has no tracepoint damon:damos_esz");
        assert!(matches!(judgement(&["S2"], &["damon:damos_esz"]).verdict(), Verdict::Fail(_)));
        assert_eq!(judgement(&[], &[]).verdict(), Verdict::Pass);
    }

    #[test]
    fn tests_that_could_not_be_run_are_a_skip_and_excuse_nothing() {
        let lacking = |ids| {
            let tests = Tests { lacking: vec!["the kernel has no KUnit".into()], ..Tests::default() };
            Judgement { tests, ..judgement(ids, &[]) }.verdict()
        };
        assert_eq!(lacking(&[]), Verdict::Skip("the kernel has no KUnit".into()));
        assert!(matches!(lacking(&["K1"]), Verdict::Fail(_)));
    }
}
