//! Text for people: one line for what passes, the whole story of what does not, and a last line with counts and time.
//!
//! ```text
//! PASS  pull-push   6.0 s  node 0 70.0 % of 70 %, node 1 30.0 % of 30 %
//!   recording       results/pull-push/0001
//! 1 passed in 6.1 s
//! ```

use super::event::{Depth, Detail, Event, Item, ItemResult, Listing, Started, Summary};
use super::reporter::{Reporter, Verbosity};
use crate::host::text::{RESULT_WORDS, block, block_up_to, excerpt, printable, quote, unlike_a_result};
use anstyle::{AnsiColor, Style};
use std::io::{self, Write};

/// How wide the labels of details are, the widest among them.
const LABEL: usize = "not applicable".len();

/// How long a line may be before the less important phrases are left out of it.
const LINE: usize = 100;

/// How many characters a detail may have. What it quotes is cut long before.
const DETAIL: usize = 30_000;

/// How many bytes of details an item may have, and how many the summary.
const ITEM: usize = 200_000;

/// What may still be printed.
struct Room(usize);

impl Room {
    /// Takes the room that `text` needs, the blanks before each of its lines counted; false if there is too little.
    fn take(&mut self, text: &str) -> bool {
        let rest = self.0.checked_sub(text.len() + (LABEL + 4) * text.lines().count());
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }
}

/// Names that are longer than this do not push the others' columns to the right.
const WIDEST_NAME: usize = 50;

/// Writes the text, with colours that `out` may have to take away.
pub(super) struct Human<W> {
    out: W,
    verbosity: Verbosity,
    name_width: usize,
    /// There is one item.
    alone: bool,
}

impl<W: Write> Human<W> {
    pub(super) fn new(out: W, verbosity: Verbosity) -> Human<W> {
        Human { out, verbosity, name_width: 0, alone: false }
    }

    /// What it writes to.
    pub(super) fn out(&mut self) -> &mut W {
        &mut self.out
    }

    fn start(&mut self, started: &Started) {
        let widths = started.items.iter().map(|name| name.chars().count());
        self.name_width = widths.filter(|width| *width <= WIDEST_NAME).max().unwrap_or(0);
        self.alone = started.items.len() == 1;
    }

    /// How much of the item is shown.
    fn depth(&self, item: &Item) -> Depth {
        let passed = item.status.outcome == ItemResult::Passed;
        let good = passed || item.status.outcome == ItemResult::Skipped;
        match self.verbosity {
            Verbosity::Verbose => Depth::Everything,
            _ if !good => Depth::Story,
            Verbosity::Quiet => Depth::Nothing,
            Verbosity::Normal if item.part => Depth::Nothing,
            Verbosity::Normal if passed && self.alone => Depth::Alone,
            Verbosity::Normal => Depth::Line,
        }
    }

    fn finish(&mut self, item: &Item) -> io::Result<()> {
        let depth = self.depth(item);
        if depth == Depth::Nothing {
            return Ok(());
        }
        let Item { status, seconds, .. } = item;
        let (style, word, width) = (style(status.outcome), status.word, self.name_width);
        debug_assert!(RESULT_WORDS.contains(&word), "host::text has to know the word {word}");
        let time = seconds.map(|seconds| format!("  {seconds:>6.1} s")).unwrap_or_default();
        let mut rest = format!("{:<width$}{time}", excerpt(&item.name));
        let headline = item.headline.iter().map(|part| quote(part).to_string());
        for (index, part) in headline.filter(|part| !part.is_empty()).enumerate() {
            let separator = if index == 0 { "  " } else { ", " };
            let length =
                [word, &rest, separator, &part].iter().map(|text| text.chars().count()).sum::<usize>() + 2;
            if index == 0 || length <= LINE {
                rest.push_str(separator);
                rest.push_str(&part);
            }
        }
        writeln!(self.out, "{style}{word:<4}{style:#}  {}", rest.trim_end())?;
        self.details(item.details.iter().filter(|detail| detail.depth <= depth))
    }

    /// The details, quoted text cut. Where something was left out, the recording has it.
    fn details<'a>(&mut self, details: impl Iterator<Item = &'a Detail>) -> io::Result<()> {
        let (mut room, mut omitted) = (Room(ITEM), 0);
        for detail in details {
            let text = block_up_to(&detail.text, DETAIL);
            if room.take(&text) {
                self.detail(detail.label, &text)?;
            } else {
                omitted += 1;
            }
        }
        match omitted {
            0 => Ok(()),
            some => writeln!(self.out, "  ... ({some} more details left out)"),
        }
    }

    /// The label, and the text beside it. A detail without a label is a line of a table.
    fn detail(&mut self, label: &str, text: &str) -> io::Result<()> {
        if label.is_empty() {
            return text.lines().try_for_each(|line| writeln!(self.out, "  {line}"));
        }
        let labels = std::iter::once(label).chain(std::iter::repeat(""));
        labels.zip(text.lines()).try_for_each(|(label, line)| writeln!(self.out, "  {label:<LABEL$}  {line}"))
    }

    /// A line of the summary; whatever it quotes cannot add a line that looks like one.
    fn closing(&mut self, line: &str) -> io::Result<()> {
        let mut lines = line.lines();
        writeln!(self.out, "{}", unlike_a_result(lines.next().unwrap_or_default()))?;
        lines.try_for_each(|line| writeln!(self.out, "  {:<LABEL$}  {line}", ""))
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        let quiet = self.verbosity == Verbosity::Quiet;
        let notes = summary.notes.iter().filter(|_| !quiet);
        let mut room = Room(ITEM);
        let lines: Vec<String> = summary.answer.iter().chain(notes).map(|line| block(line)).collect();
        let (shown, omitted): (Vec<_>, Vec<_>) = lines.iter().partition(|line| room.take(line));
        shown.iter().try_for_each(|line| self.closing(line))?;
        if !omitted.is_empty() {
            self.closing(&format!("... ({} more texts left out)", omitted.len()))?;
        }
        let counts: Vec<String> =
            summary.tally.counts().map(|(what, count)| format!("{count} {what}")).collect();
        let counts = if counts.is_empty() { "nothing ran".to_owned() } else { counts.join(", ") };
        let style = summary.tally.worst().map(style).unwrap_or_default();
        writeln!(self.out, "{style}{counts} in {:.1} s{style:#}", summary.seconds)
    }
}

impl<W: Write> Reporter for Human<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        match event {
            Event::Started(started) => self.start(started),
            Event::Finished(item) => self.finish(item)?,
            Event::Summary(summary) => self.summary(summary)?,
        }
        self.out.flush()
    }

    fn listing(&mut self, listing: &Listing) -> io::Result<()> {
        self.out.write_all(unlike_a_result(&printable(&listing.text)).as_bytes())?;
        self.out.flush()
    }
}

fn style(outcome: ItemResult) -> Style {
    match outcome {
        ItemResult::Passed => AnsiColor::Green.on_default(),
        ItemResult::Skipped => AnsiColor::Yellow.on_default(),
        ItemResult::Failed => AnsiColor::Red.on_default().bold(),
        ItemResult::NoResult => AnsiColor::Magenta.on_default().bold(),
    }
}

/// All of one item, without colours: what a test shows of a run that should have passed.
pub fn item_text(item: &Item) -> String {
    text(&[Event::Finished(item)], Verbosity::Verbose)
}

/// What is printed of some events, without colours.
pub fn text(events: &[Event<'_>], verbosity: Verbosity) -> String {
    let mut out = anstream::StripStream::new(Vec::new());
    let mut human = Human::new(&mut out, verbosity);
    // Writing to a Vec does not fail.
    let _ = events.iter().try_for_each(|event| human.event(event));
    String::from_utf8_lossy(&out.into_inner()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::event::{Status, Tally};
    use super::*;

    const PASS: Status = Status { word: "PASS", counted: "passed", outcome: ItemResult::Passed };
    const FAIL: Status = Status { word: "FAIL", counted: "failed", outcome: ItemResult::Failed };
    const SKIP: Status = Status { word: "SKIP", counted: "skipped", outcome: ItemResult::Skipped };

    fn item(name: &str, status: Status) -> Item {
        let mut item = Item { seconds: Some(6.04), ..Item::new(name, status, "what it came to") };
        item.add(Depth::Alone, "recording", "results/0001");
        item.add(Depth::Story, "reason", "first line\nsecond line");
        item.add(Depth::Everything, "note", "something");
        item
    }

    fn printed(items: &[Item], verbosity: Verbosity) -> String {
        let names = items.iter().filter(|item| !item.part).map(|item| item.name.clone()).collect();
        let started = Started { command: "run", items: names, kernel: None };
        let mut tally = Tally::default();
        items.iter().for_each(|item| tally.add(item));
        let (answer, notes) = (vec!["the answer".to_owned()], vec!["note: a note".to_owned()]);
        let summary =
            Summary { command: "run", answer, notes, tally, seconds: 12.34, data: serde_json::Value::Null };
        let finished = items.iter().map(Event::Finished);
        let events: Vec<_> = std::iter::once(Event::Started(&started))
            .chain(finished)
            .chain([Event::Summary(&summary)])
            .collect();
        text(&events, verbosity)
    }

    #[test]
    fn what_passes_or_is_skipped_takes_one_line_and_what_fails_its_whole_story() {
        let items = [item("idle", PASS), item("pull-push", FAIL), item("damo", SKIP)];
        let wanted = "PASS  idle          6.0 s  what it came to\n\
                      FAIL  pull-push     6.0 s  what it came to\n  \
                      recording       results/0001\n  \
                      reason          first line\n                  second line\n\
                      SKIP  damo          6.0 s  what it came to\n\
                      the answer\nnote: a note\n\
                      1 failed, 1 passed, 1 skipped in 12.3 s\n";
        assert_eq!(printed(&items, Verbosity::Normal), wanted);
    }

    #[test]
    fn an_item_that_passes_and_is_the_only_one_names_its_recording() {
        let wanted = "PASS  idle     6.0 s  what it came to\n  recording       results/0001\n\
                      the answer\nnote: a note\n1 passed in 12.3 s\n";
        assert_eq!(printed(&[item("idle", PASS)], Verbosity::Normal), wanted);
    }

    #[test]
    fn what_does_not_fit_on_the_line_is_left_out_of_it() {
        let parts = [50, 30, 10].map(|length| "x".repeat(length));
        let item = Item { headline: parts.to_vec(), ..item("idle", PASS) };
        let text = printed(&[item], Verbosity::Normal);
        let line = text.lines().next().unwrap();
        assert!(line.ends_with(&format!("  {}, {}", parts[0], parts[2])), "{line}");
    }

    #[test]
    fn quiet_is_failures_the_answer_and_the_last_line() {
        let text = printed(&[item("idle", PASS), item("damo", SKIP)], Verbosity::Quiet);
        assert_eq!(text, "the answer\n1 passed, 1 skipped in 12.3 s\n");
        assert!(printed(&[item("idle", FAIL)], Verbosity::Quiet).contains("second line"));
    }

    #[test]
    fn verbose_is_everything_of_what_passes_too() {
        let text = printed(&[item("idle", PASS), item("damo", SKIP)], Verbosity::Verbose);
        assert_eq!(text.matches("  note            something\n").count(), 2, "{text}");
    }

    #[test]
    fn a_seed_that_passes_has_no_line_of_its_own_and_one_that_fails_has() {
        let part = |status| Item { part: true, ..item("idle seed 3", status) };
        let text = printed(&[part(PASS), part(FAIL), item("idle", FAIL)], Verbosity::Normal);
        assert_eq!(text.matches("idle seed 3").count(), 1, "{text}");
        assert!(text.ends_with("\n1 failed in 12.3 s\n"), "{text}");
    }

    #[test]
    fn a_word_has_the_colour_of_its_outcome() {
        let mut out = Vec::new();
        Human::new(&mut out, Verbosity::Normal).finish(&item("idle", FAIL)).unwrap();
        assert!(String::from_utf8(out).unwrap().starts_with("\u{1b}[1m\u{1b}[31mFAIL\u{1b}[0m  idle"));
    }
}
