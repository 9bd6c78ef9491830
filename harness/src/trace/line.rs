//! One line of a `trace` file: who, where, when, and the event (`trace_print_context` in
//! `kernel/trace/trace_output.c`).
//!
//! ```text
//!        kdamond.0-52      [000] .....    12.345678: damos_esz: ctx_idx=0 scheme_idx=1 esz=1048576
//! ```

use super::cursor::Cursor;
use super::event::{EventSet, EventShape, Field};
use damonlab_protocol::units::Nanos;
use std::fmt;

/// `TASK_COMM_LEN` without its terminator.
const COMM_MAX: usize = 15;

/// A task's name: at most 15 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Comm {
    length: u8,
    bytes: [u8; COMM_MAX],
}

impl Comm {
    /// The name; `None` where it is longer than the kernel's.
    pub fn new(name: &str) -> Option<Comm> {
        let mut bytes = [0; COMM_MAX];
        bytes.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        Some(Comm { length: u8::try_from(name.len()).ok()?, bytes })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Debug for Comm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// The thread group, where the instance has the option `record-tgid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tgid {
    /// The option is off.
    NotRecorded,
    /// `(-------)`.
    Unknown,
    /// `(%7d)`.
    Known(u32),
}

/// One event of the set `E` and its circumstances. [`fmt::Display`] gives the line back, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<E> {
    /// The line's number in its file, from 1.
    pub number: u32,
    /// The CPU.
    pub cpu: u16,
    /// The task's pid.
    pub pid: i32,
    /// When, by the trace clock; whole microseconds.
    pub time: Nanos,
    /// The task's name.
    pub comm: Comm,
    /// The thread group.
    pub tgid: Tgid,
    /// The five characters of `irqs-off need-resched hardirq/softirq preempt-depth migrate-disable`,
    /// where the option `irq-info` is on.
    pub flags: Option<[u8; 5]>,
    /// What happened.
    pub event: E,
}

/// Why a line is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// What stands before the event is not what the kernel prints.
    #[error("the task, CPU and time before the event are not as the kernel prints them")]
    Context,
    /// There is no `name: ` after the time.
    #[error("there is no event name after the time")]
    Name,
    /// The event has a type, and its text is not that type's.
    #[error("the text is not the print format that damonlab knows for this event")]
    Format,
}

impl<E: EventSet> Line<E> {
    /// Reads one line, without its newline.
    pub fn parse(number: u32, text: &str) -> Result<Line<E>, LineError> {
        let mut cursor = Cursor::new(text);
        let line = context(number, &mut cursor).ok_or(LineError::Context)?;
        let (name, body) = cursor.rest().split_once(": ").ok_or(LineError::Name)?;
        if name.is_empty() || name.bytes().any(|b| !(b.is_ascii_alphanumeric() || b == b'_')) {
            return Err(LineError::Name);
        }
        let event = E::scan(name, body).map_err(|_| LineError::Format)?;
        let Line { number, cpu, pid, time, comm, tgid, flags, event: () } = line;
        Ok(Line { number, cpu, pid, time, comm, tgid, flags, event })
    }

    /// The events that have a type.
    pub fn shapes() -> &'static [EventShape] {
        E::SHAPES
    }

    /// The name of the event.
    pub fn name(&self) -> &str {
        self.event.name()
    }

    /// The names of the fields of the event, for messages.
    pub fn field_names(&self) -> Vec<&str> {
        self.event.field_names()
    }

    /// A field of the event.
    pub fn field(&self, name: &str) -> Option<Field<'_>> {
        self.event.field(name)
    }
}

/// `%16s-%-7d [(%7d) ][%03d] [flags] %5lu.%06lu: `.
fn context(number: u32, cursor: &mut Cursor<'_>) -> Option<Line<()>> {
    let comm = Comm::new(cursor.bytes(COMM_MAX + 1)?.trim_start_matches(' '))?;
    cursor.literal("-")?;
    let pid = padded(cursor, 7)?;
    let tgid = tgid(cursor)?;
    cursor.literal("[")?;
    let cpu = zero_padded(cursor, 3)?;
    cursor.literal("] ")?;
    let flags = flags(cursor);
    let time = time(cursor)?;
    Some(Line { number, cpu, pid, time, comm, tgid, flags, event: () })
}

/// `%-{width}d `.
fn padded(cursor: &mut Cursor<'_>, width: usize) -> Option<i32> {
    let before = cursor.rest().len();
    let value = cursor.signed()?.try_into().ok()?;
    let printed = before - cursor.rest().len();
    (cursor.spaces() == width.saturating_sub(printed) + 1).then_some(value)
}

/// `%0{width}d`.
fn zero_padded(cursor: &mut Cursor<'_>, width: usize) -> Option<u16> {
    let digits = cursor.rest().bytes().take_while(u8::is_ascii_digit).count();
    let value = if digits > width { cursor.unsigned() } else { cursor.digits(width) };
    value?.try_into().ok()
}

fn tgid(cursor: &mut Cursor<'_>) -> Option<Tgid> {
    if cursor.literal("(").is_none() {
        return Some(Tgid::NotRecorded);
    }
    if cursor.literal("-------) ").is_some() {
        return Some(Tgid::Unknown);
    }
    let spaces = cursor.spaces();
    let before = cursor.rest().len();
    let value = cursor.unsigned()?;
    let printed = before - cursor.rest().len();
    cursor.literal(") ")?;
    (value != 0 && spaces == 7usize.saturating_sub(printed)).then_some(Tgid::Known(value.try_into().ok()?))
}

/// The flags never begin with a space; a time always does.
fn flags(cursor: &mut Cursor<'_>) -> Option<[u8; 5]> {
    if cursor.rest().starts_with(' ') {
        return None;
    }
    cursor.bytes(5)?.as_bytes().try_into().ok()
}

/// ` %5lu.%06lu: `.
fn time(cursor: &mut Cursor<'_>) -> Option<Nanos> {
    cursor.literal(" ")?;
    let spaces = cursor.spaces();
    let before = cursor.rest().len();
    let seconds = cursor.unsigned()?;
    let printed = before - cursor.rest().len();
    cursor.literal(".")?;
    let micros = cursor.digits(6)?;
    cursor.literal(": ")?;
    let nanos = seconds.checked_mul(1_000_000)?.checked_add(micros)?.checked_mul(1_000)?;
    (spaces == 5usize.saturating_sub(printed)).then_some(Nanos(nanos))
}

impl<E: fmt::Display> fmt::Display for Line<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The kernel pads bytes, and Rust characters.
        let (comm, pid) = (self.comm.as_str(), self.pid);
        write!(f, "{:pad$}{comm}-{pid:<7} ", "", pad = (COMM_MAX + 1).saturating_sub(comm.len()))?;
        match self.tgid {
            Tgid::NotRecorded => {}
            Tgid::Unknown => write!(f, "(-------) ")?,
            Tgid::Known(tgid) => write!(f, "({tgid:7}) ")?,
        }
        write!(f, "[{:03}] ", self.cpu)?;
        if let Some(flags) = &self.flags {
            f.write_str(str::from_utf8(flags).unwrap_or_default())?;
        }
        let micros = self.time.micros();
        write!(f, " {:5}.{:06}: {}", micros / 1_000_000, micros % 1_000_000, self.event)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Event;
    use super::*;

    type Line = super::Line<Event>;

    const LINES: &[&str] = &[
        "       kdamond.0-52      [000] .....    12.345678: reading: id=0 share=1 at=1048576-0",
        "     \u{feff}damond.0-36      [000] .....     5.029121: reading: id=0 share=1 at=1048576-0",
        "           <...>-1234567 [001] d.h1. 123456.000001: tuned: sample_us=5000",
        "  a b-c: d [000]-12345678 [1023] ...1.     0.000000: mm_migrate_pages: nr_succeeded=1 reason=damon",
        "          <idle>-0       (-------) [000] d.s2.     1.000000: x: ",
        "            bash-77      (     77) [000]      1.000000: x: k=v",
    ];

    #[test]
    fn a_line_prints_back_to_itself() {
        for text in LINES {
            let line = Line::parse(1, text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(line.to_string(), *text);
        }
    }

    #[test]
    fn the_circumstances_are_read() {
        let line = Line::parse(7, LINES[0]).unwrap();
        assert_eq!((line.number, line.pid, line.cpu), (7, 52, 0));
        assert_eq!(line.comm.as_str(), "kdamond.0");
        assert_eq!(line.time, Nanos(12_345_678_000));
        assert_eq!(line.flags, Some(*b"....."));
        assert_eq!(line.field("at"), Some(Field::Unsigned(1048576)));
    }

    #[test]
    fn what_the_kernel_would_not_print_is_refused() {
        for (from, to, error) in [
            ("-52      ", "-52     ", LineError::Context),
            ("[000]", "[00]", LineError::Context),
            ("   12.345678", "  12.345678", LineError::Context),
            ("12.345678", "12.34567", LineError::Context),
            ("reading: ", "reading ", LineError::Name),
            ("at=1048576", "at=01048576", LineError::Format),
        ] {
            let text = LINES[0].replacen(from, to, 1);
            assert_eq!(Line::parse(1, &text).unwrap_err(), error, "{text}");
        }
    }
}
