//! What tests of formats share: what is printed, as it would stand in a file.

use super::event::{Detail, Event, Item, ItemResult, Started, Status, Summary, Tally};
use super::{Check, CheckResult, Depth, Format, Place, Reporter, Verbosity};
use crate::host::terminal::Terminal;
use serde_json::Value;
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

pub(crate) const PASS: Status = Status { word: "PASS", counted: "passed", outcome: ItemResult::Passed };
pub(crate) const FAIL: Status = Status { word: "FAIL", counted: "failed", outcome: ItemResult::Failed };
pub(crate) const SKIP: Status = Status { word: "SKIP", counted: "skipped", outcome: ItemResult::Skipped };
pub(crate) const INFRA: Status =
    Status { word: "INFRA", counted: "without a result", outcome: ItemResult::NoResult };

/// A writer that many may have.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a format prints, without damonlab's own colours.
pub(crate) fn written(format: Format, verbosity: Verbosity, print: impl FnOnce(&mut dyn Reporter)) -> String {
    let out = Shared::default();
    let plain = anstream::StripStream::new(Box::new(out.clone()) as Box<dyn Write>);
    let terminal = Terminal::new(plain, format.lines());
    let mut reporter = format.reporter(Box::new(terminal), verbosity);
    print(&mut *reporter);
    drop(reporter);
    String::from_utf8(out.0.take()).unwrap()
}

/// What a format prints of some events.
pub(crate) fn printed(format: Format, verbosity: Verbosity, events: &[Event<'_>]) -> String {
    written(format, verbosity, |reporter| events.iter().for_each(|event| reporter.event(event).unwrap()))
}

/// What a format prints of a whole `run` of these items.
pub(crate) fn run_of(format: Format, items: &[Item]) -> String {
    let names = items.iter().filter(|item| !item.part).map(|item| item.name.clone()).collect();
    let started = Started { command: "run", items: names, kernel: Some("linux 7.3.4".to_owned()) };
    let mut tally = Tally::default();
    items.iter().for_each(|item| tally.add(item));
    let summary = Summary {
        command: "run",
        answer: Vec::new(),
        notes: vec!["note: a note".to_owned()],
        tally,
        seconds: 12.34,
        data: Value::Null,
    };
    let finished = items.iter().map(Event::Finished);
    let events: Vec<_> =
        std::iter::once(Event::Started(&started)).chain(finished).chain([Event::Summary(&summary)]).collect();
    printed(format, Verbosity::Normal, &events)
}

/// A run of a scenario with a check of each result.
pub(crate) fn run(name: &str, seed: u64, status: Status) -> Item {
    let failed = matches!(status.outcome, ItemResult::Failed);
    let of_rule = if failed { CheckResult::Violated } else { CheckResult::Passed };
    let place = Some(Place { file: "scenarios/idle.yaml".into(), line: 41 });
    let checks = vec![
        Check { place, ..Check::new("expectation (line 41 of the scenario)", of_rule, "expected 1\nsaw 2") },
        Check::new("kernel-log-is-clean (K1)", CheckResult::Passed, ""),
        Check::new("pause-is-silent (P2)", CheckResult::NotApplicable, "no step pauses DAMON"),
    ];
    let detail = Detail { depth: Depth::Story, label: "seen", text: "trace.txt:7: damos_esz".to_owned() };
    Item {
        seconds: Some(6.0),
        seed: Some(seed),
        checks,
        properties: vec![("kernel", "linux 7.3.4".to_owned()), ("seed", seed.to_string())],
        place: Some(Place::start("scenarios/idle.yaml")),
        details: vec![detail],
        ..Item::new(name, status, "what it came to")
    }
}

/// Two seeds of a scenario, of which the second fails, and the scenario.
pub(crate) fn sweep() -> [Item; 3] {
    let part = |seed, status| Item { part: true, ..run(&format!("idle seed {seed}"), seed, status) };
    let whole = Item { seed: None, checks: Vec::new(), ..run("idle", 0, FAIL) };
    [part(0, PASS), part(1, FAIL), whole]
}
