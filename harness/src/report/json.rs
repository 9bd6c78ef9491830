//! JSON for programs: one object a line, each printed as soon as it is known.
//!
//! ```json
//! {"event":"started","version":1,"command":"run","items":["idle","pull-push"],"kernel":"linux 7.3.4 + 1 patch"}
//! {"event":"finished","name":"idle","result":"pass","outcome":"passed","seconds":4.1,"part":false,"data":{"seed":0}}
//! {"event":"summary","command":"run","counts":{"passed":2},"seconds":9.8,"answer":[],"notes":[],"data":null}
//! ```
//!
//! `result` is the verb's own word (`pass`, `missed`, `bad`), `outcome` one of `passed`, `failed`, `skipped` and
//! `no_result` for any verb. A `part` is one seed of an item that follows; parts are not counted. What stands in `data`
//! is the verb's own, and documented where the verb's results become items: `run` and `check` in `run.rs`, several
//! seeds in `sweep.rs`, and so on. `list`, `kernel list` and other verbs that only show what there is print one object
//! with the event `listing`. Within one `version`, fields are added; none changes its meaning or goes.

use super::event::{Event, Item, ItemResult, Listing, Started, Summary};
use super::json_text::Strings;
use super::reporter::Reporter;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The version of these lines.
const VERSION: u32 = 1;

/// Writes the lines.
pub(super) struct JsonLines<W> {
    out: W,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
enum Line<'a> {
    Started { version: u32, command: &'a str, items: &'a [String], kernel: Option<&'a str> },
    Finished(Finished<'a>),
    Summary(Summed<'a>),
    Listing(Listed<'a>),
}

#[derive(Serialize)]
struct Finished<'a> {
    name: &'a str,
    result: String,
    outcome: ItemResult,
    seconds: Option<f64>,
    part: bool,
    data: &'a Value,
}

#[derive(Serialize)]
struct Summed<'a> {
    command: &'a str,
    counts: BTreeMap<String, usize>,
    seconds: f64,
    answer: &'a [String],
    notes: &'a [String],
    data: &'a Value,
}

#[derive(Serialize)]
struct Listed<'a> {
    version: u32,
    command: &'a str,
    data: &'a Value,
}

impl<W: Write> JsonLines<W> {
    pub(super) fn new(out: W) -> JsonLines<W> {
        JsonLines { out }
    }

    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        let mut text = Vec::new();
        line.serialize(&mut serde_json::Serializer::with_formatter(&mut text, Strings::new()))?;
        text.push(b'\n');
        self.out.write_all(&text)?;
        self.out.flush()
    }
}

impl<W: Write> Reporter for JsonLines<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        self.line(&match event {
            Event::Started(Started { command, items, kernel }) => {
                Line::Started { version: VERSION, command, items, kernel: kernel.as_deref() }
            }
            Event::Finished(Item { name, status, seconds, part, data, .. }) => Line::Finished(Finished {
                name,
                result: key(status.word),
                outcome: status.outcome,
                seconds: *seconds,
                part: *part,
                data,
            }),
            Event::Summary(Summary { command, answer, notes, tally, seconds, data }) => {
                let counts = tally.counts().map(|(what, count)| (key(what), count)).collect();
                Line::Summary(Summed { command, counts, seconds: *seconds, answer, notes, data })
            }
        })
    }

    fn listing(&mut self, Listing { command, data, .. }: &Listing) -> io::Result<()> {
        self.line(&Line::Listing(Listed { version: VERSION, command, data }))
    }
}

/// `no_build` for `NO BUILD`.
fn key(words: &str) -> String {
    words.to_lowercase().replace(' ', "_")
}

#[cfg(test)]
mod tests {
    use super::super::event::{Depth, Status, Tally};
    use super::*;

    const FAIL: Status = Status { word: "NO BUILD", counted: "not built", outcome: ItemResult::Failed };

    fn lines(events: &[Event<'_>]) -> String {
        let mut out = Vec::new();
        let mut json = JsonLines::new(&mut out);
        events.iter().for_each(|event| json.event(event).unwrap());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_event_is_one_object_on_one_line() {
        let items = vec!["01-a".to_owned()];
        let started = Started { command: "mutants", items, kernel: None };
        let mut item = Item::new("01-a", FAIL, "a headline is for people");
        item.add(Depth::Story, "reason", "so are\ndetails");
        item.data = serde_json::json!({"kind": "regression"});
        let mut tally = Tally::default();
        tally.add(&item);
        let (answer, notes, data) = (vec!["none".to_owned()], Vec::new(), Value::Null);
        let summary = Summary { command: "mutants", answer, notes, tally, seconds: 1.5, data };
        let text = lines(&[Event::Started(&started), Event::Finished(&item), Event::Summary(&summary)]);
        let wanted = r#"{"event":"started","version":1,"command":"mutants","items":["01-a"],"kernel":null}
{"event":"finished","name":"01-a","result":"no_build","outcome":"failed","seconds":null,"part":false,"data":{"kind":"regression"}}
{"event":"summary","command":"mutants","counts":{"not_built":1},"seconds":1.5,"answer":["none"],"notes":[],"data":null}
"#;
        assert_eq!(text, wanted);
    }

    #[test]
    fn text_of_a_guest_cannot_reach_the_terminal_as_an_escape_sequence() {
        let item = Item::new("\u{1b}[31m", FAIL, "");
        assert!(!lines(&[Event::Finished(&item)]).contains('\u{1b}'));
    }
}
