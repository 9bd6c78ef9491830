//! A run as an item: `run`, `check`, and each seed of several.
//!
//! For programs it has `scenario`, `summary`, `machine`, `kernel`, `qemu`, `clock`, `accelerator`, `recording`, `seed`, `guest_seconds`, `reason` (of a
//! run without findings that did not pass), `expectations` ([`Measured`]), `findings` ([`crate::check::Finding`]), `intended` (findings with `why`),
//! `rules` (`passed`, `violated` and `not_applicable`), `stated_rules` ([`StatedResult`]), `tests` of the kernel's own, `notes` and `repeat`, the command
//! that repeats it.

use super::checked::Place;
use super::event::{Depth, Item};
use super::place::{self, shown};
use super::rules::{self, Rules};
use super::tests_of_kernel;
use super::verdict::status;
use super::{measure, repeated, run_checks};
use crate::check::{ExpectationStatus, Measured, StatedResult, StatedStatus, Verdict};
use crate::host::full_disk;
use crate::host::text::{excerpt, quote};
use crate::judge::{Intended, Report};
use crate::scenario::Scenario;
use serde_json::{Value, json};
use std::time::Duration;

/// A run, and what only its command knows of it.
#[derive(Debug)]
pub struct RunView<'a> {
    /// The run.
    pub report: &'a Report,
    /// What the item is called.
    pub name: String,
    /// The scenario that was run. Without it the line shows no measures.
    pub scenario: Option<&'a Scenario>,
    /// The seed.
    pub seed: Option<u64>,
    /// The command that repeats it.
    pub repeat: Option<String>,
}

impl<'a> RunView<'a> {
    /// A run by itself, called by its scenario's name.
    pub fn of(report: &'a Report) -> RunView<'a> {
        RunView { report, name: report.scenario.clone(), scenario: None, seed: None, repeat: None }
    }

    /// The item.
    pub fn item(&self) -> Item {
        let report = self.report;
        let mut item = Item::new(&*self.name, status(&report.verdict), "");
        item.headline = self.headline();
        item.seconds = report.wall_time.as_ref().map(Duration::as_secs_f64);
        item.data = self.data();
        self.add_for_programs(&mut item);
        item.add(Depth::Story, "summary", quote(&report.summary).to_string());
        if let Verdict::Fail(findings) = &report.verdict {
            rules::add_findings(&mut item, findings);
        }
        if let Some(reason) = reason(&report.verdict).filter(|reason| quote(reason).to_string() != *reason) {
            item.add(Depth::Story, "reason", reason);
        }
        let advice = reason(&report.verdict).and_then(full_disk::advice);
        item.add_some(Depth::Story, "help", advice);
        for Intended { finding, why } in &report.intended {
            let text = format!("{}: {}; {}", finding.origin, quote(why), finding.sentence());
            item.add(Depth::Story, "intended", text);
        }
        self.add_checks(&mut item);
        if let Some(repeated) = &report.repeated {
            repeated::add(&mut item, repeated);
        }
        for note in self.notes() {
            item.add(Depth::Story, "note", note);
        }
        item.add_some(Depth::Story, "machine", report.machine.as_deref().map(excerpt));
        item.add(Depth::Story, "kernel", quote(&report.kernel).to_string());
        if let Some(accelerator) = report.accelerator {
            item.add(Depth::Story, "accelerator", format!("{accelerator}, on the {} clock", report.clock));
        }
        let guest_time = report.guest_time.as_secs_f64();
        item.add(Depth::Everything, "guest time", format!("{guest_time:.0} s"));
        item.add(Depth::Alone, "recording", shown(&report.dir));
        item.add_some(Depth::Story, "repeat", self.repeat.as_deref());
        item
    }

    /// The checks one by one, and what the run was made of.
    fn add_for_programs(&self, item: &mut Item) {
        let RunView { report, seed, repeat, .. } = self;
        let file = self.scenario.and_then(|scenario| place::of_scenario(scenario, &report.dir));
        item.seed = *seed;
        item.checks = run_checks::of_run(report, file.as_deref());
        item.place = file.map(Place::start);
        item.property("scenario", Some(&*report.scenario));
        item.property("machine", report.machine.as_deref());
        item.property("kernel", Some(&*report.kernel));
        item.property("qemu", report.qemu.as_deref());
        item.property("seed", seed.map(|seed| seed.to_string()));
        item.property("clock", Some(report.clock.to_string()));
        item.property("accelerator", report.accelerator.map(|name| name.to_string()));
        item.property("recording", Some(shown(&report.dir)));
        item.property("repeat", repeat.as_deref());
    }

    /// What was measured of a run that passed, else why it did not.
    fn headline(&self) -> Vec<String> {
        let first_line = |why: &str| vec![why.lines().next().unwrap_or_default().to_owned()];
        match &self.report.verdict {
            Verdict::Fail(findings) => vec![rules::all_violated(findings)],
            Verdict::Skip(why) => vec![why.lines().collect::<Vec<_>>().join("; ")],
            Verdict::Unstable(why) | Verdict::Infra(why) => first_line(why),
            Verdict::Pass => self.measures(),
        }
    }

    /// What was measured, the kernel's own tests and repetitions before that; else how much was checked.
    fn measures(&self) -> Vec<String> {
        let mut all: Vec<String> = self.report.repeated.iter().filter_map(repeated::headline).collect();
        let intended: Vec<_> = self.report.intended.iter().map(|one| one.finding.clone()).collect();
        if !intended.is_empty() {
            all.push(format!("changed as intended: {}", rules::all_violated(&intended)));
        }
        let Some(judgement) = &self.report.judgement else { return all };
        all.extend(tests_of_kernel::headline(&judgement.tests));
        let measured = judgement.measured.iter();
        let values = measured.filter_map(|measured| Some((measured.index, measured.value?)));
        let measures = self.scenario.map(|scenario| measure::all(scenario, values)).unwrap_or_default();
        if measures.is_empty() {
            all.push(Rules::of(judgement).headline());
        }
        all.extend(measures);
        // What was not judged comes first: of the rest, only what fits into the line is shown.
        all.splice(0..0, not_applicable(&judgement.stated));
        all
    }

    fn add_checks(&self, item: &mut Item) {
        let Some(judgement) = &self.report.judgement else { return };
        // A violated one is among the findings.
        for measured in judgement.measured.iter().filter(|one| one.answer != ExpectationStatus::Violated) {
            let Measured { what, wanted, seen, answer, .. } = measured;
            item.add(Depth::Story, "measured", format!("{what} {wanted}: {seen}  {answer}"));
        }
        for one in judgement.stated.iter().filter(|one| one.result != StatedStatus::Violated) {
            item.add(Depth::Story, "rule", format!("{} ({}): {}", one.name, one.place, one.result));
        }
        tests_of_kernel::add(item, &judgement.tests);
        let rules = Rules::of(judgement);
        item.add(Depth::Everything, "passed", rules.passed());
        item.add(Depth::Everything, "not applicable", rules.not_applicable());
    }

    /// What is to be known beside the verdict.
    fn notes(&self) -> impl Iterator<Item = &str> {
        let judgement = self.report.judgement.as_ref();
        // Where it is the verdict, the reason has it.
        let is_verdict = matches!(self.report.verdict, Verdict::Infra(_));
        let mistakes = judgement.filter(|_| !is_verdict).map(|judgement| judgement.mistakes.as_slice());
        let of_rules =
            judgement.into_iter().flat_map(|judgement| &judgement.notes).chain(mistakes.unwrap_or_default());
        self.report.notes.iter().chain(of_rules).map(String::as_str)
    }

    fn data(&self) -> Value {
        let RunView { report, seed, repeat, .. } = self;
        let judgement = report.judgement.as_ref();
        let findings = if let Verdict::Fail(findings) = &report.verdict { findings.as_slice() } else { &[] };
        json!({
            "scenario": report.scenario,
            "summary": report.summary,
            "machine": report.machine,
            "kernel": report.kernel,
            "qemu": report.qemu,
            "clock": report.clock,
            "accelerator": report.accelerator,
            "recording": report.dir.to_string_lossy(),
            "seed": seed,
            "guest_seconds": report.guest_time.as_secs_f64(),
            "reason": reason(&report.verdict),
            "expectations": judgement.map(|judgement| &judgement.measured),
            "findings": findings,
            "intended": report.intended,
            "rules": judgement.map(Rules::of),
            "stated_rules": judgement.map(|judgement| &judgement.stated),
            "tests": judgement.map(|judgement| tests_of_kernel::data(&judgement.tests)),
            "notes": self.notes().collect::<Vec<_>>(),
            "repeat": repeat,
        })
    }
}

/// Why there is no pass and no failure.
fn reason(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::Skip(why) | Verdict::Unstable(why) | Verdict::Infra(why) => Some(why),
        Verdict::Pass | Verdict::Fail(_) => None,
    }
}

/// Everything about one run, for a test that reports why it did not pass.
pub fn full_text(report: &Report) -> String {
    super::human::item_text(&RunView::of(report).item())
}

/// Which of the stated rules judged nothing.
fn not_applicable(stated: &[StatedResult]) -> Option<String> {
    let is_not = |one: &&StatedResult| matches!(one.result, StatedStatus::NotApplicable(_));
    let names: Vec<&str> = stated.iter().filter(is_not).map(|one| &*one.name).collect();
    match names.as_slice() {
        [] => None,
        [name] => Some(format!("not applicable: {name}")),
        several => Some(format!("not applicable: {} of {} stated rules", several.len(), stated.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Event;
    use super::super::human::text;
    use super::super::{Started, Verbosity};
    use super::*;
    use crate::judge;
    use crate::recording::Recording;
    use std::path::Path;

    /// What is printed of the stored run of this name.
    fn printed(name: &str, verbosity: Verbosity, change: impl Fn(&mut Report)) -> String {
        let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(name);
        let scenario = Recording::load(&stored).unwrap().scenario;
        let mut report = judge::rejudge(&stored).unwrap();
        report.dir = format!("results/{name}").into();
        change(&mut report);
        let repeat = Some("damonlab run".to_owned());
        let item = RunView { scenario: Some(&scenario), repeat, ..RunView::of(&report) }.item();
        let items = vec![item.name.clone(), "another".to_owned()];
        let started = Started { command: "run", items, kernel: None };
        text(&[Event::Started(&started), Event::Finished(&item)], verbosity)
    }

    #[test]
    fn a_stored_run_that_passes_is_one_line_with_what_it_measured() {
        let text = printed("pull-push-short", Verbosity::Normal, |_| ());
        let wanted = "PASS  pull-push-short  scheme 1 damos_esz 1 (at least 1), \
                      pgmigrate_success 1137 (at least 1)\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_run_that_took_its_time_says_so_in_a_column() {
        let text =
            printed("cxl", Verbosity::Normal, |report| report.wall_time = Some(Duration::from_millis(6_020)));
        assert!(
            text.starts_with("PASS  cxl         6.0 s  scheme 0 damos_esz 1 (at least 1), pgm"),
            "{text}"
        );
    }

    #[test]
    fn a_skipped_run_is_one_line_with_its_reason() {
        let skip =
            |report: &mut Report| report.verdict = Verdict::Skip("no tracepoint x\nnone at all".into());
        let text = printed("cxl", Verbosity::Normal, skip);
        assert_eq!(text, "SKIP  cxl      no tracepoint x; none at all\n");
    }

    #[test]
    fn a_run_that_fails_tells_its_whole_story() {
        let warning = "4,9;WARNING: at mm/damon/core.c:1 damon_test+0x1/0x2";
        let fail = |report: &mut Report| {
            report.verdict = Verdict::Fail(crate::check::kernel_log::scan("dmesg.txt", warning));
        };
        let text = printed("cxl", Verbosity::Normal, fail);
        let (head, story) = text.split_once('\n').unwrap();
        assert_eq!(head, format!("FAIL  cxl      {}", rules::name("K1")));
        for line in [
            "  summary         migrate_hot pulls hot memory from the CXL node until DRAM holds 70 % of it.",
            &format!("  violated        {}", rules::name("K1")),
            "                  dmesg.txt:1: 4,9;WARNING: at mm/damon/core.c:1 damon_test+0x1/0x2",
            "  measured        the growth of pgmigrate_success to be at least 1: 2816  passed",
            "  kernel          linux 7.3.4 + 1 patch",
            "  accelerator     TCG, on the virtual clock",
            "  recording       results/cxl",
            "  repeat          damonlab run",
        ] {
            assert!(story.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!story.contains("not applicable"), "{story}");
    }

    #[test]
    fn verbose_lists_the_rules_that_passed_and_those_that_do_not_apply_with_reasons() {
        let text = printed("tuned", Verbosity::Verbose, |report| report.notes.push("it was booted".into()));
        assert!(text.contains("  not applicable  ") && text.contains(": no scheme migrates\n"), "{text}");
        assert!(text.contains(&format!("  passed          {}, ", rules::name("K1"))), "{text}");
        assert!(text.contains("  note            it was booted\n"), "{text}");
    }

    #[test]
    fn a_failure_of_the_host_says_why_and_has_its_own_word() {
        let infra = |report: &mut Report| report.verdict = Verdict::Infra("QEMU ended\nwith 1".into());
        let text = printed("cxl", Verbosity::Normal, infra);
        assert!(text.starts_with("INFRA  cxl      QEMU ended\n"), "{text}");
        assert!(text.contains("  reason          QEMU ended\n                  with 1\n"), "{text}");
    }

    #[test]
    fn a_program_gets_the_verdict_the_measures_and_the_rules() {
        let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/cxl");
        let report = judge::rejudge(&stored).unwrap();
        let data = RunView { seed: Some(0), ..RunView::of(&report) }.item().data;
        assert_eq!((&data["scenario"], &data["seed"]), (&"cxl".into(), &0.into()));
        assert_eq!(data["expectations"][1]["value"], 2816.0);
        assert_eq!(data["expectations"][1]["answer"], "passed");
        assert_eq!(data["rules"]["passed"][0], rules::name("K1"));
        assert!(data["rules"]["not_applicable"][0]["reason"].is_string());
        assert_eq!((&data["clock"], &data["accelerator"]), (&"virtual".into(), &"tcg".into()));
    }
}
