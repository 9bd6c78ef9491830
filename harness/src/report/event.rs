//! What a command has to report, in no format yet: items that end one by one, and what they come to together.
//!
//! A verb turns its results into these, and every format writes these alone. So a format is one file, and a verb does
//! not know which formats there are.

use super::checked::{Check, Place};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// What a [`super::Reporter`] is fed with. A finding is never reported by itself: it comes with its item.
#[derive(Debug)]
pub enum Event<'a> {
    /// A command is about to work on these items.
    Started(&'a Started),
    /// An item has ended.
    Finished(&'a Item),
    /// All have.
    Summary(&'a Summary),
}

/// What a command is about to do.
#[derive(Debug)]
pub struct Started {
    /// The verb.
    pub command: &'static str,
    /// What will end, as far as it is known: scenarios, mutants, recordings.
    pub items: Vec<String>,
    /// The kernel that all of it runs on, if there is one.
    pub kernel: Option<String>,
}

/// One thing that has ended: a scenario, one seed of it, a mutant, a step of a bisection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// What it is called.
    pub name: String,
    /// How it ended.
    pub status: Status,
    /// How long it took; none where nothing was run.
    pub seconds: Option<f64>,
    /// The result in short phrases, the most important first. As many are shown as fit on its line.
    pub headline: Vec<String>,
    /// The rest, for people, in order.
    pub details: Vec<Detail>,
    /// It is one seed of an item that follows, and does not count by itself.
    pub part: bool,
    /// The seed, of one run.
    pub seed: Option<u64>,
    /// What was checked, one by one, where that is known.
    pub checks: Vec<Check>,
    /// What it was made of, by name: the kernel, QEMU, the recording.
    #[serde(deserialize_with = "properties")]
    pub properties: Vec<(Word, String)>,
    /// The file that it comes from.
    pub place: Option<Place>,
    /// Everything, for programs.
    pub data: Value,
}

/// How an item ended: in the terms of its verb, and in those that all formats share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The word that begins its line.
    #[serde(deserialize_with = "word")]
    pub word: Word,
    /// What such items are called in a count, as in `55 passed`.
    #[serde(deserialize_with = "word")]
    pub counted: Word,
    /// What it means.
    pub outcome: ItemResult,
}

/// How an item ended, for any verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemResult {
    /// It is not as it should be.
    Failed,
    /// damonlab, the host or QEMU failed.
    NoResult,
    /// It is as it should be.
    Passed,
    /// It could not be judged here.
    Skipped,
}

impl ItemResult {
    /// Whether it is something to look at.
    pub(super) fn is_bad(self) -> bool {
        matches!(self, ItemResult::Failed | ItemResult::NoResult)
    }
}

/// How much of an item is shown. Each depth includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// Not even its line.
    Nothing,
    /// Its line: it passed, or was skipped.
    Line,
    /// It passed, and is the only item.
    Alone,
    /// It did not pass.
    Story,
    /// All there is.
    Everything,
}

/// A labelled line of an item, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// The least depth at which it is shown.
    pub depth: Depth,
    /// What it is.
    #[serde(deserialize_with = "word")]
    pub label: Word,
    /// The text behind the label.
    pub text: String,
}

/// What all items come to.
#[derive(Debug)]
pub struct Summary {
    /// The verb.
    pub command: &'static str,
    /// The result of the command as a whole, where the counts do not show it.
    pub answer: Vec<String>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// How many items ended how.
    pub tally: Tally,
    /// How long all of it took.
    pub seconds: f64,
    /// Everything, for programs.
    pub data: Value,
}

/// A result without items: what there is.
#[derive(Debug)]
pub struct Listing {
    /// The verb.
    pub command: &'static str,
    /// For people.
    pub text: String,
    /// For programs.
    pub data: Value,
}

/// A word that a verb has for its items.
type Word = &'static str;

/// A word of an item that was stored. It stays in memory until the process ends: only `damonlab merge` reads items, once.
fn word<'de, D: Deserializer<'de>>(from: D) -> Result<Word, D::Error> {
    Ok(String::deserialize(from)?.leak())
}

/// The properties of an item that was stored.
fn properties<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(Word, String)>, D::Error> {
    let stored = Vec::<(String, String)>::deserialize(from)?;
    Ok(stored.into_iter().map(|(name, value)| (&*name.leak(), value)).collect())
}

/// A struct as it reaches programs.
pub fn data(fields: &impl Serialize) -> Value {
    // Nothing in it can fail: no map with odd keys, no number that is none.
    serde_json::to_value(fields).unwrap_or_default()
}

impl Item {
    /// One without details.
    pub fn new(name: impl Into<String>, status: Status, headline: impl Into<String>) -> Item {
        let (name, headline) = (name.into(), vec![headline.into()]);
        let (details, checks, properties) = (Vec::new(), Vec::new(), Vec::new());
        let (seconds, seed, place, part, data) = (None, None, None, false, Value::Null);
        Item { name, status, seconds, headline, details, part, seed, checks, properties, place, data }
    }

    /// Adds a detail.
    pub fn add(&mut self, depth: Depth, label: &'static str, text: impl Into<String>) {
        self.details.push(Detail { depth, label, text: text.into() });
    }

    /// Adds a property if there is one.
    pub(super) fn property(&mut self, name: &'static str, value: Option<impl Into<String>>) {
        self.properties.extend(value.map(|value| (name, value.into())));
    }

    /// Adds a detail if there is one.
    pub fn add_some(&mut self, depth: Depth, label: &'static str, text: Option<impl Into<String>>) {
        if let Some(text) = text {
            self.add(depth, label, text);
        }
    }
}

/// How many items ended how. Parts do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(Vec<(Status, usize)>);

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, item: &Item) {
        if item.part {
            return;
        }
        let counted = item.status.counted;
        match self.0.iter_mut().find(|(status, _)| status.counted == counted) {
            Some((_, count)) => *count += 1,
            None => self.0.push((item.status, 1)),
        }
        self.0.sort_by_key(|(status, _)| status.outcome);
    }

    /// How many items there are of each kind, failures first.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.0.iter().map(|(status, count)| (status.counted, *count))
    }

    /// The worst outcome; none of nothing.
    pub fn worst(&self) -> Option<ItemResult> {
        self.0.first().map(|(status, _)| status.outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASS: Status = Status { word: "PASS", counted: "passed", outcome: ItemResult::Passed };
    const FAIL: Status = Status { word: "FAIL", counted: "failed", outcome: ItemResult::Failed };

    #[test]
    fn failures_are_counted_first_and_parts_are_not_counted() {
        let mut tally = Tally::default();
        for (status, part) in [(PASS, false), (FAIL, true), (FAIL, false), (PASS, false)] {
            tally.add(&Item { part, ..Item::new("idle", status, "") });
        }
        assert_eq!(tally.counts().collect::<Vec<_>>(), [("failed", 1), ("passed", 2)]);
        assert_eq!(tally.worst(), Some(ItemResult::Failed));
    }
}
