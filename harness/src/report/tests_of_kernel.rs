//! The kernel's own tests in a report: how many passed, and which did not run, each reason once.

use crate::check::Tests;
use std::fmt::{self, Write};

pub(super) fn lines(tests: &Tests, out: &mut String) -> fmt::Result {
    for suite in &tests.suites {
        let (name, passed, skipped) = (&suite.name, suite.passed, suite.skipped.len());
        writeln!(out, "  tests     {name}: {passed} pass, {} fail, {skipped} skip", suite.failed)?;
        for (test, first) in &suite.again {
            writeln!(
                out,
                "            {test} passed when it was run again: the first time it came to {first}"
            )?;
        }
        for (test, why) in &suite.skipped {
            let why = if why.is_empty() { "no reason is given" } else { why };
            writeln!(out, "            {test} is skipped: {why}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Suite;

    #[test]
    fn a_skipped_test_is_told_with_its_reason() {
        let skipped = vec![("sysfs.py".to_owned(), "no drgn".to_owned()), ("b".to_owned(), String::new())];
        let suites = vec![Suite { name: "damon".into(), passed: 2, failed: 0, skipped, again: Vec::new() }];
        let mut out = String::new();
        lines(&Tests { suites, ..Tests::default() }, &mut out).unwrap();
        let wanted = "  tests     damon: 2 pass, 0 fail, 2 skip\n            sysfs.py is skipped: no drgn\n            \
                      b is skipped: no reason is given\n";
        assert_eq!(out, wanted);
    }

    #[test]
    fn a_test_that_passed_at_the_second_try_alone_is_told() {
        let again = vec![("interval.py".to_owned(), "exit=1".to_owned())];
        let suites = vec![Suite { name: "damon".into(), passed: 1, again, ..Suite::default() }];
        let mut out = String::new();
        lines(&Tests { suites, ..Tests::default() }, &mut out).unwrap();
        assert!(
            out.ends_with("interval.py passed when it was run again: the first time it came to exit=1\n"),
            "{out}"
        );
    }
}
