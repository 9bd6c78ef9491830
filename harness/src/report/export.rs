//! The files that a recording was exported to.
//!
//! For programs `export` has `format`, `recording`, `events`, `files` and `notes`.

use super::event::Listing;
use super::place::shown;
use crate::export::{Exported, Format};
use crate::host::text::quote;
use crate::recording::Recording;
use serde_json::json;

/// What was written of a recording.
pub fn exported(format: Format, recording: &Recording, exported: &Exported) -> Listing {
    let files: Vec<String> = exported.files.iter().map(|file| shown(file)).collect();
    let events = recording.trace.lines.len();
    let mut text: String = files.iter().map(|file| format!("{file}\n")).collect();
    text.extend(exported.notes.iter().map(|note| format!("note: {}\n", quote(note))));
    let data = json!({
        "format": format.name(),
        "recording": shown(&recording.dir),
        "events": events,
        "files": files,
        "notes": exported.notes,
    });
    Listing { command: "export", text, data }
}
