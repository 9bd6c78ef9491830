//! Two kernels side by side as text: the answer in the first line, then a table a scenario.

use crate::compare::{
    Attribution, Comparison, Difference, LEAST_SEEDS, Pair, Row, Scenario, Side, Significance,
};
use serde::Serialize;
use std::fmt::Write;

/// Everything that a person wants to see of a comparison.
pub fn comparison(comparison: &Comparison) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = write_all(comparison, &mut out);
    out
}

/// All of it, for a program.
pub fn comparison_json(comparison: &Comparison) -> String {
    #[derive(Serialize)]
    struct All<'a> {
        version: u32,
        answer: String,
        differences: Vec<String>,
        #[serde(flatten)]
        comparison: &'a Comparison,
    }
    let differences = comparison.differences().iter().map(sentence).collect();
    // Nothing in it can fail: no map with odd keys, no number that is none.
    let text = serde_json::to_string_pretty(&All {
        version: 1,
        answer: answer(comparison),
        differences,
        comparison,
    });
    text.unwrap_or_default() + "\n"
}

fn write_all(comparison: &Comparison, out: &mut String) -> std::fmt::Result {
    writeln!(out, "{}", answer(comparison))?;
    for other in comparison.differences().iter().skip(1) {
        writeln!(out, "  and {}", sentence(other))?;
    }
    for side in Side::BOTH {
        writeln!(out, "{side}: {}", comparison.kernels.get(side))?;
    }
    comparison.scenarios.iter().try_for_each(|scenario| write_scenario(scenario, out))?;
    if !comparison.interface.is_empty() {
        writeln!(out, "interface (+ only in B, - only in A, ~ A's and then B's)")?;
        comparison.interface.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
    }
    if let Some(side) = comparison.no_boot {
        writeln!(out, "note: the kernel of {side} never came to user space; nothing more was run")?;
    }
    if comparison.has_too_few_seeds() {
        writeln!(
            out,
            "note: {LEAST_SEEDS} seeds at least are needed to call a number different: --seeds 0..{LEAST_SEEDS}"
        )?;
    }
    Ok(())
}

/// The one line that says it.
fn answer(comparison: &Comparison) -> String {
    let no_answer: Vec<String> = comparison
        .scenarios
        .iter()
        .flat_map(|one| {
            one.no_answer.iter().map(|(side, seed, why)| format!("{side}, {}, seed {seed}: {why}", one.name))
        })
        .collect();
    let differences = comparison.differences();
    match (no_answer.first(), differences.first()) {
        (Some(why), _) => format!("no answer: {} run(s) failed on the host; {why}", no_answer.len()),
        (None, Some(first)) => sentence(first),
        (None, None) => no_difference(comparison),
    }
}

/// What both break is no difference, and nobody may take it for a clean bill.
fn no_difference(comparison: &Comparison) -> String {
    let runs = comparison.scenarios.first().map_or(0, |one| one.verdicts.len());
    let failing: Vec<&str> = comparison
        .scenarios
        .iter()
        .filter(|one| {
            one.verdicts
                .iter()
                .any(|words| words.verdicts.a == Some("fail") && words.verdicts.b == Some("fail"))
        })
        .map(|one| one.name.as_str())
        .collect();
    let both = if failing.is_empty() { String::new() } else { format!("; both fail {}", failing.join(", ")) };
    let seeds = if runs == 1 { "1 seed".to_owned() } else { format!("{runs} seeds") };
    format!("no difference in {}, {seeds} each{both}", names(&comparison.scenarios))
}

fn names(scenarios: &[Scenario]) -> String {
    match scenarios.len() {
        0..=6 => scenarios.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", "),
        many => format!("{many} scenarios"),
    }
}

fn sentence(difference: &Difference<'_>) -> String {
    match difference {
        Difference::Discrepancy(scenario, discrepancy, side) => {
            let (verb, id) = match discrepancy.id.as_str() {
                "skip" => ("skips", String::new()),
                id => ("fails", format!("{id}: ")),
            };
            let seeds = seeds(discrepancy.seeds.get(*side));
            let alone = if *side == Side::A { ", and B does not" } else { "" };
            format!("{side} {verb} {} ({seeds}){alone}: {id}{}", scenario.name, discrepancy.sentence)
        }
        Difference::Number(scenario, row) => {
            let (a, b) = (median(row, Side::A), median(row, Side::B));
            format!("{}: {}: {a} in A, {b} in B{}", scenario.name, row.quantity, change(row))
        }
        Difference::Interface(line) => format!("interface: {line}"),
    }
}

/// `seeds 0 1 2`.
fn seeds(seeds: &[u64]) -> String {
    let words: Vec<String> = seeds.iter().map(u64::to_string).collect();
    format!("seed{} {}", if seeds.len() == 1 { "" } else { "s" }, words.join(" "))
}

fn write_scenario(scenario: &Scenario, out: &mut String) -> std::fmt::Result {
    let verdicts = Pair::of(|side| verdicts(scenario, side));
    let mut table = vec![[scenario.name.clone(), "A".into(), "B".into(), String::new()]];
    table.push(["  verdicts".into(), verdicts.a, verdicts.b, String::new()]);
    for row in &scenario.rows {
        let cells = Pair::of(|side| group(row, side));
        table.push([format!("  {}", row.quantity), cells.a, cells.b, claim(row.significance).to_owned()]);
    }
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    for [name, a, b, claim] in &table {
        let [first, second, third] = widths;
        writeln!(out, "{}", format!("{name:first$}  {a:second$}  {b:third$}  {claim}").trim_end())?;
    }
    for discrepancy in &scenario.discrepancies {
        let whose = match discrepancy.attribution {
            Attribution::Only(side) => format!("only {side}"),
            Attribution::NoDifference => "no difference".to_owned(),
        };
        let told = Pair::of(|side| match discrepancy.seeds.get(side).as_slice() {
            [] => format!("{side} never"),
            some => format!("{side} {}", seeds(some)),
        });
        let line = discrepancy.line.map(|line| format!(" (line {line})")).unwrap_or_default();
        writeln!(
            out,
            "  {whose}: {}{line}: {}, {}: {}",
            discrepancy.id, told.a, told.b, discrepancy.sentence
        )?;
    }
    Ok(())
}

/// `3 pass, 1 fail`.
fn verdicts(scenario: &Scenario, side: Side) -> String {
    let words = ["pass", "fail", "skip", "unstable", "infra"];
    let count =
        |word| scenario.verdicts.iter().filter(|words| *words.verdicts.get(side) == Some(word)).count();
    let counts = words.iter().map(|word| (word, count(*word))).filter(|(_, count)| *count > 0);
    counts.map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

/// `6960 bp (6901 to 7012)`.
fn group(row: &Row, side: Side) -> String {
    let (group, number) = (row.groups.get(side), |value| row.quantity.number(value));
    let never = match *row.never.get(side) {
        0 => String::new(),
        all if all == row.seeds => return median(row, side),
        some => format!(", {some} never"),
    };
    format!("{} ({} to {}{never})", row.quantity.amount(group.median), number(group.min), number(group.max))
}

/// `6960 bp`, or `never` where no seed came to it.
fn median(row: &Row, side: Side) -> String {
    if *row.never.get(side) == row.seeds {
        return "never".to_owned();
    }
    row.quantity.amount(row.groups.get(side).median)
}

/// ` (+10.0 %)`, where there is something to compare with.
fn change(row: &Row) -> String {
    let Pair { a, b } = &row.groups;
    if a.median == 0.0 || row.never.a + row.never.b > 0 {
        return String::new();
    }
    format!(" ({:+.1} %)", 100.0 * (b.median / a.median - 1.0))
}

fn claim(claim: Significance) -> &'static str {
    match claim {
        Significance::Differs => "DIFFERS",
        Significance::Within => "within the spread",
        Significance::Small => "apart by less than counts",
        Significance::TooFew => "too few seeds",
    }
}
