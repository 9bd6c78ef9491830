//! The kernel's own tests: what KUnit said in the kernel log, and how programs of the host ended. One finding a test that failed; what was not run is
//! reported with its reason, and never passes for a success.

use crate::check::finding::{Evidence, Violation};
use crate::check::violations::Violations;
use crate::ktap::{Ktap, Test, TestResult};
use crate::recording::Recording;
use damonlab_protocol::record::section;

/// How many lines of what a test said are shown.
const SHOWN: usize = 8;

/// What came of the kernel's own tests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tests {
    /// Those that ran, in the scenario's order.
    pub suites: Vec<Suite>,
    /// Why others could not be run.
    pub lacking: Vec<String>,
}

/// The tests of one suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// How many passed, those among them that are known to fail.
    pub passed: usize,
    /// How many failed or have no result.
    pub failed: usize,
    /// Which were skipped, and why.
    pub skipped: Vec<(String, String)>,
    /// Which of those that passed had to be run again, and what they came to the first time.
    pub again: Vec<(String, String)>,
}

impl Tests {
    /// Why what was asked for was not run, if it was not.
    pub fn not_run(&self) -> Option<String> {
        let idle = self.suites.iter().filter(|suite| suite.passed + suite.failed == 0).map(|suite| {
            let why = suite.skipped.first().map_or("it has none", |(_, why)| why.as_str());
            format!("no test of {} ran: {why}", suite.name)
        });
        let all: Vec<String> = self.lacking.iter().cloned().chain(idle).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Counts the tests of a suite, and reports those that failed.
    fn add(&mut self, name: &str, file: &'static str, tests: &[&Test], findings: &mut Violations) {
        let mut suite = Suite { name: name.to_owned(), ..Suite::default() };
        for (path, test) in tests.iter().flat_map(|test| test.leaves()) {
            match &test.outcome {
                TestResult::Passed | TestResult::KnownToFail(_) => suite.passed += 1,
                TestResult::PassedAgain(first) => {
                    suite.passed += 1;
                    suite.again.push((path, first.clone()));
                }
                TestResult::Skipped(why) => suite.skipped.push((path, why.clone())),
                TestResult::Failed(_) | TestResult::Unfinished => {
                    suite.failed += 1;
                    findings.push(|| failed(&path, file, test));
                }
            }
        }
        for test in tests {
            broken_above(test, file, findings);
        }
        self.suites.push(suite);
    }
}

/// All tests that the scenario asks for.
pub(crate) fn judge(recording: &Recording) -> (Tests, Violations) {
    let mut findings = Violations::default();
    let mut tests = Tests::default();
    if !recording.scenario.kunit.is_empty() {
        kunit(&recording.scenario.kunit, &recording.dmesg, &mut tests, &mut findings);
    }
    if recording.plan.host_root {
        programs(recording, &mut tests, &mut findings);
    }
    (tests, findings)
}

/// How to get a kernel that has them.
const WITH_KUNIT: &str = "run with --profile kunit";

fn kunit(suites: &[String], log: &str, tests: &mut Tests, findings: &mut Violations) {
    let ktap = Ktap::parse(log);
    if !ktap.present {
        let off = log.lines().any(|line| crate::ktap::message(line).trim() == "kunit: disabled");
        tests.lacking.push(match off {
            true => "this kernel's KUnit is switched off (kunit.enable)".to_owned(),
            false => format!("this kernel has no KUnit: {WITH_KUNIT}"),
        });
        return;
    }
    problems(&ktap, section::DMESG, findings);
    for name in suites {
        let named: Vec<&Test> = ktap.tests.iter().filter(|test| test.name == *name).collect();
        if named.is_empty() {
            tests.lacking.push(format!("this kernel has no KUnit suite '{name}': {WITH_KUNIT}"));
        } else {
            tests.add(name, section::DMESG, &named, findings);
        }
    }
}

/// Programs of the host, the selftests among them.
fn programs(recording: &Recording, tests: &mut Tests, findings: &mut Violations) {
    let ktap = Ktap::parse(&recording.tests);
    problems(&ktap, section::TESTS, findings);
    let all: Vec<&Test> = ktap.tests.iter().collect();
    if all.is_empty() {
        tests
            .lacking
            .push("there is no selftest: the kernel's source tree is unknown, or has none".to_owned());
        return;
    }
    tests.add("programs of the host", section::TESTS, &all, findings);
}

fn problems(ktap: &Ktap, file: &'static str, findings: &mut Violations) {
    for problem in &ktap.problems {
        findings.push(|| {
            let mut finding = Violation::new("complete test results", problem.what.to_string());
            finding.evidence.push(Evidence::new(file, problem.line, ""));
            finding
        });
    }
}

fn failed(path: &str, file: &'static str, test: &Test) -> Violation {
    let seen = match &test.outcome {
        TestResult::Failed(why) if !why.is_empty() => format!("not ok: {why}"),
        TestResult::Unfinished => "no result: it began and did not end".to_owned(),
        _ => "not ok".to_owned(),
    };
    let mut finding = Violation::new(format!("the test {path} to pass"), seen);
    let first = test.diagnostics.len().saturating_sub(SHOWN);
    let said = test.diagnostics.iter().skip(first);
    finding.evidence.extend(said.map(|said| Evidence::new(file, said.line, &said.text)));
    if finding.evidence.is_empty() {
        finding.evidence.push(Evidence::new(file, test.line, &test.name));
    }
    finding
}

/// A test that is made of others and failed by itself, although none of them did.
fn broken_above(test: &Test, file: &'static str, findings: &mut Violations) {
    let bad = |outcome: &TestResult| matches!(outcome, TestResult::Failed(_) | TestResult::Unfinished);
    if test.parts.is_empty() {
        return;
    }
    if bad(&test.outcome) && !test.leaves().iter().any(|(_, leaf)| bad(&leaf.outcome)) {
        findings.push(|| failed(&test.name, file, test));
    }
    test.parts.iter().for_each(|part| broken_above(part, file, findings));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Finding, Origin};

    const HEAD: &str =
        "6,1;KTAP version 1\n6,2;1..1\n6,3;    KTAP version 1\n6,4;    # Subtest: damon\n6,5;    1..2\n";

    fn judged(log: &str) -> (Tests, Vec<Finding>) {
        let (mut tests, mut findings) = (Tests::default(), Violations::default());
        kunit(&["damon".to_owned()], log, &mut tests, &mut findings);
        (tests, findings.findings_of(&Origin::Test))
    }

    #[test]
    fn a_test_that_fails_is_a_finding_with_what_it_said() {
        let log = format!(
            "{HEAD}6,6;    ok 1 a\n3,7;    # b: EXPECTATION FAILED at x.h:9\n6,8;    not ok 2 b\n6,9;not ok 1 damon\n"
        );
        let (tests, findings) = judged(&log);
        assert_eq!((tests.suites[0].passed, tests.suites[0].failed, tests.not_run()), (1, 1, None));
        assert_eq!(
            findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "ktap: expected the test damon/b to pass; saw not ok\n    dmesg.txt:7: b: EXPECTATION FAILED at x.h:9"
            ]
        );
    }

    #[test]
    fn a_suite_that_fails_by_itself_is_a_finding_too() {
        let (_, findings) = judged(&format!("{HEAD}6,6;    ok 1 a\n6,7;    ok 2 b\n6,8;not ok 1 damon\n"));
        assert_eq!(findings.len(), 1);
        assert!(findings[0].expected.contains("the test damon to pass"), "{}", findings[0]);
    }

    #[test]
    fn without_kunit_the_reason_names_the_profile_that_has_it() {
        let (tests, findings) = judged("6,1;Linux version 7.3.4\n");
        let why = "this kernel has no KUnit: run with --profile kunit";
        assert_eq!((tests.not_run().as_deref(), findings.len()), (Some(why), 0));
        let why = judged("6,1;kunit: disabled\n").0.not_run();
        assert_eq!(why.as_deref(), Some("this kernel's KUnit is switched off (kunit.enable)"));
    }

    #[test]
    fn a_suite_that_is_not_built_in_is_named() {
        let (tests, _) = judged("6,1;KTAP version 1\n6,2;1..1\n6,3;ok 1 list\n");
        assert!(tests.not_run().is_some_and(|why| why.contains("no KUnit suite 'damon'")));
    }

    #[test]
    fn a_program_of_the_host_that_fails_is_a_finding_and_one_that_is_skipped_has_its_reason() {
        let (mut tests, mut findings) = (Tests::default(), Violations::default());
        let text = "TAP version 13\nok 1 sysfs.py # SKIP it needs drgn\n# no quota\nnot ok 2 damos_quota.py # exit=1\n";
        let mut recording = crate::subject::damon::testing::Model::pull_push().recording();
        recording.tests = text.to_owned();
        programs(&recording, &mut tests, &mut findings);
        assert_eq!(tests.suites[0].skipped, [("sysfs.py".to_owned(), "it needs drgn".to_owned())]);
        let text = findings.findings_of(&Origin::Test).remove(0).to_string();
        let wanted =
            "ktap: expected the test damos_quota.py to pass; saw not ok: exit=1\n    tests.txt:3: no quota";
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_suite_in_which_nothing_ran_does_not_pass() {
        let log =
            format!("{HEAD}6,6;    ok 1 a # SKIP no memory\n6,7;    ok 2 b # SKIP\n6,8;ok 1 damon # SKIP\n");
        let (tests, findings) = judged(&log);
        assert_eq!(tests.not_run().as_deref(), Some("no test of damon ran: no memory"));
        assert_eq!(findings, []);
    }

    #[test]
    fn a_log_that_ends_in_the_middle_of_a_suite_fails() {
        let (_, findings) = judged(&format!("{HEAD}6,6;    ok 1 a\n"));
        let seen: Vec<_> = findings.iter().map(|finding| finding.seen.as_str()).collect();
        assert!(seen.contains(&"2 tests are planned, and 1 have a result"), "{seen:?}");
        assert!(seen.contains(&"no result: it began and did not end"), "{seen:?}");
    }
}
