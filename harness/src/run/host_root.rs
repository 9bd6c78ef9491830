//! A guest that sees the files of the host: the folder of what damonlab adds to them, and the QEMU arguments for both.
//!
//! The selftests come from the tree that the kernel was built from. They are copied, and their helpers are compiled in
//! the copy, so that nothing is written to the tree.

use crate::host::command::{self, Limits, command_for};
use crate::kernel::Image;
use crate::setup::Tools;
use damonlab_protocol::host_files::{FILES_TAG, HostFiles, INDEX, ROOT_TAG, Selftest};
use fs_err as fs;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The folder of DAMON's selftests in a kernel tree.
const SELFTESTS: &str = "tools/testing/selftests/damon";

/// Programs that a test may call and that this host may not have.
const PROGRAMS: &[&str] = &["drgn", "pgrep"];

/// The folder that a guest sees besides the host's files; it is removed when this is dropped.
pub(super) struct HostRoot(TempDir);

impl HostRoot {
    /// Fills the folder. A kernel that damonlab did not build has no tree, and so no selftests.
    pub(super) fn new(image: &Image, tools: &Tools) -> io::Result<HostRoot> {
        let folder = tempfile::Builder::new().prefix("damonlab-host-").tempdir()?;
        let tests = image.tree().map(|tree| tree.join(SELFTESTS)).filter(|tests| tests.is_dir());
        let selftests = match tests {
            Some(tests) => copy(&tests, folder.path(), tools)?,
            None => Vec::new(),
        };
        let path = tools.path.to_string_lossy().into_owned();
        let index = serde_json::to_vec_pretty(&HostFiles { path, selftests }).map_err(io::Error::from)?;
        fs::write(folder.path().join(INDEX), index)?;
        Ok(HostRoot(folder))
    }

    /// The QEMU arguments, which export both folders read-only.
    pub(super) fn arguments(&self) -> Vec<String> {
        let shared = [("root", Path::new("/"), ROOT_TAG), ("files", self.0.path(), FILES_TAG)];
        let arguments = shared.iter().flat_map(|(id, path, tag)| {
            let path = path.to_string_lossy();
            [
                "-fsdev".to_owned(),
                format!("local,id=damonlab-{id},path={path},security_model=none,readonly=on,multidevs=remap"),
                "-device".to_owned(),
                format!("virtio-9p-pci,fsdev=damonlab-{id},mount_tag={tag},bus=pcie.0"),
            ]
        });
        arguments.collect()
    }
}

/// Copies the selftests and compiles their helpers.
fn copy(tests: &Path, to: &Path, tools: &Tools) -> io::Result<Vec<Selftest>> {
    let mut missing = Vec::new();
    for entry in fs::read_dir(tests)? {
        let from = entry?.path();
        let Some(name) = from.file_name().filter(|_| from.is_file()) else { continue };
        fs::copy(&from, to.join(name))?;
        if from.extension() == Some(OsStr::new("c")) {
            let program = to.join(from.file_stem().unwrap_or(name));
            let mut gcc = command_for("gcc");
            gcc.args(["-O2", "-o"]).arg(&program).arg(&from).env("PATH", &tools.path);
            if command::succeed(&mut gcc, Limits::LOCAL).is_err() {
                missing.extend(program.file_name().map(|name| name.to_string_lossy().into_owned()));
            }
        }
    }
    let programs = PROGRAMS.iter().filter(|program| find(tools, program).is_none());
    missing.extend(programs.map(|program| (*program).to_owned()));
    let makefile = fs::read_to_string(tests.join("Makefile"))?;
    let missing = |name: &str| {
        let text = std::fs::read(tests.join(name)).unwrap_or_default();
        missing_program(&String::from_utf8_lossy(&text), &missing, |program| find(tools, program).is_some())
    };
    Ok(listed(&makefile).map(|name| Selftest { lacks: missing(name), name: name.to_owned() }).collect())
}

/// The programs that a Makefile of the selftests names.
fn listed(makefile: &str) -> impl Iterator<Item = &str> {
    let lines = makefile.lines().filter_map(|line| {
        let rest = line.strip_prefix("TEST_PROGS")?.trim_start();
        rest.strip_prefix("+=").or_else(|| rest.strip_prefix(":=")).or_else(|| rest.strip_prefix('='))
    });
    lines.flat_map(str::split_whitespace).filter(|name| !name.contains(['/', '#', '\\', '$']))
}

/// Why a test cannot run: a program that it needs and that this host does not have.
fn missing_program(text: &str, missing: &[String], exists: impl Fn(&str) -> bool) -> Option<String> {
    let first = text.lines().next().unwrap_or_default();
    let interpreter = first.strip_prefix("#!").and_then(|line| line.split([' ', '/']).next_back());
    let interpreter = interpreter.filter(|program| !exists(program));
    let is_named = |program: &&String| {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|name| name == program.as_str())
    };
    let program = interpreter.or_else(|| missing.iter().find(is_named).map(String::as_str))?;
    Some(format!("it needs {program}, which this host does not have"))
}

fn find(tools: &Tools, program: &str) -> Option<PathBuf> {
    std::env::split_paths(&tools.path).map(|folder| folder.join(program)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_the_makefile_are_listed_in_its_order() {
        let makefile = "TEST_GEN_FILES += access_memory\nTEST_PROGS += sysfs.sh\nTEST_PROGS += b.py a.py\ninclude ../lib.mk\n";
        assert_eq!(listed(makefile).collect::<Vec<_>>(), ["sysfs.sh", "b.py", "a.py"]);
    }

    #[test]
    fn a_program_that_a_test_needs_and_the_host_does_not_have_is_named() {
        let missing = ["drgn".to_owned(), "access_memory".to_owned()];
        let reason = |text: &str| missing_program(text, &missing, |program| program != "perl");
        let why = |program: &str| Some(format!("it needs {program}, which this host does not have"));
        assert_eq!(reason("#!/usr/bin/env perl\n"), why("perl"));
        assert_eq!(reason("#!/usr/bin/env python3\nsubprocess.call(['drgn', x])\n"), why("drgn"));
        assert_eq!(reason("#!/bin/bash\n./access_memory 2\n"), why("access_memory"));
        assert_eq!(reason("#!/bin/bash\n./access_memory_even 2\n"), None);
    }
}
