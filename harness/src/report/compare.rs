//! Two kernels side by side: an item for each scenario, with a table where something differs, and the answer.
//!
//! For programs an item has the scenario with its `verdicts`, `discrepancies`, `rows` (each quantity with all numbers,
//! by seed) and `no_answer`; the summary has `answer`, `differences`, `kernels`, `interface` and `no_boot`.

use super::checked::{Check, CheckResult};
use super::event::{Depth, Item, ItemResult, Status, data};
use super::rules;
use crate::compare::{
    Attribution, Comparison, Difference, Discrepancy, LEAST_SEEDS, Pair, Row, Scenario, Side, Significance,
};
use crate::host::text::{excerpt, foreign, quote};
use serde_json::{Value, json};

/// One scenario on both kernels.
pub fn scenario(scenario: &Scenario) -> Item {
    let mut item = Item::new(&*scenario.name, status(scenario), headline(scenario));
    item.data = data(scenario);
    item.checks = checks(scenario);
    item.add(Depth::Story, "", table(scenario));
    for discrepancy in &scenario.discrepancies {
        item.add(Depth::Story, "", self::discrepancy(discrepancy));
    }
    for (side, seed, why) in &scenario.no_answer {
        item.add(Depth::Story, "", format!("no result: {side}, seed {seed}: {}", quote(why)));
    }
    item
}

/// What was compared, one by one. A rule that both violate is no difference.
fn checks(scenario: &Scenario) -> Vec<Check> {
    let discrepancies = scenario.discrepancies.iter().map(|one| {
        let differs = one.attribution != Attribution::NoDifference;
        let result = if differs { CheckResult::Violated } else { CheckResult::Passed };
        Check::new(rules::name(&one.id), result, discrepancy(one))
    });
    let rows = scenario.rows.iter().map(|row| {
        let result = match row.significance {
            Significance::Differs => CheckResult::Violated,
            Significance::Within | Significance::Small => CheckResult::Passed,
            Significance::TooFew => CheckResult::NotApplicable,
        };
        let sides = format!("A {}; B {}", group(row, Side::A), group(row, Side::B));
        Check::new(row.quantity.to_string(), result, format!("{sides}: {}", significance(row.significance)))
    });
    discrepancies.chain(rows).collect()
}

fn status(scenario: &Scenario) -> Status {
    let differs = scenario.rows.iter().any(|row| row.significance == Significance::Differs)
        || scenario.discrepancies.iter().any(|one| one.attribution != Attribution::NoDifference);
    let (word, counted, outcome) = match (scenario.no_answer.is_empty(), differs) {
        (false, _) => ("NO RESULT", "without a result", ItemResult::NoResult),
        (true, true) => ("DIFF", "different", ItemResult::Failed),
        (true, false) => ("SAME", "the same", ItemResult::Passed),
    };
    Status { word, counted, outcome }
}

/// `A 4 pass, B 3 pass, 1 fail`.
fn headline(scenario: &Scenario) -> String {
    let Pair { a, b } = Pair::of(|side| verdicts(scenario, side));
    if a == b { format!("{a} on both") } else { format!("A {a}; B {b}") }
}

/// The answer, then what else differs, the kernels and their interfaces.
pub fn comparison(comparison: &Comparison) -> Vec<String> {
    let mut lines = vec![answer(comparison)];
    lines.extend(comparison.differences().iter().skip(1).map(|other| format!("  and {}", sentence(other))));
    lines.extend(Side::BOTH.map(|side| format!("{side}: {}", quote(comparison.kernels.get(side)))));
    if !comparison.interface.is_empty() {
        lines.push("interface (+ only in B, - only in A, ~ A's and then B's)".to_owned());
        lines.extend(comparison.interface.iter().map(|line| format!("  {}", quote(line))));
    }
    lines
}

/// What the reader has to know of how the answer came about.
pub fn comparison_notes(comparison: &Comparison) -> Vec<String> {
    let no_boot = comparison
        .no_boot
        .map(|side| format!("note: the kernel of {side} never came to user space; nothing more was run"));
    let few = format!(
        "note: a number is called different with {LEAST_SEEDS} seeds or more: --seeds 0..{LEAST_SEEDS}"
    );
    no_boot.into_iter().chain(comparison.has_too_few_seeds().then_some(few)).collect()
}

/// All but the scenarios, for programs.
pub fn comparison_data(comparison: &Comparison) -> Value {
    json!({
        "answer": answer(comparison),
        "differences": comparison.differences().iter().map(sentence).collect::<Vec<_>>(),
        "kernels": comparison.kernels,
        "interface": comparison.interface,
        "no_boot": comparison.no_boot,
    })
}

/// The answer in one line.
pub fn answer(comparison: &Comparison) -> String {
    let no_answer: Vec<String> = comparison
        .scenarios
        .iter()
        .flat_map(|one| {
            one.no_answer.iter().map(|(side, seed, why)| {
                format!("{side}, {}, seed {seed}: {}", foreign(&one.name), quote(why))
            })
        })
        .collect();
    let differences = comparison.differences();
    match (no_answer.first(), differences.first()) {
        (Some(why), _) => format!("no answer: {} run(s) failed on the host; {why}", no_answer.len()),
        (None, Some(first)) => sentence(first),
        (None, None) => no_difference(comparison),
    }
}

/// A rule that both violate is no difference, and nobody may take it for a pass.
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
            let (verb, rule) = match discrepancy.id.as_str() {
                "skip" => ("skips", String::new()),
                id => ("fails", format!("{}: ", rules::name(id))),
            };
            let seeds = seeds(discrepancy.seeds.get(*side));
            let alone = if *side == Side::A { ", and B does not" } else { "" };
            format!(
                "{side} {verb} {} ({seeds}){alone}: {rule}{}",
                foreign(&scenario.name),
                quote(&discrepancy.sentence)
            )
        }
        Difference::Number(scenario, row) => {
            let (a, b) = (median(row, Side::A), median(row, Side::B));
            format!(
                "{}: {}: {a} in A, {b} in B{}",
                foreign(&scenario.name),
                foreign(&row.quantity.to_string()),
                change(row)
            )
        }
        Difference::Interface(line) => format!("interface: {}", quote(line)),
    }
}

/// `seeds 0 1 2`.
fn seeds(seeds: &[u64]) -> String {
    let words: Vec<String> = seeds.iter().map(u64::to_string).collect();
    format!("seed{} {}", if seeds.len() == 1 { "" } else { "s" }, words.join(" "))
}

/// The verdicts and every quantity, A beside B.
fn table(scenario: &Scenario) -> String {
    let verdicts = Pair::of(|side| verdicts(scenario, side));
    let mut table = vec![[String::new(), "A".into(), "B".into(), String::new()]];
    table.push(["verdicts".into(), verdicts.a, verdicts.b, String::new()]);
    for row in &scenario.rows {
        let cells = Pair::of(|side| group(row, side));
        table.push([
            excerpt(&row.quantity.to_string()),
            cells.a,
            cells.b,
            significance(row.significance).to_owned(),
        ]);
    }
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let [first, second, third] = [width(0), width(1), width(2)];
    let line = |[name, a, b, claim]: &[String; 4]| {
        format!("{name:first$}  {a:second$}  {b:third$}  {claim}").trim_end().to_owned() + "\n"
    };
    table.iter().map(line).collect()
}

fn discrepancy(discrepancy: &Discrepancy) -> String {
    let whose = match discrepancy.attribution {
        Attribution::Only(side) => format!("only {side}"),
        Attribution::NoDifference => "no difference".to_owned(),
    };
    let seeds = Pair::of(|side| match discrepancy.seeds.get(side).as_slice() {
        [] => format!("{side} never"),
        some => format!("{side} {}", seeds(some)),
    });
    let line = discrepancy.line.map(|line| format!(" (line {line})")).unwrap_or_default();
    let rule = rules::name(&discrepancy.id);
    format!("{whose}: {rule}{line}: {}, {}: {}", seeds.a, seeds.b, quote(&discrepancy.sentence))
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

fn significance(claim: Significance) -> &'static str {
    match claim {
        Significance::Differs => "DIFFERS",
        Significance::Within => "within the spread",
        Significance::Small => "apart by less than counts",
        Significance::TooFew => "too few seeds",
    }
}

/// All that is printed of a comparison, every table included.
#[cfg(test)]
pub(crate) fn full_text(comparison: &Comparison) -> String {
    let items: String =
        comparison.scenarios.iter().map(|one| super::human::item_text(&scenario(one))).collect();
    let lines = self::comparison(comparison).into_iter().chain(comparison_notes(comparison));
    items + &lines.map(|line| line + "\n").collect::<String>()
}
