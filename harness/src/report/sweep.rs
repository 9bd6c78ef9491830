//! Runs with several seeds as text: what is measured, a line a seed, and what all of them come to.

use super::seconds;
use crate::check::{Answer, Verdict};
use crate::run::{Report, Sweep};
use crate::scenario::Scenario;
use std::fmt::Write;

/// What the lines below it are about: the scenario's expectations, each with its short name.
pub fn sweep_head(scenario: &Scenario) -> String {
    let mut out = format!("{}: {}\n", scenario.name, scenario.summary);
    for (index, expectation) in scenario.expect.iter().enumerate() {
        let line = format!("  {:<4}{} {}\n", name(index), expectation.quantity, expectation.wanted());
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
        let mark = if measured.answer == Answer::Broken { " NOT OK" } else { "" };
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
        writeln!(out, "  kernel    {}", report.kernel)?;
        writeln!(out, "  took      {}", seconds(sweep.wall_time))?;
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
        writeln!(out, "  recordings below {}", below.display())?;
    }
    Ok(())
}

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
