//! The version line of a program, read once for each state of its file.
//!
//! `--version` takes QEMU 25 ms and a compiler 5, and each has a watchdog; a whole run takes 300 ms. A script, or a front end
//! like ccache, prints the version of another file, which may change alone: those run each time.

use super::command::{self, command_for};
use super::file_state::FileState;
use super::paths;
use super::probe_cache::CachedProbe;
use super::run_error::RunError;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How every program for Linux begins.
const ELF: &[u8; 4] = b"\x7fELF";

/// A program's file in one state.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ProgramFile {
    path: String,
    device: u64,
    state: FileState,
}

impl CachedProbe for ProgramFile {
    type Output = String;
    const FOLDER: &'static str = "program";
}

impl ProgramFile {
    /// The file of a program in `path` that prints its own version.
    fn of(program: &str, path: &OsStr) -> Option<ProgramFile> {
        let file = fs::canonicalize(paths::find_program(path, program)?).ok()?;
        let is_it = |name: &str| {
            let mut words = name.split(['-', '.']);
            name == program || words.any(|word| word == program)
        };
        let mut magic = [0; ELF.len()];
        fs::File::open(&file).ok()?.read_exact(&mut magic).ok()?;
        if magic != *ELF || !is_it(file.file_name()?.to_str()?) {
            return None;
        }
        let stat = fs::metadata(&file).ok()?;
        Some(ProgramFile { path: file.to_str()?.to_owned(), device: stat.dev(), state: FileState::of(&stat) })
    }
}

/// The first line that `program`, a name in `path`, prints for `--version`.
///
/// # Errors
/// It does not start, fails, hangs or prints without end.
pub fn version_line(program: &str, path: &OsStr, cache: &Path) -> Result<String, RunError> {
    let file = ProgramFile::of(program, path);
    if let Some(line) = file.as_ref().and_then(|file| file.cached(cache)) {
        return Ok(line);
    }
    let line =
        command::first_line(command_for(program).arg("--version").env("PATH", path).env("LC_ALL", "C"))?;
    if let Some(file) = file {
        // A cache that cannot be written keeps nothing: the next run starts the program again.
        let _ = file.store(cache, &line);
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use tempfile::TempDir;

    /// A folder for programs, and a cache.
    struct Machine {
        bin: TempDir,
        cache: TempDir,
    }

    impl Machine {
        fn new() -> Machine {
            Machine { bin: TempDir::new().unwrap(), cache: TempDir::new().unwrap() }
        }

        /// What is known without starting it.
        fn known(&self, program: &str) -> Option<String> {
            ProgramFile::of(program, self.bin.path().as_os_str())?.cached(self.cache.path())
        }

        fn version(&self, program: &str) -> String {
            version_line(program, self.bin.path().as_os_str(), self.cache.path()).unwrap()
        }

        /// A real program under another name.
        fn copy(&self, of: &str, name: &str) {
            fs::copy(
                paths::find_program(OsStr::new("/usr/bin:/bin"), of).unwrap(),
                self.bin.path().join(name),
            )
            .unwrap();
        }
    }

    #[test]
    fn a_program_is_started_once() {
        let machine = Machine::new();
        machine.copy("sort", "sort");
        assert_eq!(machine.known("sort"), None);
        let line = machine.version("sort");
        assert!(line.starts_with("sort (GNU coreutils)"), "{line}");
        assert_eq!(machine.known("sort"), Some(line));
    }

    #[test]
    fn a_program_that_was_replaced_is_started_again() {
        let machine = Machine::new();
        machine.copy("sort", "sort");
        machine.version("sort");
        machine.copy("grep", "sort");
        assert_eq!(machine.known("sort"), None);
        assert!(machine.version("sort").contains("grep"));
    }

    #[test]
    fn a_script_and_a_link_to_a_front_end_are_started_each_time() {
        let machine = Machine::new();
        let script = machine.bin.path().join("gcc");
        fs::write(&script, "#!/bin/sh\necho gcc 12\n").unwrap();
        fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        machine.copy("sort", "frontend");
        symlink("frontend", machine.bin.path().join("ld")).unwrap();
        assert_eq!(machine.version("gcc"), "gcc 12");
        machine.version("ld");
        assert_eq!([machine.known("gcc"), machine.known("ld")], [None, None]);
    }

    #[test]
    fn the_names_that_debian_gives_compilers_are_those_of_the_programs() {
        let machine = Machine::new();
        machine.copy("sort", "x86_64-linux-gnu-gcc-12");
        machine.copy("sort", "x86_64-linux-gnu-ld.bfd");
        symlink("x86_64-linux-gnu-gcc-12", machine.bin.path().join("gcc")).unwrap();
        symlink("x86_64-linux-gnu-ld.bfd", machine.bin.path().join("ld")).unwrap();
        for program in ["gcc", "ld"] {
            let line = machine.version(program);
            assert_eq!(machine.known(program), Some(line));
        }
    }

    #[test]
    fn a_cache_that_cannot_be_written_costs_a_start_and_nothing_else() {
        let machine = Machine::new();
        machine.copy("sort", "sort");
        fs::write(machine.cache.path().join("program"), "a file").unwrap();
        assert!(machine.version("sort").starts_with("sort"));
        assert!(machine.version("sort").starts_with("sort"));
    }
}
