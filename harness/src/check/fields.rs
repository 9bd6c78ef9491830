//! The fields of recorded events, of any system, with their types: those of an event that damonlab has a type for come
//! from its text, those of any other from its raw record, by its `format`.

use super::subject::Subject;
use crate::recording::{Line, Recording};
use crate::trace::raw::{RawFormat, RawTrace, Record};
use crate::trace::{COMMON_FIELDS, EventSet, Kind, Value};

/// The raw record of a recording, read; or why there is none.
pub(crate) struct RawRecord<'a>(Result<RawTrace<'a>, String>);

/// The fields of the events of one recording.
pub(crate) struct Fields<'a> {
    recording: &'a Recording,
    formats: Result<&'a RawTrace<'a>, String>,
    /// One for each line of the trace, as far as there are records.
    records: Result<Vec<Record<'a>>, String>,
}

/// An event's own fields.
pub(crate) enum Shape<'a> {
    Known(&'static [(&'static str, Kind)]),
    Recorded(&'a RawFormat),
}

impl<'a> RawRecord<'a> {
    /// Reads it, if `wanted`: what damonlab has a type for needs no record.
    pub(crate) fn of(recording: &'a Recording, wanted: bool) -> RawRecord<'a> {
        if !wanted || recording.raw.is_empty() {
            return RawRecord(Err("the recording has no raw record".to_owned()));
        }
        RawRecord(
            RawTrace::parse(&recording.raw).map_err(|error| format!("trace.raw cannot be read: {error}")),
        )
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn new(recording: &'a Recording, raw: &'a RawRecord<'a>) -> Fields<'a> {
        let formats = raw.0.as_ref().map_err(Clone::clone);
        let records = formats.clone().and_then(|raw| paired(recording, raw));
        Fields { recording, formats, records }
    }

    /// The lines of the trace, in order.
    pub(crate) fn lines(&self) -> &'a [Line] {
        &self.recording.trace.lines
    }

    /// What fields the event of this name has, without its system.
    ///
    /// # Errors
    /// Why they are not known.
    pub(crate) fn shape(&self, event: &str) -> Result<Shape<'a>, String> {
        if let Some((_, fields)) = Line::shapes().iter().find(|(name, _)| *name == event) {
            return Ok(Shape::Known(fields));
        }
        let formats = self.formats.clone()?;
        let format = formats.formats.values().find(|format| format.name == event);
        format.map(Shape::Recorded).ok_or_else(|| format!("the recording has no format of {event}"))
    }

    /// Whether the kernel does not have the event, as far as the recording shows: without a raw record it shows nothing.
    pub(crate) fn has_no_format(&self, event: &str) -> bool {
        self.formats.is_ok() && self.shape(event).is_err()
    }

    /// The events that the kernel has, as far as the recording names them: those of the subject, and those of its raw record.
    pub(crate) fn events(&self) -> impl Iterator<Item = &str> {
        let recorded =
            self.formats.iter().flat_map(|raw| raw.formats.values()).map(|format| format.name.as_str());
        self.recording.listed_events().chain(recorded)
    }

    /// Why the fields of an event without a type have no values; none if they have.
    pub(crate) fn unknown(&self, event: &str) -> Option<String> {
        match self.shape(event) {
            Err(why) => Some(why),
            Ok(Shape::Known(_)) => None,
            Ok(Shape::Recorded(_)) => self.records.as_ref().err().cloned(),
        }
    }

    /// The value of a field of the line at `index`.
    pub(crate) fn value(&self, index: usize, name: &str) -> Option<Value> {
        let line = self.lines().get(index)?;
        if let Some(common) = line.common(name) {
            return Some(common);
        }
        if line.event.untyped().is_none() {
            return line.field(name).map(Value::from);
        }
        let record = self.records.as_ref().ok()?.get(index)?;
        let format = record.format.filter(|format| format.name == line.name())?;
        record.value(format.typed(name)?)
    }

    /// Whether the subject adds a property of this name.
    pub(crate) fn is_property(&self, name: &str, subject: &dyn Subject) -> bool {
        subject.properties().contains(&name)
    }

    /// The same, or a property that the subject adds.
    pub(crate) fn value_or_property(&self, index: usize, name: &str, subject: &dyn Subject) -> Option<Value> {
        let value = self.value(index, name);
        // A line that has no emitter of the plan has none of its numbers.
        let property = || subject.property(self.lines().get(index)?, name);
        value.or_else(|| property().map(|text| Value::Signed(text.parse().unwrap_or(-1))))
    }
}

impl Shape<'_> {
    /// The type of a field; every event has the common ones.
    pub(crate) fn kind(&self, name: &str) -> Option<Kind> {
        let own = match self {
            Shape::Known(fields) => fields.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind),
            Shape::Recorded(format) => format.typed(name).map(|field| field.kind),
        };
        let common = || COMMON_FIELDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        own.or_else(common)
    }

    /// The names of its own fields.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Shape::Known(fields) => fields.iter().map(|(name, _)| *name).collect(),
            Shape::Recorded(format) => format.typed.iter().map(|field| field.shown_name()).collect(),
        }
    }
}

/// The records of the lines.
fn paired<'a>(recording: &Recording, raw: &'a RawTrace<'a>) -> Result<Vec<Record<'a>>, String> {
    let trace = &recording.trace;
    if trace.unreadable_count > 0 || !trace.losses.is_empty() {
        return Err("the text has holes: event and record cannot be paired".to_owned());
    }
    let records =
        raw.records(trace.lines.len()).map_err(|error| format!("trace.raw cannot be read: {error}"))?;
    if records.len() != trace.lines.len() {
        return Err(format!("trace.raw has {} events, and the text {}", records.len(), trace.lines.len()));
    }
    Ok(records)
}
