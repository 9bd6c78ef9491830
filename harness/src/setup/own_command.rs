//! damonlab's own command line, to be pasted.

use std::path::Path;

/// The command line that runs `verb`: through cargo inside the source tree, else by name.
pub fn ourselves(verb: &str) -> String {
    match std::env::current_exe().is_ok_and(|exe| is_built_here(&exe)) {
        true => format!("cargo run --release -- {verb}"),
        false => format!("damonlab {verb}"),
    }
}

/// Whether a program lies in the target folder of damonlab's source tree.
fn is_built_here(exe: &Path) -> bool {
    let targets = exe.ancestors().filter(|folder| folder.ends_with("target"));
    targets.filter_map(Path::parent).any(|tree| tree.join("harness/Cargo.toml").is_file())
}
