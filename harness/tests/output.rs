//! Output that cannot be written: a command ends quietly, with an exit status of the table, and never with a panic (101).

#[path = "common/failing_recording.rs"]
mod failing_recording;

use damonlab::host::command::{Limits, Output, capture, command_for};
use std::path::Path;
use tempfile::TempDir;

/// Every verb that prints something without a guest. `run` and those like it end here because nothing is installed.
const COMMANDS: [&str; 24] = [
    "--help",
    "--version",
    "help run",
    "list",
    "list --format json",
    "check REC",
    "check -v REC FAILS",
    "check FAILS",
    "check FAILS --format junit",
    "check FAILS --format ktap",
    "check FAILS --format markdown",
    "check FAILS --format github",
    "schema result",
    "schema scenario",
    "help",
    "help scenarios",
    "check nowhere",
    "explain",
    "explain G5",
    "machine dram2",
    "doctor",
    "kernel list",
    "run idle",
    "no-such-verb",
];

/// Where an output goes: a shell's redirection, or a reader that leaves.
const OUTPUTS: [&str; 7] = [
    ">/dev/full",
    ">&-",
    "2>/dev/full >/dev/null",
    "2>&- >/dev/null",
    ">/dev/full 2>&1",
    ">&- 2>&-",
    "| head -1 >/dev/null",
];

struct Host(TempDir);

impl Host {
    fn new() -> Host {
        let folder = tempfile::tempdir().expect("a folder");
        let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pull-push-short");
        std::os::unix::fs::symlink(&stored, folder.path().join("REC")).expect("a link");
        failing_recording::copy(&stored, &folder.path().join("FAILS"));
        Host(folder)
    }

    /// The exit status of damonlab in a shell, where the output goes elsewhere, and what appeared nevertheless.
    fn run(&self, arguments: &str, output: &str) -> (i32, String) {
        let folder = self.0.path();
        let mut shell = command_for("/bin/bash");
        let script =
            format!("\"$DAMONLAB_TEST_BINARY\" {arguments} {output}; echo \"${{PIPESTATUS[0]}}\" >status");
        shell.arg("-c").arg(script).current_dir(folder);
        shell.env("DAMONLAB_TEST_BINARY", env!("CARGO_BIN_EXE_damonlab"));
        shell.env("HOME", folder).env("XDG_CACHE_HOME", folder.join("cache"));
        let Output { stdout, stderr, .. } = capture(&mut shell, Limits::LOCAL).expect("a shell");
        let status = std::fs::read_to_string(folder.join("status")).expect("a status");
        (status.trim().parse().expect("a number"), String::from_utf8_lossy(&stdout).into_owned() + &stderr)
    }
}

#[test]
fn whatever_happens_to_an_output_the_exit_status_is_one_of_the_table() {
    let host = Host::new();
    let mut wrong = Vec::new();
    for command in COMMANDS {
        let (plain, _) = host.run(command, ">/dev/null 2>&1");
        for output in OUTPUTS {
            let (status, text) = host.run(command, output);
            // What cannot be written may be an error of its own, but nothing that failed passes.
            let lost = [3, 141].contains(&status) && !output.starts_with("2>");
            if text.contains("panicked") || !(status == plain || lost) {
                wrong.push(format!("{command} {output}: {status}, and {plain} otherwise: {text}"));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn a_full_device_is_an_error_of_the_host_with_its_reason() {
    let host = Host::new();
    for command in ["list", "check REC", "--help", "explain G5"] {
        let (status, text) = host.run(command, ">/dev/full");
        assert_eq!(status, 3, "{command}: {text}");
        assert!(text.contains("cannot write to standard output: No space left"), "{command}: {text}");
    }
}

#[test]
fn a_failure_whose_reader_has_gone_is_no_pass() {
    let host = Host::new();
    for output in OUTPUTS {
        let (status, text) = host.run("check FAILS", output);
        assert_ne!(status, 0, "{output}: {text}");
    }
}
