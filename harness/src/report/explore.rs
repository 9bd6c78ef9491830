//! Drawn scenarios as items, and what was found in all of them.
//!
//! For programs an item is that of a run, with `number`, and with `new_lines` and `made_of` where lines guide the exploration;
//! the summary has `explored`, as explore.json has it, and then `coverage`.

use super::event::{Depth, Item, ItemResult, Status};
use super::place::shown;
use super::rules;
use super::run::RunView;
use crate::check::Verdict;
use crate::explore::{
    self, Corpus, Drawn, Explored, Group, Known, NewLines, NumberResult, Signature, Smallest,
};
use serde_json::{Value, json};

/// A drawn scenario. One whose findings are known from an earlier one is a line that names that. `new`: the lines that it was
/// the first to reach, where that is known.
pub fn drawn(
    drawn: &Drawn,
    result: &NumberResult,
    all: &Explored,
    new: Option<&NewLines>,
    repeat: Option<String>,
) -> Item {
    let name = &drawn.source.scenario.name;
    let mut item = match result {
        NumberResult::Unfit(why) => {
            let status = Status { word: "SKIP", counted: "skipped", outcome: ItemResult::Skipped };
            Item::new(&**name, status, &**why)
        }
        NumberResult::Ran(report) => {
            let seed = Some(drawn.number);
            let mut item = RunView { seed, repeat, ..RunView::of(report) }.item();
            if let Verdict::Fail(_) = &report.verdict {
                item.headline = headline(drawn.number, all);
                if !all.is_example(drawn.number) {
                    item.details.clear();
                }
            }
            item
        }
    };
    if let Some(new) = new.filter(|new| new.count > 0) {
        item.headline.insert(0, format!("{} new lines", new.count));
        item.add(Depth::Everything, "reached", new.to_string());
    }
    if let Value::Object(data) = &mut item.data {
        data.insert("number".into(), json!(drawn.number));
        if let Some(new) = new {
            data.insert("new_lines".into(), json!(new.count));
            data.insert("made_of".into(), json!(drawn.made_of));
        }
    }
    item
}

/// Makes the item of a scenario of one shard what it is where all shards are one exploration: another shard may have had a
/// finding first.
pub fn drawn_in(item: &mut Item, all: &Explored) {
    let Some(number) = item.data["number"].as_u64().filter(|number| all.failed.contains(number)) else {
        return;
    };
    item.headline = headline(number, all);
    if !all.is_example(number) {
        item.details.clear();
    }
}

/// The smallest scenario of each finding, as an item.
pub fn all_smallest(all: &Explored) -> Vec<Item> {
    let item = |group: &Group| {
        let name = explore::name(all.seed, *group.numbers.first()?);
        Some(smallest(&name, &group.signature, group.smallest.as_ref()?))
    };
    all.groups.iter().filter_map(item).collect()
}

/// What an exploration reached that lines guided.
pub fn corpus(known: &Known, corpus: &Corpus) -> Vec<String> {
    let (reached, lines) = known.reached.total();
    let (count, folder) = (known.kept.len(), shown(corpus.folder()));
    let Known { drawn, varied, .. } = known;
    vec![
        format!("reached: {reached} of {lines} lines with code"),
        format!(
            "corpus: {folder}, with {count} scenarios; {} of {} drawn ones and {} of {} variations are new",
            drawn.kept, drawn.ended, varied.kept, varied.ended
        ),
    ]
}

/// The scenarios of the folder that could not be used.
pub fn corpus_notes(known: &Known) -> Vec<String> {
    let note = |name: &String| format!("note: {name} of the corpus does not pass here, and was not varied");
    known.failing.iter().map(note).collect()
}

/// The same for programs.
pub fn corpus_data(known: &Known, corpus: &Corpus) -> Value {
    let (reached, lines) = known.reached.total();
    let kept: Vec<&str> = known.kept.iter().map(|kept| kept.name.as_str()).collect();
    json!({
        "reached": reached, "lines": lines, "corpus": corpus.folder(), "kept": kept, "drawn": known.drawn,
        "varied": known.varied, "failing": known.failing,
    })
}

/// The names of the findings, those known already with the scenario that had them first.
fn headline(number: u64, all: &Explored) -> Vec<String> {
    let groups = all.groups.iter().filter(|group| group.numbers.contains(&number));
    let one = |group: &Group| {
        let name = title(&group.signature);
        match group.numbers.first() {
            Some(first) if *first != number => format!("{name} (as {first})"),
            _ => name,
        }
    };
    groups.map(one).collect()
}

/// The name of a finding's rule, and the place in the kernel where it has one.
fn title(signature: &Signature) -> String {
    let name = rules::name(&signature.id);
    if signature.place.is_empty() { name } else { format!("{name}: {}", signature.place) }
}

/// Every finding once, with its count and its smallest scenario.
pub fn explored(all: &Explored) -> Vec<String> {
    let mut lines = vec![format!(
        "{} scenarios of seed {}: {} passed, {} failed with {} findings",
        all.count(),
        all.seed,
        all.passed.len(),
        all.failed.len(),
        all.groups.len()
    )];
    for group in &all.groups {
        let (count, example) = (group.numbers.len(), &group.example);
        let times = if count == 1 { "1 scenario".to_owned() } else { format!("{count} scenarios") };
        let mut text = format!("{}: {times}\n{}", title(&group.signature), example.sentence);
        text.push_str(&format!("\nfirst: {}, seed {}", shown(&example.scenario), example.seed));
        if let Some(Smallest { example, size, from, runs, done }) = &group.smallest {
            let rest = if *done { "" } else { ", and more could be tried" };
            let scenario = shown(&example.scenario);
            text.push_str(&format!(
                "\nsmallest: {scenario}, seed {}, {size} of {from} values after {runs} runs{rest}",
                example.seed
            ));
        }
        lines.push(text);
    }
    lines
}

/// Everything, for programs.
pub fn explored_data(all: &Explored) -> Value {
    json!({ "explored": all })
}

/// A scenario that was made smaller, as an item.
pub fn smallest(name: &str, signature: &Signature, smallest: &Smallest) -> Item {
    let status = Status { word: "SMALLER", counted: "made smaller", outcome: ItemResult::Passed };
    let Smallest { example, size, from, runs, done } = smallest;
    let rest = if *done { "nothing smaller fails" } else { "the runs are used up" };
    let mut item = Item::new(name, status, title(signature));
    item.headline.push(format!("{size} of {from} values"));
    item.headline.push(format!("{runs} runs"));
    item.add(Depth::Line, "scenario", format!("{}, seed {}", shown(&example.scenario), example.seed));
    item.add(Depth::Line, "left", format!("{size} of {from} values after {runs} runs; {rest}"));
    item.data = json!({"signature": signature, "smallest": smallest});
    item
}
