//! The checks of a run: every rule, every expectation and every suite of the kernel's own tests, with what came of each.

use super::checked::{Check, CheckResult, Place};
use super::rules;
use super::tests_of_kernel;
use crate::check::{ExpectationStatus, Finding, Measured, Origin, StatedResult, StatedStatus, Verdict};
use crate::host::text::quote;
use crate::judge::{Intended, Judgement, OverSeeds, Report};
use crate::scenario::Expectation;
use std::path::{Path, PathBuf};

/// All checks of a run, the violated ones first. `file` is the scenario's.
pub(super) fn of_run(report: &Report, file: Option<&Path>) -> Vec<Check> {
    let findings = if let Verdict::Fail(findings) = &report.verdict { findings.as_slice() } else { &[] };
    let stated = report.judgement.as_ref().map(|judgement| judgement.stated.as_slice());
    let mut checks = of_findings(findings, file, stated.unwrap_or_default());
    checks.extend(report.intended.iter().map(intended));
    if let Some(judgement) = &report.judgement {
        let known: Vec<String> = checks.iter().map(|check| check.name.clone()).collect();
        let rest = of_judgement(judgement, file).filter(|check| !known.contains(&check.name));
        checks.extend(rest);
    }
    checks
}

/// What some findings violate: those of one rule are one check.
pub(super) fn of_findings(findings: &[Finding], file: Option<&Path>, stated: &[StatedResult]) -> Vec<Check> {
    let mut checks: Vec<Check> = Vec::new();
    for finding in findings {
        let name = rules::violated(finding);
        let text = story(finding);
        match checks.iter_mut().find(|check| check.name == name) {
            Some(check) => check.text.push_str(&format!("\n{text}")),
            None => checks.push(Check {
                place: place(finding, file, stated),
                ..Check::new(name, CheckResult::Violated, text)
            }),
        }
    }
    checks
}

/// What was expected, what was seen, and the lines that show it.
fn story(finding: &Finding) -> String {
    let lines = finding.evidence.iter().map(|line| format!("\n{}:{}: {}", line.file, line.number, line.text));
    format!("expected {}\nsaw {}{}", finding.expected, finding.seen, lines.collect::<String>())
}

/// The line of an expectation, or of a stated rule, which may stand in another file.
fn place(finding: &Finding, file: Option<&Path>, stated: &[StatedResult]) -> Option<Place> {
    match &finding.origin {
        Origin::Stated(name) => {
            let rule =
                stated.iter().find(|one| *one.name == **name && one.result == StatedStatus::Violated)?;
            parsed(&rule.place)
        }
        _ => match finding.scenario_line {
            Some(line) => Some(Place { file: file?.to_owned(), line }),
            None => line_of_kernel(finding, Path::new(".")),
        },
    }
}

/// The line of the kernel that a splat names, where the folder `here` has it: the command runs in the kernel's tree.
fn line_of_kernel(finding: &Finding, here: &Path) -> Option<Place> {
    let evidence = finding.evidence.iter().map(|line| line.text.as_str());
    let words = std::iter::once(finding.seen.as_str()).chain(evidence).flat_map(str::split_whitespace);
    let sources = words.filter(|word| word.contains(".c:") || word.contains(".h:")).filter_map(parsed);
    sources.filter(|place| place.file.is_relative()).find(|place| here.join(&place.file).is_file())
}

fn intended(Intended { finding, why }: &Intended) -> Check {
    let text = format!("changed as intended: {}; {}", quote(why), finding.sentence());
    Check::new(rules::violated(finding), CheckResult::NotApplicable, text)
}

/// What passed, and what does not apply.
fn of_judgement<'a>(judgement: &'a Judgement, file: Option<&'a Path>) -> impl Iterator<Item = Check> + 'a {
    let measured = judgement.measured.iter().filter(|one| one.answer != ExpectationStatus::Violated);
    let stated = judgement.stated.iter().filter(|one| one.result != StatedStatus::Violated);
    let is_violated = |id: &str| judgement.findings.iter().any(|finding| finding.id() == id);
    let passed = judgement.applied.iter().filter(move |rule| !is_violated(rule.id));
    let passed = passed.map(|rule| Check::new(rules::name(rule.id), CheckResult::Passed, ""));
    let skipped = judgement.skipped.iter();
    let skipped =
        skipped.map(|(rule, why)| Check::new(rules::name(rule.id), CheckResult::NotApplicable, &**why));
    let measured = measured.map(move |one| self::measured(one, file));
    measured
        .chain(stated.map(self::stated))
        .chain(tests_of_kernel::checks(&judgement.tests))
        .chain(passed)
        .chain(skipped)
}

fn measured(measured: &Measured, file: Option<&Path>) -> Check {
    let Measured { what, wanted, seen, answer, scenario_line, .. } = measured;
    expectation(*answer, format!("{what} {wanted}: {seen}"), *scenario_line, file)
}

/// An expectation that no seeds together violate. What one of them violates is a check of its run.
pub(super) fn over_seeds(over: &OverSeeds, expectation: &Expectation, file: Option<&Path>) -> Check {
    let answer = match over.answer {
        ExpectationStatus::Violated => ExpectationStatus::Passed,
        other => other,
    };
    let text = format!("{} {}: {}", expectation.what(), expectation.wanted(), over.seen);
    self::expectation(answer, text, expectation.line, file)
}

fn expectation(answer: ExpectationStatus, text: String, line: u64, file: Option<&Path>) -> Check {
    let result = match answer {
        ExpectationStatus::Passed => CheckResult::Passed,
        ExpectationStatus::Violated => CheckResult::Violated,
        ExpectationStatus::NotApplicable(_) => CheckResult::NotApplicable,
    };
    let place = file.map(|file| Place { file: file.to_owned(), line });
    Check { place, ..Check::new(format!("expectation (line {line} of the scenario)"), result, text) }
}

fn stated(stated: &StatedResult) -> Check {
    let result = match stated.result {
        StatedStatus::Passed(_) => CheckResult::Passed,
        StatedStatus::Violated => CheckResult::Violated,
        StatedStatus::NotApplicable(_) | StatedStatus::Mistaken(_) => CheckResult::NotApplicable,
    };
    let text = format!("{}: {}", stated.place, stated.result);
    Check { place: parsed(&stated.place), ..Check::new(&*stated.name, result, text) }
}

/// `rules.yaml:7` as a place.
fn parsed(text: &str) -> Option<Place> {
    let (file, line) = text.rsplit_once(':')?;
    Some(Place { file: PathBuf::from(file), line: line.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::kernel_log;
    use crate::judge;

    fn stored(name: &str) -> Report {
        judge::rejudge(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(name)).unwrap()
    }

    fn with(checks: &[Check], result: CheckResult) -> usize {
        checks.iter().filter(|check| check.result == result).count()
    }

    #[test]
    fn every_rule_and_every_expectation_of_a_run_is_a_check_of_its_own() {
        let report = stored("cxl");
        let checks = of_run(&report, Some(Path::new("cxl.yaml")));
        let judgement = report.judgement.as_ref().unwrap();
        assert_eq!(with(&checks, CheckResult::Passed), judgement.applied.len() + judgement.measured.len());
        assert_eq!(with(&checks, CheckResult::NotApplicable), judgement.skipped.len());
        let placed = checks.iter().filter_map(|check| check.place.as_ref());
        let lines: Vec<u64> = judgement.measured.iter().map(|one| one.scenario_line).collect();
        assert_eq!(placed.map(|place| place.line).collect::<Vec<_>>(), lines);
    }

    #[test]
    fn findings_of_one_rule_are_one_violated_check_with_all_their_lines() {
        let mut report = stored("cxl");
        let one = kernel_log::scan("dmesg.txt", "4,9;WARNING: at mm/damon/core.c:1 damon_test+0x1/0x2");
        let findings = [one.clone(), one].concat();
        report.verdict = Verdict::Fail(findings);
        let checks = of_run(&report, None);
        let violated: Vec<&Check> = checks.iter().filter(|check| check.is_violated()).collect();
        assert_eq!((violated.len(), &*violated[0].name), (1, &*rules::name("K1")));
        assert_eq!(violated[0].text.matches("dmesg.txt:").count(), 2, "{}", violated[0].text);
    }

    #[test]
    fn a_splat_is_at_its_line_where_the_source_is_here() {
        let log = "4,9;WARNING: at mm/damon/core.c:12 damon_test+0x1/0x2";
        let finding = &kernel_log::scan("dmesg.txt", log)[0];
        let tree = tempfile::tempdir().unwrap();
        assert_eq!(line_of_kernel(finding, tree.path()), None);
        std::fs::create_dir_all(tree.path().join("mm/damon")).unwrap();
        std::fs::write(tree.path().join("mm/damon/core.c"), "").unwrap();
        let place = Place { file: "mm/damon/core.c".into(), line: 12 };
        assert_eq!(line_of_kernel(finding, tree.path()), Some(place));
    }
}
