//! Detects which requirements are there.

use super::env::Env;
use super::requirements::{Detect, Requirement};
use super::venv::Venv;
use super::version::Version;
use crate::host::command::{self, Limits, RunError, command_for};
use crate::host::paths;
use crate::host::program_version::version_line;
use crate::host::text::shown;

/// Whether a requirement is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is there: its path or version.
    Found(String),
    /// It is not there.
    Missing,
    /// It is there, but older than needed.
    TooOld {
        /// The version that is there.
        found: String,
        /// The oldest version that is sufficient.
        wanted: Version,
    },
    /// It is there and does not work, for this reason.
    Broken(String),
    /// It was copied or moved, or the Python that it was made with is gone.
    Moved {
        /// What it was made for: `made in FOLDER with PYTHON`.
        made: String,
    },
}

/// Looks for `requirement`. A program is started only if its version matters.
pub(super) fn detect(requirement: &Requirement, env: &Env) -> State {
    match &requirement.detect {
        Detect::Program(name) => program(name, env),
        Detect::ProgramAtLeast(name, wanted) => at_least(name, wanted, env),
        Detect::Header(header) => header_file(header, env),
        Detect::PythonVenv => python_venv(env),
    }
}

fn program(name: &str, env: &Env) -> State {
    match paths::find_program(&env.path, name) {
        Some(path) => State::Found(shown(&path).to_string()),
        None => State::Missing,
    }
}

fn at_least(name: &str, wanted: &Version, env: &Env) -> State {
    match paths::find_program(&env.path, name) {
        Some(_) => version_line(name, &env.path, &env.cache)
            .map_or_else(|error| State::Broken(error.to_string()), |line| judge(&line, wanted)),
        None => State::Missing,
    }
}

/// The state of a tool that prints the version `line`, if `wanted` is the oldest that is sufficient.
fn judge(line: &str, wanted: &Version) -> State {
    match Version::find(line) {
        Some(version) if version >= *wanted => State::Found(version.to_string()),
        Some(version) => State::TooOld { found: version.to_string(), wanted: wanted.clone() },
        None => State::TooOld { found: "an unknown version".to_owned(), wanted: wanted.clone() },
    }
}

fn header_file(header: &str, env: &Env) -> State {
    let include = env.root.join("usr/include");
    // Debian has headers of one architecture one folder deeper.
    for folder in [include.clone(), include.join("x86_64-linux-gnu")] {
        if folder.join(header).is_file() {
            return State::Found(format!("{}", shown(&folder.join(header))));
        }
    }
    // NixOS has no such folder: there the compiler of a shell knows where its headers are.
    let Some(gcc) = paths::find_program(&env.path, "gcc") else { return State::Missing };
    let mut gcc = command_for(gcc);
    match command::succeed(gcc.args(["-E", "-x", "c", "-include", header, "/dev/null"]), Limits::QUERY) {
        Ok(_) => State::Found("gcc finds it".to_owned()),
        Err(_) => State::Missing,
    }
}

fn python_venv(env: &Env) -> State {
    let Some(python) = paths::find_program(&env.path, "python3") else { return State::Missing };
    // To start Python takes half as long as a short run.
    if Venv::of(env).version().is_some() {
        return State::Found("damonlab's environment exists".to_owned());
    }
    // Debian's python3 has the module venv without ensurepip, which installs pip in it.
    match command::succeed(command_for(python).args(["-I", "-c", "import venv, ensurepip"]), Limits::QUERY) {
        Ok(_) => State::Found("python3 has venv and ensurepip".to_owned()),
        Err(RunError::Failed { .. }) => State::Missing,
        Err(error) => State::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::requirements::{self, Importance};
    use fs_err as fs;
    use std::os::unix::fs::PermissionsExt;

    /// A machine with nothing but what `tool` adds.
    struct Machine {
        folder: tempfile::TempDir,
    }

    impl Machine {
        fn empty() -> Machine {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join("bin")).unwrap();
            Machine { folder }
        }

        fn tool(&self, name: &str, script: &str) {
            let path = self.folder.path().join("bin").join(name);
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }

        fn env(&self) -> Env {
            Env {
                root: self.folder.path().to_owned(),
                path: self.folder.path().join("bin").into_os_string(),
                cache: self.folder.path().join("cache"),
            }
        }
    }

    fn named(name: &str) -> Requirement {
        requirements::all().into_iter().find(|requirement| requirement.name == name).unwrap()
    }

    #[test]
    fn on_an_empty_machine_everything_is_missing() {
        let machine = Machine::empty();
        for requirement in requirements::all() {
            assert_eq!(detect(&requirement, &machine.env()), State::Missing, "{}", requirement.name);
        }
    }

    #[test]
    fn an_old_qemu_is_too_old_and_a_new_one_is_found() {
        let machine = Machine::empty();
        machine.tool("qemu-system-x86_64", "echo 'QEMU emulator version 7.2.18 (Debian 1:7.2+dfsg-7)'");
        let old = State::TooOld { found: "7.2.18".into(), wanted: Version::of(10, 0) };
        assert_eq!(detect(&named("QEMU"), &machine.env()), old);
        machine.tool("qemu-system-x86_64", "echo 'QEMU emulator version 10.0.2 (Debian)'");
        assert_eq!(detect(&named("QEMU"), &machine.env()), State::Found("10.0.2".into()));
    }

    #[test]
    fn a_qemu_that_cannot_run_is_not_accepted() {
        let machine = Machine::empty();
        machine.tool("qemu-system-x86_64", "echo 'cannot load libfdt.so.1' >&2; exit 127");
        let State::Broken(why) = detect(&named("QEMU"), &machine.env()) else { panic!("it is accepted") };
        assert!(why.contains("cannot load libfdt.so.1"), "{why}");
    }

    #[test]
    fn python_without_ensurepip_cannot_make_an_environment() {
        let machine = Machine::empty();
        machine.tool("python3", "exit 1");
        assert_eq!(detect(&named("python3-venv"), &machine.env()), State::Missing);
        assert!(matches!(detect(&named("python3"), &machine.env()), State::Found(_)));
    }

    #[test]
    fn headers_are_found_in_both_of_debians_folders() {
        let machine = Machine::empty();
        let deep = machine.folder.path().join("usr/include/x86_64-linux-gnu/openssl");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("ssl.h"), "").unwrap();
        assert!(matches!(detect(&named("OpenSSL headers"), &machine.env()), State::Found(_)));
        assert_eq!(detect(&named("libelf headers"), &machine.env()), State::Missing);
    }

    #[test]
    fn a_header_that_only_the_compiler_finds_is_there() {
        let machine = Machine::empty();
        machine.tool("gcc", "test \"$5\" = libelf.h");
        assert_eq!(detect(&named("libelf headers"), &machine.env()), State::Found("gcc finds it".into()));
        assert_eq!(detect(&named("OpenSSL headers"), &machine.env()), State::Missing);
    }

    #[test]
    fn only_curl_and_gcov_are_optional() {
        let optional: Vec<&str> = requirements::all()
            .iter()
            .filter(|r| r.importance == Importance::Optional)
            .map(|r| r.name)
            .collect();
        assert_eq!(optional, ["curl", "gcov"]);
    }
}
