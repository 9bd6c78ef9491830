//! Describes two lines that differ by what they are: an event's field, a sample's counter, a text.

use super::lines::Pair;
use crate::host::text::excerpt;
use crate::recording::Line;
use crate::trace::Comm;
use damonlab_protocol::record::section;
use damonlab_protocol::units::Nanos;
use serde_json::Value;
use std::fmt;

/// As many characters before the place where two long texts part are shown.
const BEFORE: usize = 60;

/// One of the two recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The first.
    First,
    /// The second.
    Second,
}

impl Side {
    pub(super) fn other(self) -> Side {
        match self {
            Side::First => Side::Second,
            Side::Second => Side::First,
        }
    }
}

/// A line of a file, and what happened there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The line's number, from 1.
    pub line: u64,
    /// What the line is about, where it says so in both recordings: an event's name.
    pub event: Option<String>,
    /// When: the earlier of the two lines' times.
    pub time: Option<Nanos>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(event) = &self.event {
            write!(f, ": {event}")?;
        }
        match self.time {
            Some(time) => write!(f, " at {} s", time.seconds()),
            None => Ok(()),
        }
    }
}

/// What differs in a file. Texts are cut and have nothing in them that a terminal would obey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Only one recording has the file.
    Missing {
        /// The one that has not.
        from: Side,
    },
    /// One file is the beginning of the other.
    Ends {
        /// The shorter one.
        side: Side,
        /// Where the longer one goes on.
        at: Place,
        /// With what.
        next: String,
    },
    /// The same kind of thing with another value.
    Value {
        /// Where.
        at: Place,
        /// The first field that differs, by its name.
        field: String,
        /// Its value in the first recording.
        first: String,
        /// Its value in the second one.
        second: String,
    },
    /// Other texts.
    Text {
        /// Where.
        at: Place,
        /// The line in the first recording.
        first: String,
        /// The line in the second one.
        second: String,
    },
}

impl What {
    /// What comes first: a missing file, then guest time, then what has no time.
    pub(super) fn rank(&self) -> (u8, Nanos) {
        match self {
            What::Missing { .. } => (0, Nanos(0)),
            What::Ends { at, .. } | What::Value { at, .. } | What::Text { at, .. } => {
                at.time.map_or((2, Nanos(0)), |time| (1, time))
            }
        }
    }
}

/// What differs between the two lines of `file`.
pub(super) fn what(file: &str, pair: &Pair) -> What {
    let (first, second) = (text(&pair.first), text(&pair.second));
    let (left, right) = (Mark::of(file, &first), Mark::of(file, &second));
    if let Some(side) = cut(pair) {
        let (mark, line) = if side == Side::First { (right, second) } else { (left, first) };
        return What::Ends { side, at: mark.place(pair.number), next: excerpt(&line) };
    }
    let at = Place {
        line: pair.number,
        event: left.event().filter(|event| Some(event) == right.event().as_ref()),
        time: left.time().into_iter().chain(right.time()).min(),
    };
    match left.first_field(&right) {
        Some(Fields { name, first, second }) => {
            What::Value { at, field: excerpt(&name), first: excerpt(&first), second: excerpt(&second) }
        }
        None => texts(at, &first, &second),
    }
}

/// What differs between two guest reports, by the names of JSON; by their lines where they are none.
pub(super) fn report(first: &[u8], second: &[u8], pair: &Pair) -> What {
    let parsed = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    let fields = match (parsed(first), parsed(second)) {
        (Some(first), Some(second)) => in_json(&first, &second, ""),
        _ => None,
    };
    match fields {
        Some(Fields { name, first, second }) => What::Value {
            at: Place { line: pair.number, event: None, time: None },
            field: excerpt(&name),
            first: excerpt(&first),
            second: excerpt(&second),
        },
        None => what(section::REPORT, pair),
    }
}

/// A field and its two values.
struct Fields {
    name: String,
    first: String,
    second: String,
}

/// What a line is, as far as it can be read.
enum Mark {
    Event(Box<Line>),
    Sample(Value),
    Message(Nanos),
    Nothing,
}

impl Mark {
    fn of(file: &str, text: &str) -> Mark {
        let mark = match file {
            section::TRACE => Line::parse(0, text).ok().map(|line| Mark::Event(Box::new(line))),
            section::SAMPLES => serde_json::from_str(text).ok().map(Mark::Sample),
            section::DMESG => message_time(text).map(Mark::Message),
            _ => None,
        };
        mark.unwrap_or(Mark::Nothing)
    }

    fn time(&self) -> Option<Nanos> {
        match self {
            Mark::Event(line) => Some(line.time),
            Mark::Sample(sample) => sample["time"].as_u64().map(Nanos),
            Mark::Message(time) => Some(*time),
            Mark::Nothing => None,
        }
    }

    fn event(&self) -> Option<String> {
        match self {
            Mark::Event(line) => Some(line.name().to_owned()),
            Mark::Sample(_) => Some("the sample".to_owned()),
            Mark::Message(_) => Some("the kernel's message".to_owned()),
            Mark::Nothing => None,
        }
    }

    fn place(&self, line: u64) -> Place {
        Place { line, event: self.event(), time: self.time() }
    }

    fn first_field(&self, other: &Mark) -> Option<Fields> {
        match (self, other) {
            (Mark::Event(first), Mark::Event(second)) => in_events(first, second),
            (Mark::Sample(first), Mark::Sample(second)) => in_json(first, second, ""),
            _ => None,
        }
    }
}

/// The first field that differs between two lines of the same event, in the order of the text.
fn in_events(first: &Line, second: &Line) -> Option<Fields> {
    if first.name() != second.name() {
        return None;
    }
    let circumstances = |line: &Line| {
        let comm: &Comm = &line.comm;
        [
            ("task", comm.as_str().to_owned()),
            ("pid", line.pid.to_string()),
            ("thread group", format!("{:?}", line.tgid)),
            ("CPU", line.cpu.to_string()),
            (
                "flags",
                line.flags.map(|flags| String::from_utf8_lossy(&flags).into_owned()).unwrap_or_default(),
            ),
            ("time", line.time.seconds()),
        ]
    };
    let around = circumstances(first).into_iter().zip(circumstances(second));
    let around = around.map(|((name, first), (_, second))| Fields { name: name.to_owned(), first, second });
    let value = |line: &Line, name: &str| line.field(name).map(|field| field.to_string()).unwrap_or_default();
    let inside = first.field_names().into_iter().map(|name| Fields {
        name: name.to_owned(),
        first: value(first, name),
        second: value(second, name),
    });
    around.chain(inside).find(|fields| fields.first != fields.second)
}

/// The first value that differs, with the path to it: `nodes.0.Active`.
fn in_json(first: &Value, second: &Value, path: &str) -> Option<Fields> {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (first, second) {
        (Value::Object(left), Value::Object(right)) => {
            let more = right.keys().filter(|key| !left.contains_key(*key));
            left.keys().chain(more).find_map(|key| in_json(&first[key], &second[key], &below(key)))
        }
        (Value::Array(left), Value::Array(right)) => {
            let nothing = &Value::Null;
            (0..left.len().max(right.len())).find_map(|index| {
                let (one, other) = (left.get(index), right.get(index));
                in_json(one.unwrap_or(nothing), other.unwrap_or(nothing), &below(&index.to_string()))
            })
        }
        _ => (first != second).then(|| Fields {
            name: path.to_owned(),
            first: first.to_string(),
            second: second.to_string(),
        }),
    }
}

/// The side whose file ends here while the other goes on.
fn cut(pair: &Pair) -> Option<Side> {
    // Only the last line of a file can be without its newline.
    let is_beginning = |short: &[u8], long: &[u8]| !short.ends_with(b"\n") && long.starts_with(short);
    if is_beginning(&pair.first, &pair.second) {
        Some(Side::First)
    } else if is_beginning(&pair.second, &pair.first) {
        Some(Side::Second)
    } else {
        None
    }
}

/// `priority,time-us;message`.
fn message_time(text: &str) -> Option<Nanos> {
    let (_, time) = text.split_once(';')?.0.split_once(',')?;
    Some(Nanos(time.parse::<u64>().ok()?.checked_mul(1_000)?))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_suffix(b"\n").unwrap_or(bytes)).into_owned()
}

/// Both texts, from shortly before the place where they part.
fn texts(at: Place, first: &str, second: &str) -> What {
    let same = first.chars().zip(second.chars()).take_while(|(one, other)| one == other).count();
    let shown = |text: &str| match same.checked_sub(2 * BEFORE) {
        Some(_) => format!("...{}", excerpt(&text.chars().skip(same - BEFORE).collect::<String>())),
        None => excerpt(text),
    };
    What::Text { at, first: shown(first), second: shown(second) }
}
