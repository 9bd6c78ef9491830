//! The formats of other programs, and the files that a recording becomes.

use super::{ExportError, csv, damo, perfetto, trace_dat};
use crate::host::paths;
use crate::recording::Recording;
use clap::ValueEnum;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// A format that a recording can be exported to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Perfetto's trace, for its UI and its trace_processor.
    Perfetto,
    /// trace-cmd's file, for `trace-cmd report` and KernelShark.
    #[value(name = "trace.dat")]
    TraceDat,
    /// A folder of tables, or one with --event.
    Csv,
    /// damo's record, for `damo report`.
    Damo,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The files.
    pub files: Vec<PathBuf>,
    /// What the format does not have as it was recorded.
    pub notes: Vec<String>,
}

impl Format {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Perfetto => "perfetto",
            Format::TraceDat => "trace.dat",
            Format::Csv => "csv",
            Format::Damo => "damo",
        }
    }

    /// Where a recording goes if no other place is given: in the current folder, by its scenario's name and its own.
    pub fn default_path(self, recording: &Recording, event: Option<&str>) -> PathBuf {
        let folder = recording.dir.file_name().map(|name| name.to_string_lossy().into_owned());
        let stem = [Some(recording.meta.scenario.to_string()), folder].into_iter().flatten();
        let stem = stem.collect::<Vec<_>>().join("-");
        PathBuf::from(match (self, event) {
            (Format::Perfetto, _) => format!("{stem}.pftrace"),
            (Format::TraceDat, _) => format!("{stem}.trace.dat"),
            (Format::Csv, None) => format!("{stem}.csv"),
            (Format::Csv, Some(event)) => format!("{stem}-{event}.csv"),
            (Format::Damo, _) => format!("{stem}.damon.data"),
        })
    }

    /// Writes a recording to `path`. CSV is a folder, or with `event` the file of its table.
    ///
    /// # Errors
    /// The recording does not have what the format is about, or a file cannot be written.
    pub fn write(
        self,
        recording: &Recording,
        path: &Path,
        event: Option<&str>,
    ) -> Result<Exported, ExportError> {
        match (self, event) {
            (Format::Perfetto, _) => one(path, |out| perfetto::write(recording, out)),
            (Format::TraceDat, _) => one(path, |out| trace_dat::write(recording, out)),
            (Format::Damo, _) => one(path, |out| damo::write(recording, out)),
            (Format::Csv, Some(event)) => {
                csv::check(recording, event)?;
                one(path, |out| csv::event(recording, event, out).map(|()| Vec::new()))
            }
            (Format::Csv, None) => tables(recording, path),
        }
    }
}

/// Writes all formats, one after the other, and ignores what a recording does not have for one: for tests with hostile recordings.
pub(crate) fn everything(recording: &Recording, out: &mut dyn Write) {
    drop((trace_dat::write(recording, out), damo::write(recording, out), perfetto::write(recording, out)));
    for event in csv::events(recording) {
        drop(csv::event(recording, &event, out));
    }
    for (table, _) in csv::TABLES {
        drop(csv::table(recording, table, out));
    }
}

/// Writes one file.
fn one(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<Vec<String>, ExportError>,
) -> Result<Exported, ExportError> {
    let notes = paths::write_atomic_with(path, |file| {
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let notes = write(&mut out)?;
        out.flush()?;
        Ok::<_, ExportError>(notes)
    })?;
    Ok(Exported { files: vec![path.to_owned()], notes })
}

/// Writes a folder with a table for each event, and the others.
fn tables(recording: &Recording, folder: &Path) -> Result<Exported, ExportError> {
    let mut all = Exported { files: Vec::new(), notes: Vec::new() };
    let events = csv::events(recording);
    if events.len() == csv::MOST_EVENTS {
        all.notes.push(format!("only {} events have a table; --event writes that of another", events.len()));
    }
    for event in events {
        let path = folder.join(format!("{event}.csv"));
        one(&path, |out| csv::event(recording, &event, out).map(|()| Vec::new()))?;
        all.files.push(path);
    }
    for (table, _) in csv::TABLES {
        let path = folder.join(format!("{table}.csv"));
        one(&path, |out| csv::table(recording, table, out).map(|()| Vec::new()))?;
        all.files.push(path);
    }
    Ok(all)
}
