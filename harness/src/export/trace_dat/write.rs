//! A recording to the file: its own pages where it has them, else encoded ones.

use super::encoded;
use super::file::{File, Pages};
use crate::export::ExportError;
use crate::recording::Recording;
use crate::trace::raw::{RawTrace, blocks};
use std::collections::BTreeSet;
use std::io::Write;

/// Writes a recording, and says what the file does not have as it was recorded.
///
/// # Errors
/// The recording has no events, or `out` cannot be written.
pub(in crate::export) fn write(
    recording: &Recording,
    out: &mut dyn Write,
) -> Result<Vec<String>, ExportError> {
    if recording.trace.lines.is_empty() {
        let fix = "name tracepoints in the scenario's `trace: {events: [...]}`, and run it again";
        return Err(ExportError::Nothing { format: "trace.dat", what: "events".to_owned(), fix });
    }
    let mut file = File { uname: &recording.report.kernel, ..File::default() };
    let mut renamed = BTreeSet::new();
    for line in &recording.trace.lines {
        let before = file.tasks.insert(line.pid, line.comm.as_str());
        if before.is_some_and(|name| name != line.comm.as_str()) {
            renamed.insert(line.pid);
        }
    }
    let mut notes = Vec::new();
    if !renamed.is_empty() {
        let pids: Vec<String> = renamed.iter().map(i32::to_string).collect();
        notes.push(format!(
            "pid {}: the task changed its name, and the file has its last one",
            pids.join(", ")
        ));
    }
    match recorded(recording, &mut file) {
        Ok(()) => {}
        Err(why) => {
            let encoded = encoded::encode(recording);
            (file.systems, file.cpus) = (encoded.systems, encoded.cpus);
            notes.push(format!(
                "the records are made from the trace's text ({why}): times are whole microseconds"
            ));
            if !encoded.as_text.is_empty() {
                let events = encoded.as_text.join(", ");
                notes.push(format!("{events}: the recording has no format, so the only field is `text`"));
            }
        }
    }
    file.write(out)?;
    Ok(notes)
}

/// The recording's own formats and pages; why not, where they are not all of the trace.
fn recorded<'a>(recording: &'a Recording, file: &mut File<'a>) -> Result<(), String> {
    if recording.raw.is_empty() {
        return Err("it has no raw record".to_owned());
    }
    let unreadable = |error| format!("its raw record cannot be read: {error}");
    let raw = RawTrace::parse(&recording.raw).map_err(unreadable)?;
    let lines = recording.trace.lines.len();
    let records = raw.records(lines).map_err(unreadable)?.len();
    if records != lines {
        let least = if records > lines { "at least " } else { "" };
        return Err(format!("its raw record has {least}{records} events, and the text {lines}"));
    }
    for (path, body) in blocks(&recording.raw).map_err(unreadable)? {
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            ["events", "header_page"] => file.header_page = Some(body),
            ["events", system, _, "format"] => {
                file.systems.entry((*system).to_owned()).or_default().push(body.to_owned());
            }
            _ => {}
        }
    }
    file.cpus = raw.sub_buffers().map(|(cpu, bytes)| (cpu, Pages::Recorded(bytes))).collect();
    Ok(())
}
