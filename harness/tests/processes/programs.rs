//! Programs that are not what damonlab expects: a QEMU that does not start, others that stand in front of damonlab's own.

use crate::fake_host::{FakeHost, has_tools, send, status};
use nix::sys::signal::Signal;

#[test]
fn a_guest_whose_qemu_does_not_start_is_infrastructure() {
    if !has_tools() {
        return;
    }
    for (script, words) in [
        ("echo 'a message of its own' >&2; exit 0", "a message of its own"),
        ("echo 'it refuses' >&2; exit 1", "it refuses"),
        ("kill -s SEGV $$", "QEMU did not start"),
        ("sleep 600 & setsid sleep 600 & echo 'it left something'; exit 0", "it left something"),
    ] {
        let host = FakeHost::new();
        host.vng(script);
        let mut damonlab = host.start(&host.run());
        assert_eq!(status(&mut damonlab).code(), Some(3), "{script}: {}", host.output());
        assert!(host.output().contains(words), "{script}: {}", host.output());
        host.is_empty_soon().expect("nothing is left");
    }
}

#[test]
fn programs_in_path_do_not_replace_those_of_damonlabs_environment() {
    if !has_tools() {
        return;
    }
    let host = FakeHost::new();
    for name in ["vng", "virtme-run"] {
        host.program(name, &format!("touch {}", host.path("shadowed").display()));
    }
    let mut damonlab = host.start(&host.run());
    host.wait_until_started();
    send(&mut damonlab, Signal::SIGINT);
    assert_eq!(status(&mut damonlab).code(), Some(130), "{}", host.output());
    assert!(!host.path("shadowed").exists());
}

#[test]
fn without_a_path_everything_is_missing_and_nothing_panics() {
    let host = FakeHost::new();
    for arguments in [host.run(), vec!["doctor".to_owned()]] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = host.damonlab(&arguments);
        let mut damonlab =
            damonlab::host::process::Group::spawn(command.env_remove("PATH")).expect("it starts");
        assert_eq!(status(&mut damonlab).code(), Some(3), "{}", host.output());
        assert!(!host.output().contains("panicked"), "{}", host.output());
    }
}
