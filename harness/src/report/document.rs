//! Formats that are one document about everything: items are kept until the last has ended, and then written at once.
//!
//! A command that ends early, by Ctrl-C or an error, leaves a document about what had ended, which says so.

use super::checked::Check;
use super::event::{Event, Item, ItemResult, Started, Status, Summary};
use super::reporter::Reporter;
use serde_json::Value;
use std::io::{self, Write};
use std::mem;

/// What stands for the end of a command that has none.
pub(super) const ENDED_EARLY: &str = "the command ended before all of its runs had";

/// The case of what is judged over all seeds of a scenario.
const ALL_SEEDS: &str = "all seeds";

/// All that was reported.
#[derive(Debug, Default)]
pub(super) struct Whole {
    /// The verb.
    pub(super) command: &'static str,
    /// The kernel that all of it ran on, if there is one.
    pub(super) kernel: Option<String>,
    /// A scenario each, or whatever else has ended.
    pub(super) suites: Vec<Suite>,
    /// The end; none of a command that ended early.
    pub(super) end: Option<End>,
    /// What is for programs of the command as a whole, where the format keeps that.
    pub(super) data: Value,
}

/// One scenario with each of its runs.
#[derive(Debug)]
pub(super) struct Suite {
    /// What it is called.
    pub(super) name: String,
    /// Each seed, and then what is judged over all of them.
    pub(super) cases: Vec<Item>,
    /// What they come to together; none where that is not known.
    pub(super) together: Option<Item>,
}

/// What all of it came to.
#[derive(Debug)]
pub(super) struct End {
    pub(super) answer: Vec<String>,
    pub(super) notes: Vec<String>,
    /// `1 failed, 2 passed`.
    pub(super) counts: String,
    pub(super) seconds: f64,
}

impl Whole {
    /// The cases that are something to look at, each with its suite.
    pub(super) fn bad_cases(&self) -> impl Iterator<Item = (&Suite, &Item)> {
        let cases = self.suites.iter().flat_map(|suite| suite.cases.iter().map(move |case| (suite, case)));
        cases.filter(|(_, case)| case.status.outcome.is_bad())
    }
}

impl Suite {
    /// The item, and the seeds before it.
    fn of(item: Item, parts: Vec<Item>) -> Suite {
        let name = item.name.clone();
        if parts.is_empty() {
            return Suite { name, cases: vec![item.clone()], together: Some(item) };
        }
        let own = if item.checks.is_empty() { item.status } else { status(&item.checks) };
        let any_part = parts.iter().any(|part| part.status.outcome.is_bad());
        let shown = own.outcome.is_bad() || !item.status.outcome.is_bad() || any_part;
        // Why all seeds together fail stands at the seed, mostly; what nothing else shows must not be lost.
        let status = if shown { own } else { item.status };
        let mut cases = parts;
        if !item.checks.is_empty() || !shown {
            // The time is that of the seeds.
            let name = ALL_SEEDS.to_owned();
            cases.push(Item { status, name, seconds: None, ..item.clone() });
        }
        Suite { name, cases, together: Some(item) }
    }

    /// The worst of its cases.
    pub(super) fn outcome(&self) -> ItemResult {
        self.cases.iter().map(|case| case.status.outcome).min().unwrap_or(ItemResult::Skipped)
    }
}

/// The status of what was checked, where nothing else decides it.
fn status(checks: &[Check]) -> Status {
    if checks.iter().any(Check::is_violated) {
        Status { word: "FAIL", counted: "failed", outcome: ItemResult::Failed }
    } else {
        Status { word: "PASS", counted: "passed", outcome: ItemResult::Passed }
    }
}

/// What a case is called in its suite: `seed 3`.
pub(super) fn case_name(case: &Item) -> String {
    case.seed.map_or_else(|| case.name.clone(), |seed| format!("seed {seed}"))
}

/// What a case is called by itself: `pull-push seed 3`.
pub(super) fn full_name(suite: &Suite, case: &Item) -> String {
    match case_name(case) {
        own if own == suite.name => own,
        own => format!("{} {own}", suite.name),
    }
}

/// Turns all that was reported into the text of a format.
pub(super) type Render = fn(&Whole) -> String;

/// Keeps the items, and writes them in the end.
pub(super) struct Document<W: Write> {
    render: Render,
    whole: Whole,
    parts: Vec<Item>,
    out: W,
    written: bool,
    /// Whether what is for programs is kept, which may be large.
    keeps_data: bool,
}

impl<W: Write> Document<W> {
    pub(super) fn new(render: Render, out: W) -> Document<W> {
        Document { render, whole: Whole::default(), parts: Vec::new(), out, written: true, keeps_data: false }
    }

    /// One whose format reads what is for programs.
    pub(super) fn with_data(render: Render, out: W) -> Document<W> {
        let mut document = Document::new(render, out);
        document.keeps_data = true;
        document
    }

    /// What it writes to.
    pub(super) fn out(&mut self) -> &mut W {
        &mut self.out
    }

    fn keep(&mut self, item: &Item) {
        let data = if self.keeps_data { item.data.clone() } else { Value::Null };
        let item = Item { data, ..item.clone() };
        if item.part {
            return self.parts.push(item);
        }
        let parts = mem::take(&mut self.parts);
        self.whole.suites.push(Suite::of(item, parts));
    }

    fn write(&mut self) -> io::Result<()> {
        self.written = true;
        if let Some(first) = self.parts.first() {
            let named = first.properties.iter().find(|(name, _)| *name == "scenario");
            let name = named.map_or_else(|| first.name.clone(), |(_, scenario)| scenario.clone());
            self.whole.suites.push(Suite { name, cases: mem::take(&mut self.parts), together: None });
        }
        self.out.write_all((self.render)(&self.whole).as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write> Reporter for Document<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        match event {
            Event::Started(Started { command, kernel, .. }) => {
                self.written = false;
                self.whole = Whole { command, kernel: kernel.clone(), ..Whole::default() };
                Ok(())
            }
            Event::Finished(item) => {
                self.keep(item);
                Ok(())
            }
            Event::Summary(summary) => {
                self.whole.end = Some(End::of(summary));
                if self.keeps_data {
                    self.whole.data.clone_from(&summary.data);
                }
                self.write()
            }
        }
    }
}

impl<W: Write> Drop for Document<W> {
    fn drop(&mut self) {
        if !self.written {
            // Why it ended early is the error that the command reports.
            let _ = self.write();
        }
    }
}

impl End {
    fn of(summary: &Summary) -> End {
        let Summary { answer, notes, tally, seconds, .. } = summary;
        let counts: Vec<String> = tally.counts().map(|(what, count)| format!("{count} {what}")).collect();
        let counts = if counts.is_empty() { "nothing ran".to_owned() } else { counts.join(", ") };
        End { answer: answer.clone(), notes: notes.clone(), counts, seconds: *seconds }
    }
}
