//! Hostile texts that are known from elsewhere: each is refused at once.

use damonlab::host::command::{Limits, command_for, succeed};
use damonlab::host::git;
use damonlab::scenario::Scenario;
use damonlab::series;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A machine that is slow and busy needs some of it; what is quadratic in megabytes needs more.
const AT_ONCE: Duration = Duration::from_secs(20);

/// The error of a scenario, with its line.
fn refused(what: &str, text: &str) {
    let started = Instant::now();
    let error = Scenario::parse("hostile", text).expect_err(what);
    assert!(error.place().is_some(), "{what} is refused without a line: {error}");
    assert!(started.elapsed() < AT_ONCE, "{what} took {:?}", started.elapsed());
}

#[test]
fn aliases_depth_and_size_of_yaml_are_bounded() {
    let mut laughs = "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n".to_owned();
    for level in 1..12 {
        let below = format!("*a{}, ", level - 1).repeat(9);
        laughs.push_str(&format!("a{level}: &a{level} [{}]\n", below.trim_end_matches(", ")));
    }
    refused("an alias that explodes", &format!("version: 1\nsummary: x\nsteps: []\n{laughs}"));
    refused("an alias to itself", "version: 1\nsummary: &a [*a]\n");
    refused("a deep list", &format!("version: 1\nsteps: {}", "[".repeat(100_000)));
    refused("a deep mapping", &format!("version: 1\nsteps: {}", "{a: ".repeat(100_000)));
    refused("a merge key", "base: &b {version: 1}\n<<: *b\nsummary: x\n");
    refused("a NUL", "version: 1\nsummary: \"a\0b\"\nsteps: []\n\0\n");
    refused("many steps", &format!("version: 1\nsummary: x\nsteps:\n{}", "  - start\n".repeat(10_000)));
    let folder = tempfile::tempdir().expect("a folder");
    let large = folder.path().join("large.yaml");
    std::fs::write(&large, "# a comment\n".repeat(5 << 20)).expect("a file");
    let error = Scenario::load(&large).expect_err("50 MB");
    assert!(format!("{error:?}").contains("longer than 1 MiB"), "{error:?}");
}

/// What is in a mail that is refused, or comes to no patch.
fn no_patch(what: &str, text: &[u8]) {
    let started = Instant::now();
    let read = series::of_text(Path::new("hostile.mbox"), text);
    assert!(read.is_err(), "{what}: {read:?}");
    assert!(started.elapsed() < AT_ONCE, "{what} took {:?}", started.elapsed());
}

#[test]
fn depth_counts_and_paths_of_a_mail_are_bounded() {
    let mut deep = Vec::new();
    for level in 0..100_000 {
        let head = format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n");
        deep.extend_from_slice(head.as_bytes());
    }
    no_patch("MIME of depth 100,000", &deep);
    let mail = |diff: &str| format!("From: a <a@b>\nSubject: [PATCH] x\n\n{diff}").into_bytes();
    for count in ["18446744073709551616", "18446744073709551615", "4294967295"] {
        no_patch(count, &mail(&format!("--- a/x\n+++ b/x\n@@ -1,{count} +1,{count} @@\n-a\n+b\n")));
    }
    // A patch that is all there is would be taken alone.
    let parts = ["1", "2"].map(|number| {
        let diff = format!("--- a/x{number}\n+++ b/x{number}\n@@ -1 +1 @@\n-a\n+b\n");
        format!("From a Thu Jan  1 00:00:00 1970\nSubject: [PATCH {number}/4294967295] x\n\n{diff}\n")
    });
    no_patch("a series of four thousand million", parts.concat().as_bytes());
    for path in ["../x", "a/../../x", ".git/config", "/etc/passwd"] {
        no_patch(path, &mail(&format!("--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n")));
    }
}

/// A repository whose configuration names a program that leaves `file`.
fn repository_with_a_program(file: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let script = dir.path().join("program.sh");
    std::fs::write(&script, format!("#!/bin/sh\ntouch {}\n", file.display())).expect("a script");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    std::fs::write(dir.path().join("Makefile"), "x\n").expect("a file");
    let git = |arguments: &[&str]| {
        let mut command = command_for("git");
        succeed(command.current_dir(dir.path()).args(arguments), Limits::LOCAL).expect("git works");
    };
    git(&["init", "-q", "."]);
    git(&["add", "Makefile"]);
    git(&["config", "core.fsmonitor", &script.display().to_string()]);
    dir
}

#[test]
fn a_trees_configuration_of_git_starts_no_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = |mut git: Command, dir: &Path| {
        git.current_dir(dir).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        succeed(&mut git, Limits::LOCAL).expect("git works");
    };
    let (outside, inside) = (folder.path().join("outside"), folder.path().join("inside"));
    let dir = repository_with_a_program(&outside);
    list(command_for("git"), dir.path());
    assert!(outside.exists(), "git starts it for nobody, so this test shows nothing");
    let dir = repository_with_a_program(&inside);
    list(git::at(dir.path()), dir.path());
    assert!(!inside.exists());
}
