//! Tracks, slices, instants and counters as packets of one sequence.

use super::proto::{
    COUNTER, CounterDescriptor, DebugAnnotation, EXPLICIT_ORDER, INSTANT, Interned, InternedData,
    NEEDS_STATE, ProcessDescriptor, SLICE_BEGIN, SLICE_END, STATE_CLEARED, Trace, TracePacket,
    TrackDescriptor, TrackEvent, UNIT_BYTES, UNIT_COUNT,
};
use crate::subject::Unit;
use damonlab_protocol::units::Nanos;
use prost::Message;
use std::collections::HashMap;
use std::io::{self, Write};

/// The only sequence of packets.
const SEQUENCE: u32 = 1;

/// A track of the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Track(u64);

/// A value beside a slice or an instant.
pub(super) enum Note {
    Number(u64),
    Signed(i64),
    Text(String),
}

/// Writes packets.
pub(super) struct Tracks<'a> {
    out: &'a mut dyn Write,
    next: u64,
    children: HashMap<u64, i32>,
    event_names: HashMap<String, u64>,
    note_names: HashMap<String, u64>,
    buffer: Vec<u8>,
}

impl<'a> Tracks<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> io::Result<Tracks<'a>> {
        let mut tracks = Tracks {
            out,
            next: 1,
            children: HashMap::new(),
            event_names: HashMap::new(),
            note_names: HashMap::new(),
            buffer: Vec::new(),
        };
        let flags = Some(STATE_CLEARED);
        tracks.packet(TracePacket { sequence_flags: flags, ..TracePacket::default() })?;
        Ok(tracks)
    }

    /// A task, as a process: its tracks lie below it.
    pub(super) fn process(&mut self, pid: i32, name: &str) -> io::Result<Track> {
        let process = ProcessDescriptor { pid: Some(pid), process_name: Some(name.to_owned()) };
        self.describe(None, TrackDescriptor { process: Some(process), ..TrackDescriptor::default() })
    }

    /// A track for slices and instants.
    pub(super) fn track(&mut self, parent: Option<Track>, name: &str) -> io::Result<Track> {
        let name = Some(name.to_owned());
        self.describe(parent, TrackDescriptor { name, ..TrackDescriptor::default() })
    }

    /// A track for numbers.
    pub(super) fn counter(&mut self, parent: Option<Track>, name: &str, unit: Unit) -> io::Result<Track> {
        let (unit, unit_name) = match unit {
            Unit::Bytes => (Some(UNIT_BYTES), None),
            Unit::Count => (Some(UNIT_COUNT), None),
            Unit::BasisPoints => (None, Some("bp")),
            Unit::Seconds => (None, Some("s")),
            Unit::Instructions => (None, Some("instructions")),
        };
        let counter = CounterDescriptor { unit, unit_name: unit_name.map(str::to_owned) };
        let (name, counter) = (Some(name.to_owned()), Some(counter));
        self.describe(parent, TrackDescriptor { name, counter, ..TrackDescriptor::default() })
    }

    /// Tracks of one parent stay in the order in which they were made.
    fn describe(&mut self, parent: Option<Track>, descriptor: TrackDescriptor) -> io::Result<Track> {
        let uuid = self.next;
        self.next += 1;
        let rank = self.children.entry(parent.map_or(0, |parent| parent.0)).or_default();
        let sibling_order_rank = Some(*rank);
        *rank = rank.saturating_add(1);
        let (uuid, parent_uuid) = (Some(uuid), parent.map(|parent| parent.0));
        let child_ordering = Some(EXPLICIT_ORDER);
        let descriptor =
            TrackDescriptor { uuid, parent_uuid, child_ordering, sibling_order_rank, ..descriptor };
        let track_descriptor = Some(descriptor);
        self.packet(TracePacket { track_descriptor, ..TracePacket::default() })?;
        Ok(Track(self.next - 1))
    }

    /// A slice from one time to another.
    pub(super) fn slice(
        &mut self,
        track: Track,
        name: &str,
        span: (Nanos, Nanos),
        notes: Vec<(&str, Note)>,
    ) -> io::Result<()> {
        let (begin, end) = span;
        self.event(track, begin, SLICE_BEGIN, Some(name), notes)?;
        self.event(track, end, SLICE_END, None, Vec::new())
    }

    /// Something that happened at one time.
    pub(super) fn instant(
        &mut self,
        track: Track,
        name: &str,
        time: Nanos,
        notes: Vec<(&str, Note)>,
    ) -> io::Result<()> {
        self.event(track, time, INSTANT, Some(name), notes)
    }

    /// The value of a counter from a time on.
    pub(super) fn value(&mut self, track: Track, time: Nanos, value: f64) -> io::Result<()> {
        let event = TrackEvent {
            r#type: Some(COUNTER),
            track_uuid: Some(track.0),
            double_counter_value: Some(value),
            ..TrackEvent::default()
        };
        let (timestamp, track_event) = (Some(time.0), Some(event));
        self.packet(TracePacket { timestamp, track_event, ..TracePacket::default() })
    }

    fn event(
        &mut self,
        track: Track,
        time: Nanos,
        kind: i32,
        name: Option<&str>,
        notes: Vec<(&str, Note)>,
    ) -> io::Result<()> {
        let mut new = InternedData::default();
        let name_iid = name.map(|name| intern(&mut self.event_names, name, &mut new.event_names));
        let names = &mut self.note_names;
        let notes = notes.into_iter().map(|(name, note)| {
            let name_iid = Some(intern(names, name, &mut new.debug_annotation_names));
            let plain = DebugAnnotation { name_iid, ..DebugAnnotation::default() };
            match note {
                Note::Number(value) => DebugAnnotation { uint_value: Some(value), ..plain },
                Note::Signed(value) => DebugAnnotation { int_value: Some(value), ..plain },
                Note::Text(value) => DebugAnnotation { string_value: Some(value), ..plain },
            }
        });
        let debug_annotations = notes.collect();
        let is_new = !new.event_names.is_empty() || !new.debug_annotation_names.is_empty();
        let (track_uuid, r#type) = (Some(track.0), Some(kind));
        let event = TrackEvent { debug_annotations, r#type, name_iid, track_uuid, ..TrackEvent::default() };
        self.packet(TracePacket {
            timestamp: Some(time.0),
            track_event: Some(event),
            interned_data: is_new.then_some(new),
            sequence_flags: Some(NEEDS_STATE),
            ..TracePacket::default()
        })
    }

    fn packet(&mut self, packet: TracePacket) -> io::Result<()> {
        let packet = TracePacket { trusted_packet_sequence_id: Some(SEQUENCE), ..packet };
        self.buffer.clear();
        Trace { packet: vec![packet] }.encode(&mut self.buffer).map_err(io::Error::other)?;
        self.out.write_all(&self.buffer)
    }
}

/// The number of a name, which is among `new` where it is used for the first time.
fn intern(known: &mut HashMap<String, u64>, name: &str, new: &mut Vec<Interned>) -> u64 {
    if let Some(iid) = known.get(name) {
        return *iid;
    }
    let iid = known.len() as u64 + 1;
    known.insert(name.to_owned(), iid);
    new.push(Interned { iid: Some(iid), name: Some(name.to_owned()) });
    iid
}
