//! `damonlab check` needs nothing but a recording: no QEMU, no Python, no kernel, no cache, no other program.

use damonlab::host::command::{Limits, Output, capture, command_for};
use std::path::Path;

fn check(recording: &str) -> Output {
    let empty = tempfile::tempdir().expect("a temporary folder");
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(recording);
    let mut check = command_for(env!("CARGO_BIN_EXE_damonlab"));
    check.arg("check").arg(dir).current_dir(empty.path()).env_clear().env("PATH", "");
    check.env("HOME", empty.path()).env("XDG_CACHE_HOME", empty.path());
    let output = capture(&mut check, Limits::LOCAL).expect("damonlab starts");
    let left: Vec<_> = std::fs::read_dir(empty.path()).expect("a folder").collect();
    assert!(left.is_empty(), "it wrote {left:?}");
    output
}

#[test]
fn a_recording_is_judged_on_a_machine_that_has_nothing_else() {
    let output = check("pull-push-short");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), &output.stderr);
    assert!(output.status.success(), "{out}{err}");
    assert!(out.to_lowercase().contains("pass"), "{out}");
}

#[test]
fn a_folder_that_is_no_recording_is_bad_input() {
    assert_eq!(check("none").status.code(), Some(2));
}
