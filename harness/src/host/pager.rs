//! The user's pager.

use super::command::command_for;
use super::terminal;
use std::io::{self, Seek, Write};
use std::os::unix::process::CommandExt;

/// What `less` does unless `LESS` says otherwise: colours, no pager for what fits on the screen, and the text stays.
const LESS: &str = "FRX";

/// The command in `PAGER`, where standard output is a terminal.
pub fn wanted() -> Option<String> {
    let pager = std::env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty());
    pager.filter(|_| terminal::stdout_is_one())
}

/// Becomes the pager, with `text` as its input: it needs the terminal for itself, and nothing is left to do afterwards. Returns only if
/// that fails.
#[expect(clippy::disallowed_methods, reason = "there are no files to remove and no processes to end")]
pub fn become_one(pager: &str, text: &str) -> io::Error {
    let input = || {
        let mut file = tempfile::tempfile()?;
        file.write_all(text.as_bytes())?;
        file.rewind()?;
        Ok(file)
    };
    let file = match input() {
        Ok(file) => file,
        Err(error) => return error,
    };
    let mut shell = command_for("/bin/sh");
    shell.args(["-c", pager]).stdin(file);
    if std::env::var_os("LESS").is_none() {
        shell.env("LESS", LESS);
    }
    shell.exec()
}
