//! One scenario with several seeds: an item for each seed, which is a part, and one for what they come to together.
//!
//! For programs the latter has `scenario`, `seeds`, `bad_seeds`, `machine`, `kernel`, `expectations` over all seeds,
//! `findings` about all of them together, and `repeat`. Each seed has what a run has.

use super::checked::{Check, Place};
use super::event::{Depth, Item};
use super::place::{self, shown};
use super::run::RunView;
use super::verdict::status;
use super::{measure, rules, run_checks};
use crate::check::{Finding, Summary, Verdict};
use crate::host::text::{excerpt, quote};
use crate::judge::{OverSeeds, Report, Sweep};
use crate::scenario::Scenario;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// One seed.
pub fn seed(scenario: &Scenario, seed: u64, report: &Report, repeat: Option<String>) -> Item {
    let name = format!("{} seed {seed}", scenario.name);
    let view = RunView { report, name, scenario: Some(scenario), seed: Some(seed), repeat };
    Item { part: true, ..view.item() }
}

/// What all seeds come to.
pub fn sweep(scenario: &Scenario, sweep: &Sweep, repeat: Option<&str>) -> Item {
    let first = sweep.runs.first().map(|(_, report)| report);
    let together: Vec<Finding> = sweep.over.iter().filter_map(|over| over.finding.clone()).collect();
    let bad: Vec<u64> =
        sweep.runs.iter().filter(|(_, report)| !good(report)).map(|(seed, _)| *seed).collect();
    let mut item = Item::new(&*scenario.name, status(&sweep.verdict), "");
    item.headline = headline(scenario, sweep, &bad);
    item.seconds = sweep.wall_time.as_ref().map(Duration::as_secs_f64);
    item.add(Depth::Story, "summary", quote(&scenario.summary).to_string());
    rules::add_findings(&mut item, &together);
    for (over, expectation) in
        sweep.over.iter().filter_map(|over| Some((over, scenario.expect.get(over.index)?)))
    {
        let (what, wanted) = (expectation.what(), expectation.wanted());
        item.add(Depth::Alone, "measured", format!("{what} {wanted}: {}  {}", over.seen, over.answer));
    }
    item.add_some(Depth::Story, "machine", first.and_then(|report| report.machine.as_deref()).map(excerpt));
    item.add_some(Depth::Story, "kernel", first.map(|report| quote(&report.kernel).to_string()));
    item.add_some(Depth::Alone, "recordings", folder(sweep));
    item.add_some(Depth::Story, "repeat", repeat);
    let file = first.and_then(|report| place::of_scenario(scenario, &report.dir));
    item.checks = checks(scenario, sweep, file.as_deref());
    item.place = file.map(Place::start);
    item.data = json!({
        "scenario": scenario.name,
        "seeds": sweep.runs.iter().map(|(seed, _)| *seed).collect::<Vec<_>>(),
        "bad_seeds": bad,
        "machine": first.and_then(|report| report.machine.as_deref()),
        "kernel": first.map(|report| &*report.kernel),
        "expectations": sweep.over.iter().filter_map(|over| expectation(over, scenario)).collect::<Vec<_>>(),
        "findings": together,
        "repeat": repeat,
    });
    item
}

/// What is judged over all seeds together.
fn checks(scenario: &Scenario, sweep: &Sweep, file: Option<&Path>) -> Vec<Check> {
    let one = |over: &OverSeeds| {
        if let Some(finding) = &over.finding {
            return run_checks::of_findings(std::slice::from_ref(finding), file, &[]);
        }
        let expectation = scenario.expect.get(over.index);
        let checks = expectation.map(|expectation| run_checks::over_seeds(over, expectation, file));
        checks.into_iter().collect()
    };
    sweep.over.iter().flat_map(one).collect()
}

fn expectation(over: &OverSeeds, scenario: &Scenario) -> Option<Value> {
    let expectation = scenario.expect.get(over.index)?;
    let (what, wanted) = (expectation.what(), expectation.wanted());
    Some(
        json!({"index": over.index, "what": what, "wanted": wanted, "seen": over.seen, "answer": over.answer}),
    )
}

/// How many seeds there were, and what they measured on average; of a failure, which were bad and by what.
fn headline(scenario: &Scenario, sweep: &Sweep, bad: &[u64]) -> Vec<String> {
    let count = sweep.runs.len();
    let seeds = format!("{count} seed{}", if count == 1 { "" } else { "s" });
    let rest = match &sweep.verdict {
        Verdict::Pass => measure::all(scenario, means(sweep)),
        Verdict::Skip(why) | Verdict::Unstable(why) | Verdict::Infra(why) => {
            vec![why.lines().next().unwrap_or_default().to_owned()]
        }
        Verdict::Fail(findings) => {
            let numbers: Vec<String> = bad.iter().map(u64::to_string).collect();
            let of = match numbers.as_slice() {
                [] => "all together".to_owned(),
                numbers => format!("bad: {}", numbers.join(" ")),
            };
            vec![format!("{of}: {}", rules::all_violated(findings))]
        }
    };
    std::iter::once(seeds).chain(rest).collect()
}

/// The mean over the seeds of each measure.
fn means(sweep: &Sweep) -> impl Iterator<Item = (usize, f64)> {
    let measured = |index: usize| {
        let judgements = sweep.runs.iter().filter_map(|(_, report)| report.judgement.as_ref());
        let all = judgements.flat_map(|judgement| &judgement.measured);
        all.filter(move |measured| measured.index == index).filter_map(|measured| measured.value)
    };
    sweep.over.iter().filter_map(move |over| {
        let values: Vec<f64> = measured(over.index).collect();
        Summary::of(&values).map(|summary| (over.index, summary.mean))
    })
}

/// Where all recordings lie. Stored ones may lie anywhere, and each has its own line then.
fn folder(sweep: &Sweep) -> Option<String> {
    let below = sweep.runs.first()?.1.dir.parent()?;
    let all = sweep.runs.iter().all(|(_, report)| report.dir.parent() == Some(below));
    all.then(|| format!("below {}", shown(below)))
}

/// Whether nothing is wrong with the run.
fn good(report: &Report) -> bool {
    matches!(report.verdict, Verdict::Pass | Verdict::Skip(_))
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, ItemResult};
    use super::super::{Started, Verbosity, human};
    use super::*;
    use crate::judge;
    use crate::recording::Recording;
    use crate::scenario::{Expectation, Over};
    use std::path::Path;

    /// The same stored run under several numbers: the seeds agree to the byte.
    fn of(over: Option<Over>, seeds: &[u64]) -> (Scenario, Sweep) {
        let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pull-push-short");
        let mut scenario = Recording::load(&stored).unwrap().scenario;
        let reports = seeds.iter().map(|seed| (*seed, judge::rejudge(&stored).unwrap())).collect();
        if let (Some(over), Some(first)) = (over, scenario.expect.first_mut()) {
            *first = Expectation { over, ..first.clone() };
        }
        let sweep = Sweep::of(&scenario, reports, Some(Duration::from_millis(2_500)));
        (scenario, sweep)
    }

    /// What is printed of the only scenario.
    fn printed(scenario: &Scenario, sweep: &Sweep) -> String {
        let started = Started { command: "run", items: vec![scenario.name.clone()], kernel: None };
        let item = super::sweep(scenario, sweep, Some("damonlab run"));
        human::text(&[Event::Started(&started), Event::Finished(&item)], Verbosity::Normal)
    }

    #[test]
    fn a_seed_is_a_part_with_its_own_name_and_measures() {
        let (scenario, sweep) = of(None, &[3]);
        let item = seed(&scenario, 3, &sweep.runs[0].1, None);
        assert!(item.part);
        assert_eq!(item.name, format!("{} seed 3", scenario.name));
        assert_eq!(item.headline[0], "scheme 1 damos_esz 1 (at least 1)");
        assert_eq!(item.data["seed"], 3);
    }

    #[test]
    fn a_seed_that_fails_names_the_rule_and_the_command_that_repeats_it() {
        let (scenario, mut sweep) = of(None, &[3]);
        let report = &mut sweep.runs[0].1;
        report.verdict = Verdict::Fail(crate::check::kernel_log::scan("dmesg.txt", "4,9;WARNING: at x"));
        let item = seed(&scenario, 3, report, Some("damonlab run x --seed 3".into()));
        assert_eq!(item.headline, [rules::name("K1")]);
        let last = item.details.last().unwrap();
        assert_eq!((last.label, last.text.as_str()), ("repeat", "damonlab run x --seed 3"));
    }

    #[test]
    fn seeds_that_pass_take_one_line_and_what_they_measured_together() {
        let (scenario, sweep) = of(Some(Over::Seeds { spread: Some(0.0) }), &[0, 1]);
        let text = printed(&scenario, &sweep);
        let head =
            format!("PASS  {}     2.5 s  2 seeds, pgmigrate_success 1137 (at least 1)\n", scenario.name);
        assert!(text.starts_with(&head), "{text}");
        let first = text.lines().nth(1).unwrap();
        assert!(first.starts_with("  measured        the count of damos_esz where scheme_idx=1 "), "{text}");
        assert!(
            first.contains(" on average over seeds, with a spread of at most 0: mean 1, spread 0, "),
            "{text}"
        );
        assert!(first.ends_with("  passed"), "{first}");
    }

    #[test]
    fn seeds_that_lie_too_far_apart_fail_though_each_of_them_passes() {
        // No spread is below 0: this stands for any bound that is violated.
        let (scenario, sweep) = of(Some(Over::Seeds { spread: Some(-1.0) }), &[0, 1]);
        assert!(sweep.runs.iter().all(|(_, report)| good(report)));
        let text = printed(&scenario, &sweep);
        assert!(text.starts_with("FAIL  "), "{text}");
        assert!(text.contains("  2 seeds, all together: expectation\n"), "{text}");
        assert!(text.contains("  expected        the count of damos_esz"), "{text}");
        assert!(text.contains("  repeat          damonlab run\n"), "{text}");
    }

    #[test]
    fn one_seed_is_not_enough_for_an_expectation_over_seeds_and_says_so() {
        let (scenario, sweep) = of(Some(Over::Seeds { spread: None }), &[0]);
        let text = printed(&scenario, &sweep);
        assert!(text.contains("  not applicable: needs --seeds with two seeds or more"), "{text}");
    }

    #[test]
    fn a_program_gets_the_seeds_and_the_expectations_over_all_of_them() {
        let (scenario, sweep) = of(Some(Over::Seeds { spread: Some(-1.0) }), &[0, 1]);
        let item = super::sweep(&scenario, &sweep, None);
        assert_eq!(item.status.outcome, ItemResult::Failed);
        assert_eq!(item.data["seeds"], serde_json::json!([0, 1]));
        assert_eq!(item.data["bad_seeds"], serde_json::json!([]));
        assert_eq!(item.data["expectations"][0]["answer"], "violated");
        assert_eq!(item.data["findings"][0]["id"], "expect");
    }
}
