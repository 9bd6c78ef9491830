//! CSV: a table for each kind of event, and tables of what is no event (RFC 4180, a header line, UTF-8).
//!
//! Every table of events begins with `time_ns` (CLOCK_MONOTONIC of the guest), `cpu`, `pid`, `comm` and `kdamond` (empty for
//! other tasks). The fields follow under the names of the tracepoint's text, in its units. Text that a spreadsheet would take
//! for a formula gets an apostrophe in front.

use super::ExportError;
use crate::check::fields::{Fields, RawRecord};
use crate::recording::{Line, Recording};
use crate::subject;
use crate::trace::{EventSet, Value};
use csv::Writer;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// The columns that every event has.
const COMMON: [&str; 5] = ["time_ns", "cpu", "pid", "comm", "kdamond"];

/// The tables that are no events, and what each has.
pub const TABLES: &[(&str, &str)] = &[
    ("steps", "the steps of the scenario: number, word, begin and end in ns, the errno of a refused write"),
    ("series", "numbers over time: kind, name, unit, time in ns, value, the target of a goal"),
    ("passes", "passes of schemes: kdamond, scheme, begin and end in ns, regions and bytes"),
    ("node_memory", "each node's meminfo in bytes, at each sample"),
    ("scheme_stats", "each scheme's statistics and effective quota in bytes, at each sample"),
];

/// So many events have a table at most: a kernel has some thousands, and a recording names few.
pub(super) const MOST_EVENTS: usize = 1000;

/// The first [`MOST_EVENTS`] events that a recording has, by name.
pub(super) fn events(recording: &Recording) -> Vec<String> {
    let names: BTreeSet<&str> = recording.trace.lines.iter().map(|line| line.name()).collect();
    names.into_iter().take(MOST_EVENTS).map(str::to_owned).collect()
}

/// Refuses an event that the recording does not have.
///
/// # Errors
/// There is none of that name.
pub(super) fn check(recording: &Recording, name: &str) -> Result<(), ExportError> {
    if recording.trace.lines.iter().any(|line| line.name() == name) {
        return Ok(());
    }
    let known = events(recording);
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(ExportError::NoEvent { name: name.to_owned(), known })
}

/// Writes the table of an event.
///
/// # Errors
/// The recording has no such event, or `out` cannot be written.
pub(super) fn event(recording: &Recording, name: &str, out: &mut dyn Write) -> Result<(), ExportError> {
    check(recording, name)?;
    // What has a type needs no record.
    let has_type = Line::shapes().iter().any(|(known, _)| *known == name);
    let raw = RawRecord::of(recording, !has_type);
    let fields = Fields::new(recording, &raw);
    let columns: Vec<String> = match (fields.unknown(name), fields.shape(name)) {
        (None, Ok(shape)) => shape.names().into_iter().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let kdamonds = subject::kdamond_pids(recording);
    let mut writer = Writer::from_writer(out);
    let own = if columns.is_empty() { vec!["text"] } else { columns.iter().map(String::as_str).collect() };
    writer.write_record(COMMON.into_iter().chain(own)).map_err(failed)?;
    for (index, line) in fields.lines().iter().enumerate().filter(|(_, line)| line.name() == name) {
        common(&mut writer, line, &kdamonds).map_err(failed)?;
        if columns.is_empty() {
            let text = line.event.untyped().unwrap_or_default();
            writer.write_field(&*inert(text)).map_err(failed)?;
        }
        for column in &columns {
            let cell = fields.value(index, column).map_or(String::new(), |value| match value {
                text @ (Value::Text(_) | Value::Words(_)) => inert(&text.to_string()).into_owned(),
                number => number.to_string(),
            });
            writer.write_field(cell).map_err(failed)?;
        }
        writer.write_record(None::<&[u8]>).map_err(failed)?;
    }
    Ok(writer.flush()?)
}

fn common(
    writer: &mut Writer<&mut dyn Write>,
    line: &Line,
    kdamonds: &BTreeMap<i32, usize>,
) -> Result<(), csv::Error> {
    writer.write_field(line.time.0.to_string())?;
    writer.write_field(line.cpu.to_string())?;
    writer.write_field(line.pid.to_string())?;
    writer.write_field(&*inert(line.comm.as_str()))?;
    writer.write_field(kdamonds.get(&line.pid).map(usize::to_string).unwrap_or_default())
}

/// Writes one of [`TABLES`].
///
/// # Errors
/// `out` cannot be written.
pub(super) fn table(recording: &Recording, name: &str, out: &mut dyn Write) -> Result<(), ExportError> {
    let mut writer = Writer::from_writer(out);
    match name {
        "steps" => steps(recording, &mut writer),
        "series" => series(recording, &mut writer),
        "passes" => passes(recording, &mut writer),
        "node_memory" => node_memory(recording, &mut writer),
        _ => scheme_stats(recording, &mut writer),
    }
    .map_err(failed)?;
    Ok(writer.flush()?)
}

type Table<'a> = Writer<&'a mut dyn Write>;

fn steps(recording: &Recording, out: &mut Table<'_>) -> Result<(), csv::Error> {
    out.write_record(["step", "word", "begin_ns", "end_ns", "refused"])?;
    let steps = recording.plan.steps.iter().zip(&recording.report.steps);
    for (number, (step, record)) in steps.enumerate() {
        let refused = record.refused.as_ref().map_or("", |refusal| &refusal.errno);
        let (begin, end) = (record.begin.0.to_string(), record.end.0.to_string());
        out.write_record([&number.to_string(), step.word(), &begin, &end, &inert(refused)])?;
    }
    Ok(())
}

fn series(recording: &Recording, out: &mut Table<'_>) -> Result<(), csv::Error> {
    out.write_record(["kind", "name", "unit", "time_ns", "value", "target"])?;
    for one in subject::series(recording) {
        let (kind, name, unit) = (one.of.kind(), one.of.to_string(), one.unit.stored());
        for point in &one.points {
            let target = one.target_at(point.time).map(|value| value.to_string()).unwrap_or_default();
            let (time, value) = (point.time.0.to_string(), point.value.to_string());
            out.write_record([kind, &inert(&name), unit, &time, &value, &target])?;
        }
    }
    Ok(())
}

fn passes(recording: &Recording, out: &mut Table<'_>) -> Result<(), csv::Error> {
    out.write_record([
        "kdamond",
        "scheme",
        "begin_ns",
        "end_ns",
        "tried_regions",
        "tried_bytes",
        "applied_bytes",
    ])?;
    for pass in subject::passes(recording) {
        let (kdamond, scheme) = (pass.kdamond as u64, pass.scheme as u64);
        let (tried, applied) = (pass.tried_bytes.0, pass.applied_bytes.0);
        let all = [kdamond, scheme, pass.begin.0, pass.end.0, pass.tried, tried, applied];
        out.write_record(all.map(|number| number.to_string()))?;
    }
    Ok(())
}

fn node_memory(recording: &Recording, out: &mut Table<'_>) -> Result<(), csv::Error> {
    out.write_record(["time_ns", "node", "field", "bytes"])?;
    for sample in &recording.samples {
        let time = sample.time.0.to_string();
        for (node, fields) in &sample.nodes {
            let node = node.0.to_string();
            for (field, bytes) in fields {
                out.write_record([&time, &node, &*inert(field), &bytes.0.to_string()])?;
            }
        }
    }
    Ok(())
}

fn scheme_stats(recording: &Recording, out: &mut Table<'_>) -> Result<(), csv::Error> {
    out.write_record([
        "time_ns",
        "kdamond",
        "scheme",
        "nr_tried",
        "sz_tried",
        "nr_applied",
        "sz_applied",
        "sz_ops_filter_passed",
        "qt_exceeds",
        "nr_snapshots",
        "effective_bytes",
    ])?;
    for sample in &recording.samples {
        for (kdamond, schemes) in sample.schemes.iter().enumerate() {
            for (scheme, stats) in schemes.iter().enumerate() {
                let all = [
                    sample.time.0,
                    kdamond as u64,
                    scheme as u64,
                    stats.nr_tried,
                    stats.sz_tried,
                    stats.nr_applied,
                    stats.sz_applied,
                    stats.sz_ops_filter_passed,
                    stats.qt_exceeds,
                    stats.nr_snapshots,
                    stats.effective_bytes,
                ];
                out.write_record(all.map(|number| number.to_string()))?;
            }
        }
    }
    Ok(())
}

/// Text of the guest that no spreadsheet takes for a formula.
fn inert(text: &str) -> Cow<'_, str> {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => Cow::Owned(format!("'{text}")),
        false => Cow::Borrowed(text),
    }
}

fn failed(error: csv::Error) -> ExportError {
    match error.into_kind() {
        csv::ErrorKind::Io(cause) => ExportError::Io(cause),
        other => ExportError::Io(io::Error::other(format!("{other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::testing::stored;

    fn written(
        write: impl FnOnce(&mut dyn Write) -> Result<(), ExportError>,
    ) -> (Vec<String>, Vec<Vec<String>>) {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        let mut reader = csv::Reader::from_reader(&*out);
        let words = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
        let head = words(reader.headers().unwrap());
        (head, reader.records().map(|record| words(&record.unwrap())).collect())
    }

    fn load(name: &str) -> Recording {
        Recording::load(&stored(name)).unwrap()
    }

    #[test]
    fn every_event_is_a_row_of_its_table_with_the_fields_of_its_text() {
        let recording = load("truth");
        let mut rows = 0;
        for name in events(&recording) {
            let (head, table) = written(|out| event(&recording, &name, out));
            assert_eq!(head[..5], COMMON);
            rows += table.len();
            let lines = recording.trace.lines.iter().filter(|line| line.name() == name);
            for (line, row) in lines.zip(&table) {
                assert_eq!(row[0], line.time.0.to_string());
                for (column, cell) in head.iter().zip(row).skip(5) {
                    let shown = line.field(column).map(|field| field.to_string());
                    assert!(shown.is_none_or(|shown| shown == *cell), "{name} {column}: {cell}");
                }
            }
        }
        assert_eq!(rows, recording.trace.lines.len());
    }

    #[test]
    fn an_event_without_a_type_has_typed_columns_where_its_record_is_there() {
        let (head, table) = written(|out| event(&load("truth"), "mm_migrate_pages", out));
        let at = head.iter().position(|column| column == "nr_succeeded").unwrap();
        assert!(table.iter().all(|row| row[at].parse::<u64>().is_ok()), "{table:?}");
    }

    #[test]
    fn the_other_tables_have_a_row_for_each_value() {
        let recording = load("truth");
        for (name, _) in TABLES {
            let (_, rows) = written(|out| table(&recording, name, out));
            assert!(!rows.is_empty(), "{name}");
        }
        let (_, steps) = written(|out| table(&recording, "steps", out));
        assert_eq!(steps.len(), recording.report.steps.len());
    }

    #[test]
    fn an_event_that_is_not_there_is_refused_with_those_that_are() {
        let error = event(&load("truth"), "damos_nothing", &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("no event 'damos_nothing'") && error.contains("mm_migrate_pages"), "{error}");
    }

    #[test]
    fn text_of_a_guest_is_no_formula() {
        assert_eq!([inert("=1+1"), inert("@x"), inert("kdamond.0")], ["'=1+1", "'@x", "kdamond.0"]);
    }
}
