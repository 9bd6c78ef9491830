//! A recording to tracks.

use super::regions;
use super::tracks::{Note, Track, Tracks};
use crate::export::ExportError;
use crate::recording::{Line, Recording};
use crate::subject::{self, Aggregation, Pass, Series, SeriesOf};
use crate::trace::{EventSet, Field};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// The agent of a guest is its first process.
const AGENT: i32 = 1;

/// Writes a recording.
///
/// # Errors
/// `out` cannot be written.
pub(in crate::export) fn write(
    recording: &Recording,
    out: &mut dyn Write,
) -> Result<Vec<String>, ExportError> {
    let mut tracks = Tracks::new(out)?;
    let mut tasks = Tasks::new(recording);
    steps(recording, &mut tracks, &mut tasks)?;
    let series = subject::series(recording);
    let pids = subject::kdamond_pids(recording);
    // One that did not start has samples, and no events.
    let of_series = series.iter().filter_map(|one| one.of.kdamond());
    let indexes: BTreeSet<usize> = pids.values().copied().chain(of_series).collect();
    let (aggregations, all_passes) = (subject::aggregations(recording), subject::passes(recording));
    for kdamond in indexes {
        // A kdamond that is started again is another task; its numbers go on.
        let pid = pids.iter().filter(|(_, index)| **index == kdamond).map(|(pid, _)| *pid).next_back();
        let parent = match pid {
            Some(pid) => tasks.track(&mut tracks, pid)?,
            None => tracks.track(None, &format!("kdamond {kdamond}"))?,
        };
        let of = |one: &&Series| one.of.kdamond() == Some(kdamond);
        series.iter().filter(of).try_for_each(|one| counter(&mut tracks, Some(parent), one))?;
        passes(&all_passes, &mut tracks, parent, kdamond)?;
        let mut targets: BTreeMap<u64, Vec<&Aggregation>> = BTreeMap::new();
        for aggregation in aggregations.iter().filter(|one| one.kdamond == kdamond) {
            targets.entry(aggregation.target).or_default().push(aggregation);
        }
        for (target, aggregations) in targets {
            regions::write(&mut tracks, parent, target, &aggregations)?;
        }
    }
    memory(recording, &mut tracks, &mut tasks, &series)?;
    for line in &recording.trace.lines {
        instant(&mut tracks, &mut tasks, line)?;
    }
    Ok(Vec::new())
}

/// The tasks by pid, and their tracks as far as they have one.
struct Tasks<'a> {
    names: BTreeMap<i32, &'a str>,
    processes: BTreeMap<i32, Track>,
    events: BTreeMap<i32, Track>,
}

impl<'a> Tasks<'a> {
    fn new(recording: &'a Recording) -> Tasks<'a> {
        let lines = recording.trace.lines.iter().map(|line| (line.pid, line.comm.as_str()));
        let workloads = recording.report.workload_pids.iter().map(|(name, pid)| (*pid, name.as_str()));
        let names = [(AGENT, "damonlab-guest")].into_iter().chain(lines).chain(workloads).collect();
        Tasks { names, processes: BTreeMap::new(), events: BTreeMap::new() }
    }

    fn track(&mut self, tracks: &mut Tracks<'_>, pid: i32) -> io::Result<Track> {
        if let Some(track) = self.processes.get(&pid) {
            return Ok(*track);
        }
        let track = tracks.process(pid, self.names.get(&pid).copied().unwrap_or("kdamond"))?;
        self.processes.insert(pid, track);
        Ok(track)
    }

    /// The track for a task's events.
    fn events(&mut self, tracks: &mut Tracks<'_>, pid: i32) -> io::Result<Track> {
        if let Some(track) = self.events.get(&pid) {
            return Ok(*track);
        }
        let parent = self.track(tracks, pid)?;
        let track = tracks.track(Some(parent), "events")?;
        self.events.insert(pid, track);
        Ok(track)
    }
}

fn steps(recording: &Recording, tracks: &mut Tracks<'_>, tasks: &mut Tasks<'_>) -> io::Result<()> {
    let agent = tasks.track(tracks, AGENT)?;
    let track = tracks.track(Some(agent), "steps")?;
    let steps = recording.plan.steps.iter().zip(&recording.report.steps);
    for (number, (step, record)) in steps.enumerate() {
        let mut notes = vec![("step", Note::Number(number as u64))];
        if let Some(refusal) = &record.refused {
            notes.push(("refused", Note::Text(refusal.errno.clone())));
        }
        tracks.slice(track, step.word(), (record.begin, record.end), notes)?;
    }
    Ok(())
}

fn passes(all: &[Pass], tracks: &mut Tracks<'_>, parent: Track, kdamond: usize) -> io::Result<()> {
    let mut schemes: BTreeMap<usize, Track> = BTreeMap::new();
    for pass in all.iter().filter(|pass| pass.kdamond == kdamond) {
        let track = match schemes.get(&pass.scheme) {
            Some(track) => *track,
            None => tracks.track(Some(parent), &format!("scheme {} passes", pass.scheme))?,
        };
        schemes.insert(pass.scheme, track);
        let notes = vec![
            ("tried_regions", Note::Number(pass.tried)),
            ("tried_bytes", Note::Number(pass.tried_bytes.0)),
            ("applied_bytes", Note::Number(pass.applied_bytes.0)),
        ];
        tracks.slice(track, "pass", (pass.begin, pass.end), notes)?;
    }
    Ok(())
}

/// Counters of nodes, workloads and vmstat.
fn memory(
    recording: &Recording,
    tracks: &mut Tracks<'_>,
    tasks: &mut Tasks<'_>,
    series: &[Series],
) -> io::Result<()> {
    for one in series.iter().filter(|one| one.of.kdamond().is_none()) {
        let parent = match &one.of {
            SeriesOf::Workload { name, .. } => recording.report.workload_pids.get(name),
            _ => None,
        };
        let parent = parent.map(|pid| tasks.track(tracks, *pid)).transpose()?;
        counter(tracks, parent, one)?;
    }
    Ok(())
}

/// A series, and the target of a goal beside it.
fn counter(tracks: &mut Tracks<'_>, parent: Option<Track>, series: &Series) -> io::Result<()> {
    let track = tracks.counter(parent, &series.of.to_string(), series.unit)?;
    series.points.iter().try_for_each(|point| tracks.value(track, point.time, point.value))?;
    if series.target.is_empty() {
        return Ok(());
    }
    let track = tracks.counter(parent, &format!("{} target", series.of), series.unit)?;
    // A counter is drawn up to its last value.
    let last = series.points.last().filter(|last| series.target.iter().all(|one| one.time < last.time));
    let last = last.and_then(|last| Some((last.time, series.target.last()?.value)));
    let points = series.target.iter().map(|point| (point.time, point.value)).chain(last);
    points.into_iter().try_for_each(|(time, value)| tracks.value(track, time, value))
}

/// An event, with its fields.
fn instant(tracks: &mut Tracks<'_>, tasks: &mut Tasks<'_>, line: &Line) -> io::Result<()> {
    let track = tasks.events(tracks, line.pid)?;
    let notes = match line.event.untyped() {
        Some(text) => vec![("text", Note::Text(text.to_owned()))],
        None => {
            let fields = line.field_names().into_iter().filter_map(|name| Some((name, line.field(name)?)));
            fields.map(|(name, field)| (name, note(field))).collect()
        }
    };
    tracks.instant(track, line.name(), line.time, notes)
}

fn note(field: Field<'_>) -> Note {
    match field {
        Field::Unsigned(value) => Note::Number(value),
        Field::Signed(value) => Note::Signed(value),
        other => Note::Text(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::proto::{COUNTER, INSTANT, SLICE_BEGIN, SLICE_END, Trace};
    use super::*;
    use crate::recording::testing::{all, stored};
    use prost::Message;

    fn packets(recording: &Recording) -> Trace {
        let mut out = Vec::new();
        write(recording, &mut out).unwrap();
        Trace::decode(&*out).unwrap()
    }

    #[test]
    fn every_event_is_an_instant_and_every_slice_ends() {
        for name in all() {
            let recording = Recording::load(&stored(&name)).unwrap();
            let trace = packets(&recording);
            let count = |kind: i32| {
                let events = trace.packet.iter().filter_map(|packet| packet.track_event.as_ref());
                events.filter(|event| event.r#type == Some(kind)).count()
            };
            assert_eq!(count(INSTANT), recording.trace.lines.len(), "{name}");
            assert_eq!(count(SLICE_BEGIN), count(SLICE_END), "{name}");
            let points: usize = subject::series(&recording).iter().map(|one| one.points.len()).sum();
            assert!(count(COUNTER) >= points, "{name}");
        }
    }

    #[test]
    fn every_event_is_on_a_track_that_is_described_before() {
        let trace = packets(&Recording::load(&stored("picture")).unwrap());
        let mut known = BTreeSet::new();
        let mut names = Vec::new();
        for packet in &trace.packet {
            if let Some(track) = &packet.track_descriptor {
                assert!(track.parent_uuid.is_none_or(|parent| known.contains(&parent)));
                known.insert(track.uuid.unwrap());
                names.extend(track.name.clone());
            }
            if let Some(event) = &packet.track_event {
                assert!(known.contains(&event.track_uuid.unwrap()), "{event:?}");
            }
        }
        assert!(names.iter().any(|name| name.ends_with("accesses by address")), "{names:?}");
    }
}
