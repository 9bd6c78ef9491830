//! Runs with several seeds as text: what is measured, a line a seed, and what all of them come to.

use super::seconds;
use crate::check::{ExpectationStatus, Verdict};
use crate::judge::{Report, Sweep};
use crate::scenario::Scenario;
use std::fmt::Write;

/// What the lines below it are about: the scenario's expectations, each with its short name.
pub fn sweep_head(scenario: &Scenario) -> String {
    let mut out = format!("{}: {}\n", scenario.name, scenario.summary);
    for (index, expectation) in scenario.expect.iter().enumerate() {
        let line = format!("  {:<4}{} {}\n", name(index), expectation.what(), expectation.wanted());
        out.push_str(&line);
    }
    out
}

/// One seed: its verdict, each measure, and for a failure all that is wrong.
pub fn sweep_line(scenario: &Scenario, seed: u64, report: &Report) -> String {
    let mut out = format!("seed {seed:<4} {:<9}", report.verdict.word().to_uppercase());
    // Writing to a String does not fail.
    let _ = write_line(scenario, report, &mut out);
    out
}

fn write_line(scenario: &Scenario, report: &Report, out: &mut String) -> std::fmt::Result {
    for measured in report.judgement.iter().flat_map(|judgement| &judgement.measured) {
        let quantity = scenario.expect.get(measured.index).map(|expectation| &expectation.quantity);
        let amount = quantity.zip(measured.value).map(|(quantity, value)| quantity.amount(value));
        let amount = amount.unwrap_or_else(|| measured.seen.clone());
        let mark = if measured.answer == ExpectationStatus::Violated { " NOT OK" } else { "" };
        write!(out, "{} {amount}{mark}  ", name(measured.index))?;
    }
    match &report.verdict {
        Verdict::Pass => writeln!(out, "{}", folder(report)),
        Verdict::Fail(findings) => {
            writeln!(out, "{}", folder(report))?;
            findings.iter().try_for_each(|finding| writeln!(out, "  broken    {finding}"))
        }
        Verdict::Skip(why) | Verdict::Unstable(why) | Verdict::Infra(why) => writeln!(out, "{why}"),
    }
}

/// The last part of the recording's path; the summary has the rest.
fn folder(report: &Report) -> String {
    report.dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What all seeds come to.
pub fn sweep_summary(scenario: &Scenario, sweep: &Sweep) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = write_summary(scenario, sweep, &mut out);
    out
}

fn write_summary(scenario: &Scenario, sweep: &Sweep, out: &mut String) -> std::fmt::Result {
    let seeds = if sweep.runs.len() == 1 { "seed" } else { "seeds" };
    let word = sweep.verdict.word().to_uppercase();
    writeln!(out, "{word}  {} over {} {seeds}", scenario.name, sweep.runs.len())?;
    if let Some((_, report)) = sweep.runs.first() {
        if let Some(machine) = &report.machine {
            writeln!(out, "  machine   {machine}")?;
        }
        writeln!(out, "  kernel    {}", report.kernel)?;
        if let Some(wall) = sweep.wall_time {
            writeln!(out, "  took      {}", seconds(wall))?;
        }
        for over in &sweep.over {
            writeln!(out, "  {:<10}{}  {}", name(over.index), over.seen, over.answer)?;
        }
        for finding in sweep.over.iter().filter_map(|over| over.finding.as_ref()) {
            writeln!(out, "  broken    {finding}")?;
        }
        let bad: Vec<String> = sweep.runs.iter().filter(|(_, report)| !good(report)).map(seed_of).collect();
        if !bad.is_empty() {
            writeln!(out, "  bad seeds {}", bad.join(", "))?;
        }
        let below = report.dir.parent().unwrap_or(&report.dir);
        // Stored ones may lie anywhere, and each has been named.
        if sweep.runs.iter().all(|(_, report)| report.dir.parent() == Some(below)) {
            writeln!(out, "  recordings below {}", below.display())?;
        }
    }
    Ok(())
}

/// Whether nothing is wrong with the run.
fn good(report: &Report) -> bool {
    matches!(report.verdict, Verdict::Pass | Verdict::Skip(_))
}

fn seed_of((seed, _): &(u64, Report)) -> String {
    seed.to_string()
}

/// `e1` is the first expectation.
fn name(index: usize) -> String {
    format!("e{}", index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge;
    use crate::recording::Recording;
    use crate::scenario::{Expectation, Over};
    use std::path::Path;
    use std::time::Duration;

    /// The same stored run under several numbers: the seeds agree to the byte.
    fn sweep(over: Option<Over>, seeds: &[u64]) -> (Scenario, Sweep) {
        let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pull-push-short");
        let mut scenario = Recording::load(&stored).unwrap().scenario;
        let reports = seeds.iter().map(|seed| (*seed, judge::rejudge(&stored).unwrap())).collect();
        if let (Some(over), Some(first)) = (over, scenario.expect.first_mut()) {
            *first = Expectation { over, ..first.clone() };
        }
        let sweep = Sweep::of(&scenario, reports, Some(Duration::from_millis(2_500)));
        (scenario, sweep)
    }

    #[test]
    fn a_seed_that_passes_takes_one_line_with_every_measure() {
        let (scenario, sweep) = sweep(None, &[3]);
        let line = sweep_line(&scenario, 3, &sweep.runs[0].1);
        assert_eq!(line.lines().count(), 1);
        assert!(line.starts_with("seed 3    PASS     e1 "), "{line}");
        for index in 0..scenario.expect.len() {
            assert!(line.contains(&format!("{} ", name(index))), "{line}");
        }
        assert!(line.ends_with("  pull-push-short\n"), "{line}");
    }

    #[test]
    fn a_seed_that_fails_says_what_is_broken() {
        let (scenario, mut sweep) = sweep(None, &[3]);
        let report = &mut sweep.runs[0].1;
        report.verdict = Verdict::Fail(crate::check::kernel_log::scan("dmesg.txt", "4,9;WARNING: at x"));
        let line = sweep_line(&scenario, 3, report);
        assert!(line.starts_with("seed 3    FAIL     "), "{line}");
        assert!(line.lines().nth(1).unwrap().starts_with("  broken    kernel-log-is-clean (K1): "), "{line}");
    }

    #[test]
    fn the_head_names_what_the_lines_measure() {
        let (scenario, _) = sweep(Some(Over::Seeds { spread: Some(150.0) }), &[3]);
        let head = sweep_head(&scenario);
        assert!(head.contains("  e1  the count of damos_esz where scheme_idx=1 to be "), "{head}");
        assert!(head.contains(" on average over seeds, with a spread of at most 150\n"), "{head}");
    }

    #[test]
    fn the_summary_has_the_verdict_and_what_the_seeds_come_to() {
        let (scenario, sweep) = sweep(Some(Over::Seeds { spread: Some(0.0) }), &[0, 1]);
        let text = sweep_summary(&scenario, &sweep);
        assert!(text.starts_with(&format!("PASS  {} over 2 seeds\n", scenario.name)), "{text}");
        assert!(text.contains("  took      2.5 s\n"), "{text}");
        let first = text.lines().find(|line| line.starts_with("  e1 ")).unwrap();
        assert!(first.contains(", spread 0, from ") && first.ends_with("  passed"), "{first}");
    }

    #[test]
    fn seeds_that_lie_too_far_apart_fail_though_each_of_them_passes() {
        // No spread is below 0: this stands for any bound that is broken.
        let (scenario, sweep) = sweep(Some(Over::Seeds { spread: Some(-1.0) }), &[0, 1]);
        assert!(sweep.runs.iter().all(|(_, report)| good(report)));
        let text = sweep_summary(&scenario, &sweep);
        assert!(text.starts_with("FAIL  "), "{text}");
        assert!(text.contains("  broken    expect: expected the count of damos_esz"), "{text}");
        assert!(!text.contains("bad seeds"), "{text}");
    }

    #[test]
    fn one_seed_is_told_that_it_is_not_enough() {
        let (scenario, sweep) = sweep(Some(Over::Seeds { spread: None }), &[0]);
        let text = sweep_summary(&scenario, &sweep);
        assert!(text.contains("not applicable: needs --seeds with two seeds or more"), "{text}");
    }
}
