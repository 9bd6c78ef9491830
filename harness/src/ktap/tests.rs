use super::*;

/// The names and results of all tests that are not suites.
fn outcomes(ktap: &Ktap) -> Vec<(String, TestResult)> {
    let leaves = ktap.tests.iter().flat_map(Test::leaves);
    leaves.map(|(name, test)| (name, test.outcome.clone())).collect()
}

fn plain(lines: &str) -> Ktap {
    Ktap::parse(&format!("KTAP version 1\n{lines}"))
}

fn problems(ktap: &Ktap) -> Vec<String> {
    ktap.problems.iter().map(|problem| format!("{}: {}", problem.line, problem.what)).collect()
}

fn passed(name: &str) -> (String, TestResult) {
    (name.to_owned(), TestResult::Passed)
}

#[test]
fn tests_belong_to_the_suite_whose_result_follows_them() {
    let ktap = plain(
        "1..2\n    KTAP version 1\n    # Subtest: damon\n    1..2\n    ok 1 a\n    ok 2 b\n# damon: pass:2 fail:0 skip:0 \
         total:2\nok 1 damon\n    KTAP version 1\n    # Subtest: other\n    1..1\n        KTAP version 1\n        \
         # Subtest: each\n        ok 1 one\n        ok 2 two\n    ok 1 each\nok 2 other\n",
    );
    assert_eq!(outcomes(&ktap), ["damon/a", "damon/b", "other/each/one", "other/each/two"].map(passed));
    assert_eq!(problems(&ktap), [""; 0]);
}

#[test]
fn prefixes_of_either_kernel_log_do_not_hide_the_nesting() {
    for prefix in ["6,431;", "6,431,-;", "[    0.431] ", "[    0.431][    T1] ", "\r[    0.431] "] {
        let lines = [
            "KTAP version 1",
            "1..1",
            "    KTAP version 1",
            "    # Subtest: s",
            "    1..1",
            "    ok 1 a",
            "ok 1 s",
        ];
        let text: String = lines.iter().map(|line| format!("{prefix}{line}\n")).collect();
        let ktap = Ktap::parse(&text);
        assert_eq!(outcomes(&ktap), [passed("s/a")], "{prefix}");
        assert_eq!(ktap.tests[0].line, 7);
    }
}

#[test]
fn directives_are_skips_expected_failures_and_reasons() {
    let ktap = plain(
        "1..7\nok 1 a # SKIP no kmemleak\nnot ok 2 b # skip\nnot ok 3 c # XFAIL known\nnot ok 4 - d # TIMEOUT 45 seconds\n\
         not ok 5 e # exit=1\nok 6 # SKIPPED is no directive\nok 7 f # AGAIN exit=1\n",
    );
    let wanted = [
        ("a", TestResult::Skipped("no kmemleak".into())),
        ("b", TestResult::Skipped(String::new())),
        ("c", TestResult::KnownToFail("known".into())),
        ("d", TestResult::Failed("TIMEOUT 45 seconds".into())),
        ("e", TestResult::Failed("exit=1".into())),
        ("6", TestResult::Passed),
        ("f", TestResult::PassedAgain("exit=1".into())),
    ];
    assert_eq!(outcomes(&ktap), wanted.map(|(name, outcome)| (name.to_owned(), outcome)));
}

#[test]
fn diagnostic_lines_belong_to_the_next_result_alone() {
    let ktap = plain("1..2\n# first\n# of two\nnot ok 1 a\n# Totals: pass:0 fail:1 skip:0 total:1\nok 2 b\n");
    let lines: Vec<_> = ktap.tests[0].diagnostics.iter().map(|one| (one.line, one.text.as_str())).collect();
    assert_eq!(lines, [(3, "first"), (4, "of two")]);
    assert_eq!(ktap.tests[1].diagnostics, []);
}

#[test]
fn a_message_of_several_lines_is_whole_and_has_no_foreign_lines() {
    let ktap = Ktap::parse(
        "6,1;    KTAP version 1\n6,2;hub 1-0: found\n3,3;    # a: EXPECTATION FAILED at x.h:9\\x0a    Expected 1 == 2\n\
         6,4;    not ok 1 a\n",
    );
    let lines: Vec<_> = ktap.tests[0].diagnostics.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(lines, ["a: EXPECTATION FAILED at x.h:9", "Expected 1 == 2"]);
}

#[test]
fn a_text_that_ends_early_has_an_unfinished_test_and_a_plan_that_does_not_match() {
    let ktap = plain("1..2\n    KTAP version 1\n    # Subtest: damon\n    1..3\n    ok 1 a\n");
    assert_eq!(ktap.tests[0].outcome, TestResult::Unfinished);
    assert_eq!(ktap.tests[0].name, "damon");
    let wanted =
        ["5: 3 tests are planned, and 1 have a result", "2: 2 tests are planned, and 0 have a result"];
    assert_eq!(problems(&ktap), wanted);
}

#[test]
fn a_suite_without_a_result_does_not_take_the_result_of_the_next() {
    let ktap =
        plain("    # Subtest: one\n    ok 1 a\nKTAP version 1\n    # Subtest: two\n    ok 1 b\nok 1 two\n");
    let top: Vec<_> = ktap.tests.iter().map(|test| (test.name.as_str(), test.outcome.clone())).collect();
    assert_eq!(top, [("one", TestResult::Unfinished), ("two", TestResult::Passed)]);
}

#[test]
fn a_gap_in_the_numbers_is_reported_with_its_line() {
    assert_eq!(problems(&plain("ok 1 a\nok 3 c\n")), ["3: this test has number 3; expected 2"]);
}

#[test]
fn a_plan_may_come_last_and_several_texts_may_follow_each_other() {
    assert_eq!(problems(&plain("ok 1 a\nok 2 b\n1..2\n")), [""; 0]);
    assert_eq!(problems(&plain("1..1\nok 1 a\nKTAP version 1\n1..1\nok 1 b\n")), [""; 0]);
}

#[test]
fn nothing_counts_before_the_version_line() {
    let ktap = Ktap::parse("ok 1 a\n1..4\n# Subtest: x\n");
    assert_eq!(ktap, Ktap::default());
}

#[test]
fn an_empty_plan_has_its_reason() {
    let ktap = plain("1..0 # SKIP not root\n");
    assert_eq!((ktap.skipped.as_deref(), ktap.tests.len()), (Some("not root"), 0));
}

#[test]
fn bailing_out_is_a_problem() {
    assert_eq!(problems(&plain("ok 1 a\nBail out! no memory\n")), ["3: Bail out! no memory"]);
}

#[test]
fn a_text_beyond_the_limits_is_cut_and_reported() {
    let many: String = (1..=2 * results::MAX_TESTS).map(|number| format!("ok {number} a\n")).collect();
    let deep: String = (0..100).map(|depth| format!("{}KTAP version 1\n", " ".repeat(depth))).collect();
    for text in [many, deep] {
        assert_eq!(
            plain(&text).problems.last().map(|problem| problem.what.clone()),
            Some(ProblemKind::TooMuch)
        );
    }
}

#[test]
fn escapes_of_a_hostile_guest_do_not_reach_a_terminal() {
    let ktap = plain("# \u{1b}[31mred\nnot ok 1 \u{1b}]0;title\u{7}a\n");
    let shown = (ktap.tests[0].name.as_str(), ktap.tests[0].diagnostics[0].text.as_str());
    assert_eq!(shown, ("\\u{1b}]0;title\\u{7}a", "red"));
}

/// Real texts: the log of Linux 7.3.4 with KUnit, the same with a failing test, and the selftests.
#[test]
fn what_a_real_kernel_and_real_selftests_print_is_read() {
    let count = |text: &str| {
        let ktap = Ktap::parse(text);
        assert_eq!(problems(&ktap), [""; 0]);
        let all = outcomes(&ktap);
        let of = |wanted: fn(&TestResult) -> bool| all.iter().filter(|(_, outcome)| wanted(outcome)).count();
        [
            of(|outcome| *outcome == TestResult::Passed),
            of(|outcome| matches!(outcome, TestResult::Failed(_))),
            of(|outcome| matches!(outcome, TestResult::Skipped(_))),
        ]
    };
    assert_eq!(count(include_str!("../../tests/ktap/kunit-dmesg.txt")), [37, 0, 0]);
    assert_eq!(count(include_str!("../../tests/ktap/kunit-one-fails.txt")), [36, 1, 0]);
    assert_eq!(count(include_str!("../../tests/ktap/selftests.txt")), [11, 0, 4]);
}

#[test]
fn a_real_failure_of_kunit_has_its_diagnostic_lines() {
    let ktap = Ktap::parse(include_str!("../../tests/ktap/kunit-one-fails.txt"));
    let damon = &ktap.tests[0];
    assert_eq!((damon.name.as_str(), &damon.outcome), ("damon", &TestResult::Failed(String::new())));
    let lines: Vec<_> = damon.parts[1].diagnostics.iter().map(|one| one.text.as_str()).collect();
    assert!(lines[0].starts_with("damon_test_regions: EXPECTATION FAILED at "), "{lines:?}");
    assert_eq!(lines[1], "Expected 1 == 2, but");
}
