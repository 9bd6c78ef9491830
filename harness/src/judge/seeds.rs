//! Expectations over seeds: what one scenario measured with each of several seeds, together.
//!
//! Pure. One seed is one random sample; whether a policy converges shows in the mean and the spread of many.

use super::judgement::Judgement;
use crate::check::finding::Violation;
use crate::check::{ExpectationStatus, Finding, Measured, Origin, Summary};
use crate::scenario::{Expectation, Over, Quantity};
use std::fmt::Write;

/// One expectation, over all seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct OverSeeds {
    /// Its place in the scenario's `expect`, from 0.
    pub index: usize,
    /// The result over the seeds, for people.
    pub seen: String,
    /// Whether that is what the scenario expects: of each run, or of all of them together.
    pub answer: ExpectationStatus,
    /// What is wrong with all of them together; what is wrong with one is among the findings of its run.
    pub finding: Option<Finding>,
}

/// All expectations of a scenario over its runs: each with its seed, and its judgement where a recording
/// came.
pub fn over_seeds(expect: &[Expectation], runs: &[(u64, Option<&Judgement>)]) -> Vec<OverSeeds> {
    let one = |(index, expectation)| over(index, expectation, &shares(index, runs));
    expect.iter().enumerate().map(one).collect()
}

/// The result of one expectation with one seed; none where the run could not be measured at all.
type Share<'a> = (u64, Option<&'a Measured>);

fn shares<'a>(index: usize, runs: &[(u64, Option<&'a Judgement>)]) -> Vec<Share<'a>> {
    let measured =
        |judgement: &'a Judgement| judgement.measured.iter().find(|measured| measured.index == index);
    runs.iter().map(|(seed, judgement)| (*seed, judgement.and_then(measured))).collect()
}

fn over(index: usize, expectation: &Expectation, shares: &[Share<'_>]) -> OverSeeds {
    let measured: Vec<f64> = shares.iter().filter_map(|(_, measured)| measured.as_ref()?.value).collect();
    let summary = Summary::of(&measured);
    let described = |summary: &Summary| describe(summary, &expectation.quantity);
    let seen = summary.as_ref().map_or_else(|| "nothing was measured".to_owned(), described);
    let answer = match expectation.over {
        Over::Run => of_runs(shares),
        Over::Seeds { spread } => of_seeds(expectation, spread, shares, summary.as_ref()),
    };
    let together = matches!(expectation.over, Over::Seeds { .. }) && answer == ExpectationStatus::Violated;
    let finding = together.then(|| {
        let wanted = format!("{} {}", expectation.what(), expectation.wanted());
        let seen = format!("{seen} ({})", each(&expectation.quantity, shares));
        let mut finding = Finding::of(Origin::Expectation, Violation::new(wanted, seen));
        finding.scenario_line = Some(expectation.line);
        finding
    });
    OverSeeds { index, seen, answer, finding }
}

/// Each run has its own result.
fn of_runs(shares: &[Share<'_>]) -> ExpectationStatus {
    let answers = || shares.iter().map(|(_, measured)| measured.map(|measured| measured.answer));
    if answers().any(|answer| answer == Some(ExpectationStatus::Violated)) {
        return ExpectationStatus::Violated;
    }
    if answers().any(|answer| answer.is_none()) { NOT_EVERY_SEED } else { ExpectationStatus::Passed }
}

/// A mean over the seeds that happened to be measured would be biased.
const NOT_EVERY_SEED: ExpectationStatus =
    ExpectationStatus::NotApplicable("not every seed could be measured");

fn of_seeds(
    expectation: &Expectation,
    most: Option<f64>,
    shares: &[Share<'_>],
    summary: Option<&Summary>,
) -> ExpectationStatus {
    if shares.len() < 2 {
        return ExpectationStatus::NotApplicable("needs --seeds with two seeds or more");
    }
    if shares.iter().any(|(_, measured)| measured.is_none()) {
        return NOT_EVERY_SEED;
    }
    // A run without such an event was measured, and violates the expectation.
    let complete = shares.iter().all(|(_, measured)| measured.is_some_and(|m| m.value.is_some()));
    let holds = summary.is_some_and(|summary| {
        let near = most.is_none_or(|most| summary.spread.is_some_and(|spread| spread <= most));
        expectation.bound.holds(summary.mean) && near
    });
    if complete && holds { ExpectationStatus::Passed } else { ExpectationStatus::Violated }
}

fn describe(summary: &Summary, quantity: &Quantity) -> String {
    let amount = |value| quantity.amount(value);
    let Some(spread) = summary.spread else { return amount(summary.mean) };
    let ends = format!("from {} to {}", amount(summary.min), amount(summary.max));
    format!("mean {}, spread {}, {ends}", amount(summary.mean), amount(spread))
}

/// `seed 0: 6985.45, seed 1: 0 such event(s)`.
fn each(quantity: &Quantity, shares: &[Share<'_>]) -> String {
    let mut out = String::new();
    for (seed, measured) in shares {
        let comma = if out.is_empty() { "" } else { ", " };
        let value = match measured {
            None => "nothing".to_owned(),
            Some(measured) => {
                measured.value.map_or_else(|| measured.seen.clone(), |value| quantity.amount(value))
            }
        };
        // Writing to a String does not fail.
        let _ = write!(out, "{comma}seed {seed}: {value}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Bound, Where};

    fn expectation(over: Over) -> Expectation {
        let quantity = Quantity::Count { event: "damos_esz".into(), filter: Where::new() };
        Expectation {
            quantity,
            bound: Bound { min: Some(90.0), max: Some(110.0) },
            over,
            during: None,
            between: None,
            line: 7,
        }
    }

    fn run(value: Option<f64>, answer: ExpectationStatus) -> Judgement {
        let measured = Measured {
            index: 0,
            what: "the count".into(),
            wanted: "to be right".into(),
            seen: value.map_or_else(|| "0 such event(s)".into(), |value| value.to_string()),
            value,
            answer,
            scenario_line: 7,
        };
        Judgement {
            findings: Vec::new(),
            applied: Vec::new(),
            skipped: Vec::new(),
            missing_events: Vec::new(),
            measured: vec![measured],
            tests: Default::default(),
            stated: Vec::new(),
            mistakes: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn judged(spread: Option<f64>, values: &[Option<f64>]) -> OverSeeds {
        let runs: Vec<_> =
            values.iter().map(|value| run(*value, ExpectationStatus::NotApplicable("alone"))).collect();
        let runs: Vec<_> = (0..).zip(runs.iter().map(Some)).collect();
        over_seeds(&[expectation(Over::Seeds { spread })], &runs).remove(0)
    }

    #[test]
    fn the_bounds_are_those_of_the_mean() {
        let far_apart = judged(None, &[Some(50.0), Some(150.0)]);
        assert_eq!(far_apart.answer, ExpectationStatus::Passed);
        assert_eq!(far_apart.seen, "mean 100, spread 70.71, from 50 to 150");
        assert_eq!(judged(None, &[Some(100.0), Some(150.0)]).answer, ExpectationStatus::Violated);
    }

    #[test]
    fn the_spread_is_the_sample_standard_deviation_and_has_a_bound_of_its_own() {
        assert_eq!(
            judged(Some(10.0), &[Some(90.0), Some(100.0), Some(110.0)]).answer,
            ExpectationStatus::Passed
        );
        assert_eq!(
            judged(Some(9.99), &[Some(90.0), Some(100.0), Some(110.0)]).answer,
            ExpectationStatus::Violated
        );
    }

    #[test]
    fn a_broken_expectation_shows_every_seed_and_its_line() {
        let broken = judged(Some(1.0), &[Some(99.0), Some(103.0)]);
        let finding = broken.finding.unwrap();
        assert_eq!(finding.seen, "mean 101, spread 2.83, from 99 to 103 (seed 0: 99, seed 1: 103)");
        assert_eq!(
            finding.expected,
            "the count of damos_esz to be in 90..110 on average over seeds, with a spread of at most 1"
        );
        assert_eq!(finding.scenario_line, Some(7));
    }

    #[test]
    fn a_seed_without_a_value_breaks_it() {
        let broken = judged(None, &[Some(100.0), None]);
        assert_eq!(broken.answer, ExpectationStatus::Violated);
        assert!(broken.finding.unwrap().seen.ends_with("seed 1: 0 such event(s))"));
    }

    #[test]
    fn one_seed_alone_shows_nothing() {
        let alone = judged(Some(0.0), &[Some(1e9)]);
        assert_eq!(alone.answer, ExpectationStatus::NotApplicable("needs --seeds with two seeds or more"));
        assert_eq!(alone.finding, None);
    }

    #[test]
    fn a_seed_without_a_recording_leaves_it_open() {
        let (good, expect) =
            (run(Some(100.0), ExpectationStatus::Passed), [expectation(Over::Seeds { spread: None })]);
        let open = over_seeds(&expect, &[(0, Some(&good)), (1, None), (2, Some(&good))]);
        assert_eq!(open[0].answer, NOT_EVERY_SEED);
        assert_eq!(open[0].finding, None);
    }

    #[test]
    fn an_expectation_of_each_run_is_broken_by_one_and_adds_no_finding_of_its_own() {
        let (good, bad) =
            (run(Some(100.0), ExpectationStatus::Passed), run(Some(500.0), ExpectationStatus::Violated));
        let expect = [expectation(Over::Run)];
        let all = over_seeds(&expect, &[(0, Some(&good)), (1, Some(&bad))]);
        assert_eq!((all[0].answer, &all[0].finding), (ExpectationStatus::Violated, &None));
        assert_eq!(over_seeds(&expect, &[(0, Some(&good))])[0].answer, ExpectationStatus::Passed);
    }
}
