//! damonlab's own command line, to be pasted.

use crate::host::paths;
use std::path::Path;

/// The command line that runs `verb`: through cargo inside the source tree, else by name.
pub fn ourselves(verb: &str) -> String {
    let inside = |target: &Path| std::env::current_exe().is_ok_and(|exe| exe.starts_with(target));
    match inside(&paths::project().join("target")) {
        true => format!("cargo run --release -- {verb}"),
        false => format!("damonlab {verb}"),
    }
}
