//! A run whose output cannot be written: it ends as it would, or with the error of the output, and leaves nothing behind.

use super::fake_host::FakeHost;
use std::fs;

/// A shell's redirections of damonlab's output.
const OUTPUTS: [&str; 6] =
    [">/dev/full", ">&-", "2>/dev/full", "2>&-", ">/dev/full 2>&1", "| head -1 >/dev/null"];

#[test]
fn a_run_whose_guest_fails_is_no_pass_wherever_its_output_goes() {
    if !super::fake_host::has_tools() {
        return;
    }
    let host = FakeHost::new();
    host.vng("exit 7");
    for output in OUTPUTS {
        let run = host.run().join(" ");
        let script = format!(
            "{} {run} {output}; echo \"${{PIPESTATUS[0]}}\" >{}",
            env!("CARGO_BIN_EXE_damonlab"),
            host.path("status").display()
        );
        let mut shell = damonlab::host::command::command_for("/bin/bash");
        host.set_up(shell.args(["-c", &script]));
        damonlab::host::process::Group::spawn(&mut shell).expect("a shell").wait().expect("it ends");
        let status = fs::read_to_string(host.path("status")).expect("a status");
        assert!(["3", "141"].contains(&status.trim()), "{output}: {status} {}", host.output());
        assert!(!host.output().contains("panicked"), "{output}: {}", host.output());
        host.is_empty_soon().expect("nothing is left");
    }
}
