//! A whole `trace` file: its events, and where some are missing or cannot be read.

use super::event::{EventSet, Other};
use super::line::{Line, LineError};
use crate::host::budget::Budget;
use std::io::{self, BufRead, Read};

/// How many unreadable lines are kept; the rest is only counted.
pub(super) const UNREADABLE_KEPT: usize = 100;

/// The longest line that is read: `trace_print` composes a line in two pages.
const LINE_LIMIT: u64 = 64 << 10;

/// What a piece of memory takes beyond its content.
const ALLOCATION: usize = 24;

/// What an event without a type takes beyond its text: itself, and three pieces of memory.
const OTHER: usize = size_of::<Other>() + 3 * ALLOCATION;

/// A whole `trace` file.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace<E> {
    /// The events, in the file's order.
    pub lines: Vec<Line<E>>,
    /// Where the ring buffer says that events are missing.
    pub losses: Vec<Loss>,
    /// The first lines that are neither event nor comment nor loss.
    pub unreadable: Vec<Unreadable>,
    /// How many such lines there are.
    pub unreadable_count: u64,
    /// The header's `entries-in-buffer/entries-written`.
    pub entries: Option<Entries>,
}

/// `CPU:0 [LOST 12 EVENTS]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The line's number, from 1.
    pub number: u32,
    /// How many events, where the kernel knows.
    pub count: Option<u64>,
    /// The line.
    pub text: String,
}

/// A line that is no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The line's number, from 1.
    pub number: u32,
    /// The line.
    pub text: String,
    /// What is wrong with it.
    pub why: LineError,
}

/// `# entries-in-buffer/entries-written: 10/12   #P:1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entries {
    /// Events that the file has.
    pub in_buffer: u64,
    /// Events that there were.
    pub written: u64,
}

impl<E> Default for Trace<E> {
    fn default() -> Trace<E> {
        let (lines, losses, unreadable) = (Vec::new(), Vec::new(), Vec::new());
        Trace { lines, losses, unreadable, unreadable_count: 0, entries: None }
    }
}

impl<E: EventSet> Trace<E> {
    /// Reads a `trace` file.
    pub fn parse(text: &str) -> Trace<E> {
        let mut trace = Trace::default();
        for (number, line) in (1..).zip(text.lines()) {
            trace.take(number, line);
        }
        trace
    }

    /// Reads a `trace` file from `input`, without holding its text, as long as there is memory in `budget`, of which
    /// every line takes `extra` bytes for whoever reads it. Bytes that are not UTF-8, or more than any event has, make
    /// their line unreadable.
    pub fn read(mut input: impl BufRead, budget: &mut Budget, extra: u64) -> io::Result<Trace<E>> {
        let mut trace = Trace::default();
        let mut bytes = Vec::new();
        let mut number = 1;
        loop {
            bytes.clear();
            if input.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut bytes)? == 0 {
                return Ok(trace);
            }
            // A part of a longer line is a line that cannot be read.
            let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            let held = trace.take(number, &String::from_utf8_lossy(line));
            budget.take(held + if held > 0 { extra } else { 0 })?;
            number += u32::from(bytes.ends_with(b"\n"));
        }
    }

    /// Takes a line, and returns about how much memory it takes.
    fn take(&mut self, number: u32, text: &str) -> u64 {
        let size = |own: usize, text: usize| (own + text) as u64;
        if let Some(comment) = text.strip_prefix('#') {
            self.entries = self.entries.or_else(|| entries(comment));
            return 0;
        }
        if let Some(count) = loss(text) {
            self.losses.push(Loss { number, count, text: text.to_owned() });
            return size(size_of::<Loss>(), text.len() + ALLOCATION);
        }
        match Line::<E>::parse(number, text) {
            Ok(line) => {
                let own_text = line.event.text_length().map_or(0, |length| length + OTHER);
                self.lines.push(line);
                size(size_of::<Line<E>>(), own_text)
            }
            Err(why) => {
                self.unreadable_count += 1;
                if self.unreadable.len() == UNREADABLE_KEPT {
                    return 0;
                }
                self.unreadable.push(Unreadable { number, text: text.to_owned(), why });
                size(size_of::<Unreadable>(), text.len() + ALLOCATION)
            }
        }
    }
}

/// `None`: not a loss; `Some(None)`: a loss of unknown size.
fn loss(text: &str) -> Option<Option<u64>> {
    let (cpu, what) = text.strip_prefix("CPU:")?.split_once(' ')?;
    cpu.parse::<u32>().ok()?;
    let what = what.strip_prefix("[LOST ")?.strip_suffix("EVENTS]")?;
    Some(what.trim_end().parse().ok())
}

fn entries(comment: &str) -> Option<Entries> {
    let numbers = comment.trim_start().strip_prefix("entries-in-buffer/entries-written: ")?;
    let (in_buffer, written) = numbers.split_ascii_whitespace().next()?.split_once('/')?;
    Some(Entries { in_buffer: in_buffer.parse().ok()?, written: written.parse().ok()? })
}
