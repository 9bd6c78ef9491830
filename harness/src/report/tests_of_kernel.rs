//! The kernel's own tests in a report: how many passed, and which did not run, each with its reason.

use super::checked::{Check, CheckResult};
use super::event::{Depth, Item};
use crate::check::{Suite, Tests};
use crate::host::text::foreign;
use serde_json::{Value, json};

/// The suites for programs: `suite`, `passed`, `failed`, `skipped` and `passed_when_run_again` (pairs of test and reason).
pub(super) fn data(tests: &Tests) -> Vec<Value> {
    let one = |suite: &Suite| {
        json!({
            "suite": suite.name,
            "passed": suite.passed,
            "failed": suite.failed,
            "skipped": suite.skipped,
            "passed_when_run_again": suite.again,
        })
    };
    tests.suites.iter().map(one).collect()
}

/// `damon: 25 tests passed, 2 skipped`, for each suite.
pub(super) fn headline(tests: &Tests) -> impl Iterator<Item = String> {
    tests.suites.iter().map(counts)
}

fn counts(suite: &Suite) -> String {
    let mut text = format!("{}: {} tests passed", foreign(&suite.name), suite.passed);
    for (count, what) in [(suite.failed, "failed"), (suite.skipped.len(), "skipped")] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text
}

/// A check for each suite of which no test failed: one that failed is among the findings.
pub(super) fn checks(tests: &Tests) -> impl Iterator<Item = Check> {
    let passed = tests.suites.iter().filter(|suite| suite.failed == 0);
    passed.map(|suite| {
        Check::new(format!("tests of {}", foreign(&suite.name)), CheckResult::Passed, counts(suite))
    })
}

pub(super) fn add(item: &mut Item, tests: &Tests) {
    for suite in &tests.suites {
        let mut text = counts(suite);
        for (test, first) in &suite.again {
            text.push_str(&format!(
                "\n{test} passed when it was run again: the first time it came to {first}"
            ));
        }
        for (test, why) in &suite.skipped {
            let why = if why.is_empty() { "it gives no reason" } else { why };
            text.push_str(&format!("\n{test} was skipped: {why}"));
        }
        item.add(Depth::Story, "tests", text);
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{ItemResult, Status};
    use super::*;

    fn added(suite: Suite) -> String {
        let status = Status { word: "PASS", counted: "passed", outcome: ItemResult::Passed };
        let mut item = Item::new("kunit", status, "");
        add(&mut item, &Tests { suites: vec![suite], ..Tests::default() });
        item.details.remove(0).text
    }

    #[test]
    fn a_skipped_test_is_named_with_its_reason() {
        let skipped = vec![("sysfs.py".to_owned(), "no drgn".to_owned()), ("b".to_owned(), String::new())];
        let suite = Suite { name: "damon".into(), passed: 2, failed: 0, skipped, again: Vec::new() };
        let wanted = "damon: 2 tests passed, 2 skipped\nsysfs.py was skipped: no drgn\n\
                      b was skipped: it gives no reason";
        assert_eq!(added(suite), wanted);
    }

    #[test]
    fn a_test_that_passed_at_the_second_try_alone_is_named() {
        let again = vec![("interval.py".to_owned(), "exit=1".to_owned())];
        let text = added(Suite { name: "damon".into(), passed: 1, again, ..Suite::default() });
        assert!(
            text.ends_with("\ninterval.py passed when it was run again: the first time it came to exit=1"),
            "{text}"
        );
    }
}
