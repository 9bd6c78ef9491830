//! What several seeds and generated scenarios come to on a mutant, in sentences.

use super::event::{Depth, Item};
use super::rules;
use crate::mutants::{
    Catch, Generated, GeneratedScore, Kind, MutantResult, Record, SeedCatches, SeedCount, SeedScore,
};

/// Adds what is there of both. `repeat` is the command for the generated scenario that caught the mutant.
pub(super) fn add(item: &mut Item, record: &Record, repeat: Option<String>) {
    item.add_some(Depth::Line, "seeds", record.seeds.as_ref().map(seeds));
    let Some(generated) = &record.generated else { return };
    // Where they alone ran, the line of the mutant says it.
    if record.result != MutantResult::NotRun {
        item.add(Depth::Line, "generated", sentence(generated, record.kind));
    }
    item.add_some(Depth::Story, "seen", generated.catch.as_ref().map(|caught| caught.catch.sentence.clone()));
    item.add_some(Depth::Line, "repeat", repeat);
    if !generated.fail_without.is_empty() {
        let numbers = listed(&generated.fail_without);
        item.add(Depth::Line, "no catch", format!("scenarios that fail without the mutant too: {numbers}"));
    }
}

/// `7 of 10 seeds of pull-push: weak; missed with 2, 5, 9`.
fn seeds(all: &SeedCatches) -> String {
    let Some(SeedCount { scenario, caught, missed, no_result }) = all.best() else {
        return format!("no scenario to run with {}: none caught it, and its patch names none", all.seeds);
    };
    let count = caught.len() + missed.len() + no_result.len();
    let mut text = format!("{} of {count} seeds of {scenario}", caught.len());
    if all.is_weak() {
        text.push_str(": weak");
    }
    for (seeds, what) in [(missed, "missed with"), (no_result, "the host or QEMU failed with")] {
        if !seeds.is_empty() {
            text.push_str(&format!("; {what} {}", listed(seeds)));
        }
    }
    text
}

/// What generated scenarios come to.
pub(super) fn sentence(generated: &Generated, kind: Kind) -> String {
    let Generated { seed, limit, ended, skipped, no_result, catch, .. } = generated;
    let word = if kind == Kind::Regression { "caught" } else { "noticed" };
    let mut text = match catch {
        Some(caught) => format!("{word} after {ended} of {limit} {}", by(&caught.catch)),
        None => format!("not {word} by {ended} of seed {seed}"),
    };
    if *skipped > 0 {
        text.push_str(&format!("; {skipped} skipped"));
    }
    if !no_result.is_empty() {
        text.push_str(&format!("; without a result: {}", listed(no_result)));
    }
    text
}

/// `by NAMES in SCENARIO, seed N`.
pub(super) fn by(Catch { ids, scenario, seed, .. }: &Catch) -> String {
    let names: Vec<String> = ids.iter().map(|id| rules::name(id)).collect();
    format!("by {} in {scenario}, seed {seed}", names.join(", "))
}

fn listed(numbers: &[u64]) -> String {
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}

/// What several seeds come to on all regressions.
pub(super) fn seed_score(score: &SeedScore) -> String {
    let SeedScore { regressions, steady, no_result } = score;
    let weak = regressions - steady;
    let mut text = format!(
        "seeds               {steady} of {regressions} caught with at least 8 of 10 seeds, {weak} weak"
    );
    if *no_result > 0 {
        text.push_str(&format!(", {no_result} with seeds without a result: the host or QEMU failed"));
    }
    text
}

/// What generated scenarios come to on all mutants.
pub(super) fn generated_score(score: &GeneratedScore) -> Vec<String> {
    let GeneratedScore { seed, limit, regressions, caught, median, equivalents, false_alarms, no_result } =
        score;
    let mut lines = Vec::new();
    if *regressions > 0 {
        let median = median.map(|median| format!(", after {median} at the median"));
        lines.push(format!(
            "generated           {caught} of {regressions} regressions caught by {limit} scenarios of seed {seed}{}",
            median.unwrap_or_default()
        ));
    }
    if *equivalents > 0 {
        let green = equivalents - false_alarms;
        lines.push(format!(
            "generated           {green} of {equivalents} equivalent mutants passed, {false_alarms} false alarms"
        ));
    }
    if *no_result > 0 {
        lines.push(format!(
            "generated           {no_result} mutants without a result: the host or QEMU failed"
        ));
    }
    lines
}
