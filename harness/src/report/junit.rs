//! JUnit XML, as Jenkins, GitLab and others read it: a suite for each scenario, a case for each of its seeds.
//!
//! What a case violates is its `failure`, and a run without a result an `error`. The case's report with its evidence is
//! `system-out`, and its `properties` are what the run was made of: scenario, machine, kernel, QEMU, seed, clock,
//! accelerator, recording and the command that repeats it.

use super::checked::Check;
use super::document::{ENDED_EARLY, End, Suite, Whole, full_name};
use super::event::{Item, ItemResult};
use super::human;
use crate::host::text::{block, quote};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

/// The document.
pub(super) fn render(whole: &Whole) -> String {
    let Whole { command, kernel, suites, end, .. } = whole;
    let mut report = Report::new(format!("damonlab {command}"));
    report.add_test_suites(suites.iter().map(|suite| self::suite(suite, kernel.as_deref())));
    match end {
        Some(End { seconds, .. }) => {
            report.set_time(duration(*seconds));
        }
        None => {
            report.add_test_suite(ended_early(command));
        }
    }
    // Writing to a String does not fail.
    report.to_string().unwrap_or_default()
}

fn suite(suite: &Suite, kernel: Option<&str>) -> TestSuite {
    let name = quote(&suite.name).to_string();
    let mut out = TestSuite::new(&*name);
    if let Some(kernel) = kernel {
        out.add_property(("kernel", &*quote(kernel).to_string()));
    }
    let seconds: f64 = suite.cases.iter().filter_map(|case| case.seconds).sum();
    out.set_time(duration(seconds));
    out.add_test_cases(suite.cases.iter().map(|case| self::case(suite, case)));
    out
}

fn case(suite: &Suite, item: &Item) -> TestCase {
    let mut case = TestCase::new(quote(&full_name(suite, item)).to_string(), status(item));
    case.set_classname(quote(&suite.name).to_string());
    if let Some(seconds) = item.seconds {
        case.set_time(duration(seconds));
    }
    for (name, value) in &item.properties {
        case.add_property((*name, &*quote(value).to_string()));
    }
    case.set_system_out(human::item_text(item));
    case
}

fn status(item: &Item) -> TestCaseStatus {
    let headline = item.headline.iter().map(|part| quote(part).to_string()).collect::<Vec<_>>().join(", ");
    let kind = match item.status.outcome {
        ItemResult::Passed => return TestCaseStatus::success(),
        ItemResult::Skipped => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(headline);
            return status;
        }
        ItemResult::Failed => NonSuccessKind::Failure,
        ItemResult::NoResult => NonSuccessKind::Error,
    };
    let violated: Vec<&Check> = item.checks.iter().filter(|check| check.is_violated()).collect();
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(headline);
    status.set_type(item.status.word.to_lowercase().replace(' ', "_"));
    let story = |check: &&Check| format!("{}\n{}\n", quote(&check.name), block(&check.text));
    status.set_description(violated.iter().map(story).collect::<String>());
    status
}

/// What stands for the runs that nobody knows about.
fn ended_early(command: &str) -> TestSuite {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(ENDED_EARLY).set_type("ended_early");
    let name = format!("damonlab {command}");
    let mut suite = TestSuite::new(&*name);
    suite.add_test_case(TestCase::new(&*name, status));
    suite
}

/// No time of a run is negative or no number.
fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FAIL, INFRA, PASS, SKIP, run, run_of, sweep};
    use super::super::{Format, Started, Verbosity, testing};
    use super::*;
    use crate::report::Event;

    fn read(text: &str) -> Report {
        Report::deserialize_from_str(text).unwrap()
    }

    #[test]
    fn a_scenario_is_a_suite_and_each_of_its_seeds_a_case() {
        let report = read(&run_of(Format::Junit, &sweep()));
        assert_eq!((report.tests, report.failures), (2, 1));
        assert_eq!(report.name.as_ref().unwrap().as_str(), "damonlab run");
        let suite = &report.test_suites[0];
        let names: Vec<&str> = suite.test_cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!((suite.name.as_str(), names), ("idle", vec!["idle seed 0", "idle seed 1"]));
    }

    #[test]
    fn a_case_has_what_it_violates_its_evidence_and_what_it_was_made_of() {
        let report = read(&run_of(Format::Junit, &[run("idle", 3, FAIL)]));
        let case = &report.test_suites[0].test_cases[0];
        let TestCaseStatus::NonSuccess { message, ty, description, .. } = &case.status else {
            panic!("{case:?}")
        };
        assert_eq!(message.as_ref().unwrap().as_str(), "what it came to");
        assert_eq!(ty.as_ref().unwrap().as_str(), "fail");
        let wanted = "expectation (line 41 of the scenario)\nexpected 1\nsaw 2";
        assert_eq!(description.as_ref().unwrap().as_str().trim_end(), wanted);
        assert!(case.system_out.as_ref().unwrap().as_str().contains("trace.txt:7: damos_esz"));
        let properties: Vec<_> =
            case.properties.iter().map(|one| (one.name.as_str(), one.value.as_str())).collect();
        assert_eq!(properties, [("kernel", "linux 7.3.4"), ("seed", "3")]);
    }

    #[test]
    fn a_skip_is_skipped_and_a_run_without_a_result_an_error() {
        let items = [run("a", 0, PASS), run("b", 0, SKIP), run("c", 0, INFRA)];
        let report = read(&run_of(Format::Junit, &items));
        let cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
        let skipped = cases.filter(|case| matches!(case.status, TestCaseStatus::Skipped { .. })).count();
        assert_eq!((report.tests, report.failures, report.errors, skipped), (3, 0, 1, 1));
    }

    #[test]
    fn a_command_that_ends_early_leaves_what_had_ended_and_an_error() {
        let started = Started { command: "run", items: Vec::new(), kernel: None };
        let events = [Event::Started(&started), Event::Finished(&run("idle", 0, PASS))];
        let report = read(&testing::printed(Format::Junit, Verbosity::Normal, &events));
        assert_eq!((report.tests, report.errors), (2, 1));
    }
}
