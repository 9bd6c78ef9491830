//! `damonlab fmt`: tidy scenarios.

use super::error::{CliError, VerbResult};
use super::output;
use crate::authoring::tidy;
use crate::host::paths;
use crate::host::text::shown;
use crate::scenario;
use clap::Args;
use fs_err as fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// No scenario is longer.
const LONGEST: u64 = 1 << 20;

pub(super) const HELP: &str = "Examples: damonlab fmt my-scheme.yaml\n          damonlab fmt --check scenarios/*.yaml\n          \
    damonlab fmt <mine.yaml\n\n\
    It changes blanks, indentation, blank lines, and the order of the keys at the top; meaning and comments stay. It breaks and joins\n\
    no lines, and leaves quotes and the columns of comments behind a value as they are.\n\n\
    Exit status with --check: 0 if all files are tidy, 1 if not.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files of scenarios, machines or rules, which are rewritten; without one, standard input goes to standard output.
    #[arg(value_name = "YAML")]
    files: Vec<PathBuf>,
    /// Change nothing, and name the files that are not tidy.
    #[arg(long)]
    check: bool,
}

pub(super) fn fmt(arguments: &Arguments) -> VerbResult {
    if arguments.files.is_empty() {
        return of_input(arguments.check);
    }
    let mut untidy = 0;
    for path in &arguments.files {
        if !file(path, arguments.check)? {
            let what = if arguments.check { "not tidy" } else { "tidied" };
            output::print(&format!("{what}: {}\n", shown(path)))?;
            untidy += 1;
        }
    }
    Ok(u8::from(arguments.check && untidy > 0))
}

/// Tidies a file; whether it was tidy.
fn file(path: &Path, check: bool) -> Result<bool, CliError> {
    let text = scenario::read_part(path).map_err(Box::new)?;
    let tidied = tidy(&shown(path).to_string(), &text)?;
    if tidied == text || check {
        return Ok(tidied == text);
    }
    // The file, and not a link to it, is replaced, with the rights that it has.
    let real = path.canonicalize()?;
    let rights = fs::metadata(&real)?.permissions();
    paths::write_atomic(&real, tidied.as_bytes())?;
    fs::set_permissions(&real, rights)?;
    Ok(false)
}

fn of_input(check: bool) -> VerbResult {
    let mut bytes = Vec::new();
    io::stdin().take(LONGEST + 1).read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= LONGEST);
    let text = text.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
    let tidied = tidy("standard input", &text)?;
    if check {
        return Ok(u8::from(tidied != text));
    }
    output::print(&tidied)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_rewritten_once_and_keeps_its_rights() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "version:   1\nsteps:\n- start\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let of = |check| Arguments { files: vec![path.clone()], check };
        assert_eq!(fmt(&of(true)).unwrap(), 1);
        assert_eq!(fmt(&of(false)).unwrap(), 0);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "version:   1\nsteps:\n  - start\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fmt(&of(true)).unwrap(), 0);
    }
}
