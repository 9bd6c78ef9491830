//! Paths as the user would type them here.

use crate::host::text;
use crate::recording::SCENARIO;
use crate::scenario::Scenario;
use std::path::{Path, PathBuf};

/// The path, from the working folder on where it lies below.
pub(super) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    // Everything lies below the root, and a path from there looks like one from elsewhere.
    let here = here.filter(|here| here.parent().is_some());
    let below = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    text::shown(below.unwrap_or(path)).to_string()
}

/// The file of a scenario; for one that was read from a recording, the recording's own copy.
pub(super) fn of_scenario(scenario: &Scenario, dir: &Path) -> Option<PathBuf> {
    let named = scenario.places.file().map(PathBuf::from);
    named.into_iter().chain([dir.join(SCENARIO)]).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_the_working_folder_is_shown_from_there() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(shown(&here.join("results/idle/0001")), "results/idle/0001");
        assert_eq!(shown(Path::new("/elsewhere/idle")), "/elsewhere/idle");
        assert_eq!(shown(Path::new("results/idle")), "results/idle");
    }
}
