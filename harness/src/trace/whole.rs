//! A whole `trace` file: its events, and where some are missing or cannot be read.

use super::event::EventSet;
use super::line::{Line, LineError};
use std::io::{self, BufRead};

/// How many unreadable lines are kept; the rest is only counted.
pub(super) const UNREADABLE_KEPT: usize = 100;

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

    /// Reads a `trace` file from `input`, without holding its text. Bytes that are not UTF-8 make
    /// their line unreadable.
    pub fn read(mut input: impl BufRead) -> io::Result<Trace<E>> {
        let mut trace = Trace::default();
        let mut bytes = Vec::new();
        for number in 1.. {
            bytes.clear();
            if input.read_until(b'\n', &mut bytes)? == 0 {
                break;
            }
            let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            trace.take(number, &String::from_utf8_lossy(line));
        }
        Ok(trace)
    }

    fn take(&mut self, number: u32, text: &str) {
        if let Some(comment) = text.strip_prefix('#') {
            self.entries = self.entries.or_else(|| entries(comment));
            return;
        }
        if let Some(count) = loss(text) {
            self.losses.push(Loss { number, count, text: text.to_owned() });
            return;
        }
        match Line::parse(number, text) {
            Ok(line) => self.lines.push(line),
            Err(why) => {
                self.unreadable_count += 1;
                if self.unreadable.len() < UNREADABLE_KEPT {
                    self.unreadable.push(Unreadable { number, text: text.to_owned(), why });
                }
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
