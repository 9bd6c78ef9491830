//! damonlab's own command line, to be pasted.

use crate::host::paths;
use std::path::Path;

/// How the user started this program, with another verb: through cargo inside the source tree,
/// by its name elsewhere.
pub fn ourselves(verb: &str) -> String {
    let inside = |target: &Path| std::env::current_exe().is_ok_and(|exe| exe.starts_with(target));
    match inside(&paths::project().join("target")) {
        true => format!("cargo run --release -- {verb}"),
        false => format!("damonlab {verb}"),
    }
}
