//! What `damonlab export-data` wrote.
//!
//! For programs it has `dir`, `written` and `same` (numbers of files), and `kept` (the paths of files that differ from the
//! built-in ones and stay as they are).

use super::event::Listing;
use crate::bundled::Exported;
use crate::host::text::shown;
use serde_json::json;
use std::path::Path;

/// The listing of an export into `dir`.
pub fn exported_data(exported: &Exported, dir: &Path) -> Listing {
    let Exported { written, same, kept } = exported;
    let mut text = format!("{written} files written to {}", shown(dir));
    if *same > 0 {
        text.push_str(&format!("; {same} were there"));
    }
    text.push('\n');
    for path in kept {
        text.push_str(&format!("kept {}: it differs from the built-in file\n", shown(path)));
    }
    let kept: Vec<_> = kept.iter().map(|path| path.to_string_lossy()).collect();
    let data = json!({"dir": dir.to_string_lossy(), "written": written, "same": same, "kept": kept});
    Listing { command: "export-data", text, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_stay_as_they_are_are_named() {
        let kept = vec!["d/scenarios/idle.yaml".into()];
        let listing = exported_data(&Exported { written: 1, same: 2, kept }, Path::new("d"));
        assert_eq!(
            listing.text,
            "1 files written to d; 2 were there\nkept d/scenarios/idle.yaml: it differs from the built-in file\n"
        );
        assert_eq!(listing.data["kept"][0], "d/scenarios/idle.yaml");
    }
}
