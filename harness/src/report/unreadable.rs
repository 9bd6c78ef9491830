//! A recording that cannot be judged, as an item. For programs it has `recording` and `reason`.

use super::event::{Depth, Item, ItemResult, Status};
use super::place::shown;
use serde_json::json;
use std::path::Path;

/// The recording in `dir`, which cannot be judged because of `error`.
pub fn unreadable(dir: &Path, error: &dyn miette::Diagnostic) -> Item {
    let status = Status { word: "UNREADABLE", counted: "unreadable", outcome: ItemResult::NoResult };
    let reason = error.to_string();
    let headline = reason.lines().next().unwrap_or_default().to_owned();
    let mut item = Item::new(dir.to_string_lossy(), status, headline);
    item.data = json!({"recording": dir.to_string_lossy(), "reason": reason});
    item.add(Depth::Story, "reason", reason);
    item.add_some(Depth::Story, "help", error.help().map(|help| help.to_string()));
    item.add(Depth::Story, "recording", shown(dir));
    item
}
