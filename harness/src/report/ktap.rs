//! KTAP, as the kernel's own tools read it (`tools/testing/kunit/kunit.py parse`): a test for each scenario, in it one for
//! each seed, in it one for each rule and expectation.
//!
//! ```text
//! KTAP version 1
//! 1..1
//!     KTAP version 1
//!     # Subtest: pull-push
//!     1..1
//!         KTAP version 1
//!         # Subtest: seed 0
//!         1..2
//!         ok 1 goal-share-matches-pages (G5)
//!         ok 2 pause-is-silent (P2) # SKIP no step pauses DAMON
//!     ok 1 seed 0
//! ok 1 pull-push
//! ```

use super::checked::{Check, CheckResult};
use super::document::{ENDED_EARLY, End, Suite, Whole, case_name};
use super::event::{Item, ItemResult};
use crate::host::text::{block, quote};

/// How far a test is indented in the one around it.
const INDENT: &str = "    ";

/// What each line of a diagnostic begins with. With one blank, `Subtest: x` of a guest would be a test's name.
const DIAGNOSTIC: &str = "#   ";

/// Text at which a parser stops, wherever it stands in a line.
const ENDS: [&str; 3] =
    ["List of all partitions:", "Kernel panic - not syncing: VFS:", "reboot: System halted"];

/// A line with the result of a test, and what stands before it.
struct Test {
    name: String,
    result: CheckResult,
    /// Why it was skipped.
    reason: String,
    /// What stands before its result.
    diagnostics: String,
    /// Its own tests.
    tests: Vec<Test>,
}

/// The document.
pub(super) fn render(whole: &Whole) -> String {
    let Whole { command, kernel, suites, end, .. } = whole;
    let mut tests: Vec<Test> = suites.iter().map(suite).collect();
    if end.is_none() {
        tests.push(Test {
            name: format!("damonlab {command}"),
            result: CheckResult::Violated,
            reason: String::new(),
            diagnostics: ENDED_EARLY.to_owned(),
            tests: Vec::new(),
        });
    }
    let mut out = String::from("KTAP version 1\n");
    if let Some(kernel) = kernel {
        push_diagnostics(&mut out, 0, &format!("kernel: {}", quote(kernel)));
    }
    out.push_str(&format!("1..{}\n", tests.len()));
    push_all(&mut out, 0, &tests);
    if let Some(End { answer, notes, counts, seconds }) = end {
        for line in answer.iter().chain(notes) {
            push_diagnostics(&mut out, 0, &block(line));
        }
        push_diagnostics(&mut out, 0, &format!("{counts} in {seconds:.1} s"));
    }
    out
}

fn suite(suite: &Suite) -> Test {
    // What has no cases of its own is its own case.
    if let [case] = suite.cases.as_slice()
        && case_name(case) == suite.name
    {
        return self::case(case);
    }
    let result = match suite.outcome() {
        ItemResult::Failed | ItemResult::NoResult => CheckResult::Violated,
        ItemResult::Passed => CheckResult::Passed,
        ItemResult::Skipped => CheckResult::NotApplicable,
    };
    let tests = suite.cases.iter().map(case).collect();
    let (reason, diagnostics) = (String::new(), String::new());
    Test { name: suite.name.clone(), result, reason, diagnostics, tests }
}

fn case(item: &Item) -> Test {
    let headline = item.headline.join(", ");
    let (result, reason) = match item.status.outcome {
        ItemResult::Passed => (CheckResult::Passed, String::new()),
        ItemResult::Skipped => (CheckResult::NotApplicable, headline.clone()),
        ItemResult::Failed | ItemResult::NoResult => (CheckResult::Violated, String::new()),
    };
    let properties = item.properties.iter().map(|(name, value)| format!("{name}: {}\n", quote(value)));
    let mut diagnostics: String = properties.collect();
    if result == CheckResult::Violated {
        diagnostics.push_str(&format!("{}: {}", item.status.word, quote(&headline)));
    }
    Test {
        name: case_name(item),
        result,
        reason,
        diagnostics,
        tests: item.checks.iter().map(check).collect(),
    }
}

fn check(check: &Check) -> Test {
    let Check { name, result, text, .. } = check;
    let (reason, diagnostics) = match result {
        CheckResult::NotApplicable => (text.clone(), String::new()),
        CheckResult::Passed | CheckResult::Violated => (String::new(), text.clone()),
    };
    Test { name: name.clone(), result: *result, reason, diagnostics, tests: Vec::new() }
}

fn push_all(out: &mut String, depth: usize, tests: &[Test]) {
    for (index, test) in tests.iter().enumerate() {
        push(out, depth, index + 1, test);
    }
}

fn push(out: &mut String, depth: usize, number: usize, test: &Test) {
    let indent = INDENT.repeat(depth);
    let name = name(&test.name);
    if !test.tests.is_empty() {
        let inner = INDENT.repeat(depth + 1);
        out.push_str(&format!("{inner}KTAP version 1\n{inner}# Subtest: {name}\n"));
        push_diagnostics(out, depth + 1, &test.diagnostics);
        out.push_str(&format!("{inner}1..{}\n", test.tests.len()));
        push_all(out, depth + 1, &test.tests);
    } else {
        push_diagnostics(out, depth, &test.diagnostics);
    }
    let word = if test.result == CheckResult::Violated { "not ok" } else { "ok" };
    let skip = if test.result == CheckResult::NotApplicable {
        format!(" # SKIP {}", word_of(&test.reason))
    } else {
        String::new()
    };
    out.push_str(format!("{indent}{word} {number} {name}{skip}").trim_end());
    out.push('\n');
}

fn push_diagnostics(out: &mut String, depth: usize, text: &str) {
    for line in block(text).lines() {
        let line = format!("{}{DIAGNOSTIC}{}", INDENT.repeat(depth), without_ends(line));
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// The name of a test: a `#` would end it, and a dash at its beginning does not belong to it.
fn name(text: &str) -> String {
    let name = word_of(text);
    match name.strip_prefix(['-', ':']) {
        Some(_) => format!("\\{name}"),
        None if name.is_empty() => "(no name)".to_owned(),
        None => name,
    }
}

/// Text within a line that is no diagnostic.
fn word_of(text: &str) -> String {
    without_ends(quote(text).to_string().trim()).replace('#', "\\x23")
}

/// The text without what ends all tests.
fn without_ends(text: &str) -> String {
    ENDS.iter().fold(text.to_owned(), |text, end| text.replace(end, &end.replace(':', "\\x3a")))
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::testing::{FAIL, SKIP, run, run_of, sweep};
    use super::*;
    use crate::ktap::Ktap;

    #[test]
    fn a_scenario_has_its_seeds_in_it_and_a_seed_its_rules() {
        let wanted = "KTAP version 1
#   kernel: linux 7.3.4
1..1
    KTAP version 1
    # Subtest: idle
    1..2
        KTAP version 1
        # Subtest: seed 0
        #   kernel: linux 7.3.4
        #   seed: 0
        1..3
        #   expected 1
        #   saw 2
        ok 1 expectation (line 41 of the scenario)
        ok 2 kernel-log-is-clean (K1)
        ok 3 pause-is-silent (P2) # SKIP no step pauses DAMON
    ok 1 seed 0
        KTAP version 1
        # Subtest: seed 1
        #   kernel: linux 7.3.4
        #   seed: 1
        #   FAIL: what it came to
        1..3
        #   expected 1
        #   saw 2
        not ok 1 expectation (line 41 of the scenario)
        ok 2 kernel-log-is-clean (K1)
        ok 3 pause-is-silent (P2) # SKIP no step pauses DAMON
    not ok 2 seed 1
not ok 1 idle
#   note: a note
#   1 failed in 12.3 s
";
        assert_eq!(run_of(Format::Ktap, &sweep()), wanted);
    }

    #[test]
    fn what_ktap_gives_a_meaning_to_is_escaped_in_names_reasons_and_diagnostics() {
        let bad =
            Check::new("- a # SKIP b\nok 2 c", CheckResult::Violated, "Subtest: x\nreboot: System halted");
        let skipped = Check::new("d", CheckResult::NotApplicable, "e # SKIP f");
        let item = Item { checks: vec![bad, skipped], ..run("idle", 0, FAIL) };
        let text = run_of(Format::Ktap, &[item]);
        for line in [
            "        #   Subtest: x",
            "        #   reboot\\x3a System halted",
            "        not ok 1 \\- a \\x23 SKIP b\\nok 2 c",
            "        ok 2 d # SKIP e \\x23 SKIP f",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        let read = Ktap::parse(&text);
        assert!(read.problems.is_empty(), "{:?}", read.problems);
    }

    #[test]
    fn a_scenario_that_is_skipped_says_why() {
        let item = Item { checks: Vec::new(), ..run("idle", 0, SKIP) };
        let text = run_of(Format::Ktap, &[item]);
        assert!(text.contains("\n    ok 1 seed 0 # SKIP what it came to\n"), "{text}");
    }
}
