//! Lines of text to records of a ring buffer: by their event's `format` where that has all fields of the text, else with the
//! text as the only field.

use super::file::Pages;
use super::flags;
use crate::recording::{Line, Recording};
use crate::subject;
use crate::trace::Field;
use crate::trace::raw::{Dynamic, LONGEST_PAYLOAD, RawField, RawFormat, SubBuffers};
use std::collections::BTreeMap;

/// The first number of an event; the kernel's own are below.
const FIRST_ID: u16 = 1000;

/// `common_type`, `common_flags`, `common_preempt_count` and `common_pid`.
const COMMON: usize = 8;

/// The system of events that no pattern of the plan names with theirs.
const UNKNOWN_SYSTEM: &str = "damonlab";

/// Formats and pages of a text.
pub(super) struct Encoded {
    pub(super) systems: BTreeMap<String, Vec<Vec<u8>>>,
    pub(super) cpus: BTreeMap<u16, Pages<'static>>,
    /// Events that have no format, or another one, by name.
    pub(super) as_text: Vec<String>,
}

/// The events by name: with a format, and as text.
struct Formats {
    by_name: BTreeMap<String, RawFormat>,
    as_text: BTreeMap<String, u16>,
    systems: BTreeMap<String, Vec<Vec<u8>>>,
    next: u16,
}

/// Encodes all lines.
pub(super) fn encode(recording: &Recording) -> Encoded {
    let mut formats = Formats::of(&recording.formats);
    let mut by_cpu: BTreeMap<u16, Vec<&Line>> = BTreeMap::new();
    for line in &recording.trace.lines {
        by_cpu.entry(line.cpu).or_default().push(line);
    }
    let mut cpus = BTreeMap::new();
    for (cpu, mut lines) in by_cpu {
        // A ring buffer cannot go back in time.
        lines.sort_by_key(|line| line.time);
        let mut pages = SubBuffers::default();
        let mut payload = Vec::new();
        for line in lines {
            formats.record(recording, line, &mut payload);
            pages.push(line.time, &payload);
        }
        cpus.insert(cpu, Pages::Encoded(pages.finish()));
    }
    let as_text = formats.as_text.into_keys().collect();
    Encoded { systems: formats.systems, cpus, as_text }
}

impl Formats {
    /// Those that the recording lists, each with a number.
    fn of(text: &str) -> Formats {
        let (by_name, as_text, systems) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut all = Formats { by_name, as_text, systems, next: FIRST_ID };
        let mut texts: Vec<String> = Vec::new();
        for line in text.lines() {
            if line.starts_with("name: ") {
                texts.push(String::new());
            }
            if let Some(last) = texts.last_mut() {
                last.push_str(line);
                last.push('\n');
            }
        }
        for text in texts {
            let Some(id) = all.take_id() else { break };
            let text = text.replacen("\nformat:\n", &format!("\nID: {id}\nformat:\n"), 1);
            if let Ok(format) = RawFormat::parse(&text)
                && has_all_fields(&format)
            {
                all.systems.entry(subject::listed_system().to_owned()).or_default().push(text.into_bytes());
                all.by_name.insert(format.name.clone(), format);
            }
        }
        all
    }

    fn take_id(&mut self) -> Option<u16> {
        let id = self.next;
        self.next = id.checked_add(1)?;
        Some(id)
    }

    /// The record of a line.
    fn record(&mut self, recording: &Recording, line: &Line, payload: &mut Vec<u8>) {
        if let Some(format) = self.by_name.get(line.name()) {
            common(format.id, line, payload);
            if fields(format, line, payload).is_some() {
                return;
            }
        }
        let id = match self.as_text.get(line.name()) {
            Some(id) => *id,
            None => self.add_text(recording, line.name()),
        };
        common(id, line, payload);
        let text = line.event.to_string();
        let text = text.split_once(": ").map_or("", |(_, text)| text);
        let text = &text.as_bytes()[..text.len().min(LONGEST_PAYLOAD - COMMON - 8)];
        push_dynamic(payload, COMMON, &[text, b"\0"].concat());
    }

    /// A format whose only field is the text. When numbers run out, events share the last one.
    fn add_text(&mut self, recording: &Recording, name: &str) -> u16 {
        let id = self.take_id().unwrap_or(u16::MAX);
        self.as_text.insert(name.to_owned(), id);
        let format = format!(
            "name: {name}\nID: {id}\nformat:\n\
             \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\
             \tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n\
             \tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n\
             \tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n\
             \tfield:__data_loc char[] text;\toffset:8;\tsize:4;\tsigned:0;\n\n\
             print fmt: \"%s\", __get_str(text)\n"
        );
        self.systems.entry(system(recording, name)).or_default().push(format.into_bytes());
        id
    }
}

/// The system of an event, as the plan names it.
fn system(recording: &Recording, name: &str) -> String {
    let patterns = recording.plan.trace.events.iter();
    let named = patterns.filter_map(|pattern| pattern.split_once(':')).find(|(_, event)| *event == name);
    let system = named.map_or(UNKNOWN_SYSTEM, |(system, _)| system);
    system.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// Whether a format has every field of the event's text.
fn has_all_fields(format: &RawFormat) -> bool {
    let fits = |field: &RawField| field.offset.saturating_add(field.size) <= LONGEST_PAYLOAD / 2;
    let has = |(_, record): &(&str, &str)| format.field(record).is_some();
    subject::record_names(&format.name).is_some_and(|names| names.iter().all(has))
        && format.fields.iter().all(fits)
}

fn common(id: u16, line: &Line, payload: &mut Vec<u8>) {
    let (flags, preempt_count) = flags::of(line.flags);
    payload.clear();
    payload.extend(id.to_le_bytes());
    payload.extend([flags, preempt_count]);
    payload.extend(line.pid.to_le_bytes());
}

/// Adds the event's own fields; none if a value does not fit.
fn fields(format: &RawFormat, line: &Line, payload: &mut Vec<u8>) -> Option<()> {
    let end = format.fields.iter().map(|field| field.offset + field.size).max()?;
    payload.resize(end.max(COMMON), 0);
    for (text, record) in subject::record_names(line.name())? {
        let field = format.field(record)?;
        match (line.field(text)?, field.dynamic) {
            (Field::Bytes(bytes), Some(Dynamic::FromRecord)) => {
                push_dynamic(payload, field.offset, bytes.as_slice());
            }
            (Field::Unsigned(value), None) => number(payload, field, value, 0)?,
            (Field::Signed(value), None) => {
                number(payload, field, value as u64, if value < 0 { u8::MAX } else { 0 })?;
            }
            _ => return None,
        }
    }
    Some(())
}

/// Writes a number; none if it has more bytes than its field. `rest` is what all bytes beyond must be.
fn number(payload: &mut [u8], field: &RawField, value: u64, rest: u8) -> Option<()> {
    let (low, high) =
        value.to_le_bytes().split_at_checked(field.size).map(|(low, high)| (low.to_vec(), high.to_vec()))?;
    payload.get_mut(field.offset..field.offset + field.size)?.copy_from_slice(&low);
    high.iter().all(|byte| *byte == rest).then_some(())
}

/// Appends an array, and writes its length and its place at `offset`.
fn push_dynamic(payload: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let least = payload.len().max(offset + 4);
    payload.resize(least, 0);
    let place = (bytes.len() as u32) << 16 | payload.len() as u32 & 0xffff;
    payload[offset..offset + 4].copy_from_slice(&place.to_le_bytes());
    payload.extend_from_slice(bytes);
}
