use super::discrepancy::Runs;
use super::{Attribution, Comparison, Observed, Pair, Side, Significance};
use crate::check::{Finding, Verdict};
use crate::judge::judge;
use crate::recording::Recording;
use crate::report;
use crate::subject::damon::testing::{Model, replace, rewrite, stored};
use crate::subject::{Measure, Quantity, Unit};

fn observed(recording: &Recording) -> Option<Observed> {
    Some(Observed::of(judge(recording).verdict(), Some(recording)))
}

fn verdict(verdict: Verdict) -> Option<Observed> {
    Some(Observed::of(verdict, None))
}

fn fail(id: &'static str, line: Option<u64>) -> Option<Observed> {
    let (origin, evidence) = (crate::judge::origin(id).unwrap(), Vec::new());
    let finding = Finding {
        origin,
        expected: "one".into(),
        seen: "two".into(),
        evidence,
        scenario_line: line,
        more: 0,
    };
    verdict(Verdict::Fail(vec![finding]))
}

fn compared(runs: impl IntoIterator<Item = (Option<Observed>, Option<Observed>)>) -> Comparison {
    let runs: Runs = (0..).zip(runs.into_iter().map(|(a, b)| Pair { a, b })).collect();
    let mut comparison = Comparison::new(Pair { a: "one".into(), b: "two".into() });
    comparison.add("pull-push", &runs);
    comparison
}

fn answer(comparison: &Comparison) -> String {
    report::answer(comparison)
}

fn cpu(millions: f64) -> Option<Observed> {
    let quantity = Quantity::new("instructions of kdamond", Unit::Instructions);
    let measures = vec![(quantity, Measure { value: millions * 1e6, never: false })];
    Some(Observed { verdict: Verdict::Pass, measures, interface: None })
}

#[test]
fn one_recording_on_both_sides_is_no_difference() {
    let real = stored("truth");
    let comparison = compared((0..4).map(|_| (observed(&real), observed(&real))));
    assert_eq!(answer(&comparison), "no difference in pull-push, 4 seeds each");
    assert_eq!(comparison.exit_code(), 0);
    assert!(comparison.scenarios[0].rows.iter().all(|row| row.significance == Significance::Within));
}

#[test]
fn the_answer_says_what_the_second_kernel_violates() {
    let good = Model::pull_push().recording();
    let mut bad = good.clone();
    rewrite(&mut bad, |lines| replace(lines, "damos_esz", 0, "esz=1048576", "esz=4096"));
    let comparison = compared([(observed(&good), observed(&good)), (observed(&good), observed(&bad))]);
    let line = answer(&comparison);
    assert!(
        line.starts_with("B fails pull-push (seed 1): temporal-quota-is-all-or-nothing (Q1): expected "),
        "{line}"
    );
    assert_eq!(comparison.exit_code(), 1);
}

#[test]
fn what_only_the_first_kernel_violates_is_a_difference_too() {
    let comparison = compared([(fail("Q1", None), verdict(Verdict::Pass))]);
    let wanted = "A fails pull-push (seed 0), and B does not: temporal-quota-is-all-or-nothing (Q1): expected one; saw two";
    assert_eq!(answer(&comparison), wanted);
}

#[test]
fn what_both_kernels_violate_is_reported_and_is_no_difference() {
    let comparison =
        compared([(fail("Q1", None), fail("Q1", None)), (verdict(Verdict::Pass), fail("Q1", None))]);
    assert_eq!(answer(&comparison), "no difference in pull-push, 2 seeds each; both fail pull-push");
    assert_eq!(comparison.exit_code(), 0);
}

#[test]
fn an_expectation_that_two_seeds_of_four_violate_is_no_difference() {
    let pass = || verdict(Verdict::Pass);
    let violated = |count: usize| {
        compared((0..4).map(|seed| (pass(), if seed < count { fail("expect", Some(41)) } else { pass() })))
    };
    assert_eq!(violated(2).scenarios[0].discrepancies[0].attribution, Attribution::NoDifference);
    assert_eq!(violated(3).scenarios[0].discrepancies[0].attribution, Attribution::Only(Side::B));
}

#[test]
fn two_expectations_of_one_scenario_are_compared_separately() {
    let comparison = compared([(fail("expect", Some(41)), fail("expect", Some(42)))]);
    let attributions: Vec<_> =
        comparison.scenarios[0].discrepancies.iter().map(|one| one.attribution).collect();
    assert_eq!(attributions, [Attribution::Only(Side::A), Attribution::Only(Side::B)]);
}

#[test]
fn a_skip_is_a_difference_and_comes_after_the_failures() {
    let skip = || verdict(Verdict::Skip("the kernel has no tracepoint x".into()));
    let pass = || verdict(Verdict::Pass);
    let comparison = compared([(pass(), skip()), (pass(), skip())]);
    let wanted = "B skips pull-push (seeds 0 1): the kernel has no tracepoint x";
    assert_eq!(answer(&comparison), wanted);
    let comparison = compared([(pass(), skip()), (pass(), fail("Q1", None))]);
    assert!(
        answer(&comparison).starts_with("B fails pull-push (seed 1): temporal-quota-is-all-or-nothing (Q1)")
    );
}

#[test]
fn a_run_on_which_the_host_failed_is_reported_first() {
    let infra = verdict(Verdict::Infra("QEMU ended".into()));
    let comparison = compared([(verdict(Verdict::Pass), infra), (verdict(Verdict::Pass), fail("Q1", None))]);
    let wanted = "no answer: 1 run(s) failed on the host; B, pull-push, seed 0: QEMU ended";
    assert_eq!((answer(&comparison).as_str(), comparison.exit_code()), (wanted, 3));
}

#[test]
fn a_kernel_that_executes_more_instructions_is_reported_with_both_numbers() {
    let comparison =
        compared((0..4).map(|seed| (cpu(640.0 + f64::from(seed)), cpu(704.0 + f64::from(seed)))));
    let wanted = "pull-push: instructions of kdamond: 641.5 million in A, 705.5 million in B (+10.0 %)";
    assert_eq!(answer(&comparison), wanted);
}

#[test]
fn a_seed_that_one_side_did_not_measure_counts_for_neither_side() {
    let measured = (0..4).map(|_| (cpu(100.0), cpu(200.0)));
    let crashed = [(cpu(1e6), verdict(Verdict::Pass))];
    let comparison = compared(measured.chain(crashed));
    let row = &comparison.scenarios[0].rows[0];
    assert_eq!((row.seeds, row.groups.a.max, row.significance), (4, 100e6, Significance::Differs));
}

#[test]
fn two_seeds_are_too_few_to_compare_numbers_and_a_note_says_so() {
    let comparison = compared((0..2).map(|_| (cpu(1.0), cpu(100.0))));
    assert_eq!(comparison.exit_code(), 0);
    let text = report::comparison_text(&comparison);
    assert!(
        text.ends_with("note: a number is called different with 4 seeds or more: --seeds 0..4\n"),
        "{text}"
    );
}

#[test]
fn a_goal_that_is_never_reached_is_shown_as_never() {
    let side = |value, never| {
        let name = "time to target, kdamond 0 scheme 1 node 0: 7000 bp";
        let measures = vec![(Quantity::new(name, Unit::Seconds), Measure { value, never })];
        Some(Observed { verdict: Verdict::Pass, measures, interface: None })
    };
    let text = report::comparison_text(&compared((0..4).map(|_| (side(13.0, false), side(40.0, true)))));
    let row =
        "  time to target, kdamond 0 scheme 1 node 0: 7000 bp  13.0 s (13.0 to 13.0)  never   DIFFERS\n";
    assert!(text.contains(row), "{text}");
    let answer = "\npull-push: time to target, kdamond 0 scheme 1 node 0: 7000 bp: 13.0 s in A, never in B\n";
    assert!(text.contains(answer), "{text}");
}

#[test]
fn a_changed_interface_is_reported_line_by_line() {
    let real = stored("truth");
    let mut other = real.clone();
    other.formats.push_str("name: damos_new\nformat:\n\nprint fmt: \"x\"\n");
    let comparison = compared((0..4).map(|_| (observed(&real), observed(&other))));
    assert_eq!(answer(&comparison), "interface: + tracepoint damos_new");
    assert!(report::comparison_text(&comparison).ends_with("A's and then B's)\n  + tracepoint damos_new\n"));
}

#[test]
fn the_json_has_the_answer_the_differences_and_every_number() {
    let comparison = compared((0..4).map(|_| (cpu(100.0), cpu(200.0))));
    let data = report::comparison_data(&comparison);
    assert_eq!(data["answer"], data["differences"][0]);
    let scenario = report::scenario(&comparison.scenarios[0]).data;
    assert_eq!(scenario["rows"][0]["values"]["b"][3], 200e6);
    assert_eq!(scenario["rows"][0]["claim"], "differs");
}

#[test]
fn a_kernel_that_does_not_boot_ends_the_comparison_and_a_note_says_so() {
    let mut comparison = compared([(verdict(Verdict::Pass), fail("panic", None))]);
    comparison.no_boot = Some(Side::B);
    let text = report::comparison_text(&comparison);
    assert!(text.contains("\nB fails pull-push (seed 0): panic: "), "{text}");
    assert!(
        text.contains("\nnote: the kernel of B never came to user space; nothing more was run\n"),
        "{text}"
    );
}
