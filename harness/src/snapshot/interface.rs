//! What user space can rely on: DAMON's tracepoints and its sysfs tree.

use crate::recording::Recording;
use crate::trace::{EventFormat, formats};
use std::collections::BTreeSet;

/// The tracepoints with their fields and print formats, and the sysfs tree with its modes.
///
/// Offsets in the record depend on the fields all events share, so they are left out. In the tree, a
/// number in a path becomes `N`: how many schemes there are is the scenario's doing.
pub fn interface(recording: &Recording) -> String {
    let mut text = String::from("tracepoints\n");
    match formats(&recording.formats) {
        Ok(mut events) => {
            events.sort_by(|a, b| a.name.cmp(&b.name));
            events.iter().for_each(|event| tell_event(&mut text, event));
        }
        Err(error) => text.push_str(&format!("  {error}\n")),
    }
    text.push_str("sysfs\n");
    for (path, mode) in tree(recording) {
        text.push_str(&format!("  {mode} {path}\n"));
    }
    text
}

/// The sysfs tree: paths, in which every number is an `N`, and modes.
pub fn tree(recording: &Recording) -> BTreeSet<(String, &str)> {
    recording.sysfs.lines().filter_map(tree_entry).collect()
}

fn tell_event(text: &mut String, event: &EventFormat) {
    text.push_str(&format!("  {}\n", event.name));
    for field in &event.fields {
        let sign = if field.signed { "signed" } else { "unsigned" };
        text.push_str(&format!("    {}: {} bytes, {sign}\n", field.declaration, field.size));
    }
    text.push_str(&format!("    {}\n", event.print));
}

/// `drwxr-xr-x admin/kdamonds/0` as path and mode.
fn tree_entry(line: &str) -> Option<(String, &str)> {
    let (mode, path) = line.split_once(' ')?;
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = path.split('/').map(|part| if number(part) { "N" } else { part }).collect();
    Some((parts.join("/"), mode))
}
