//! A build on a disk without space says what to do, and the next one works once there is space. The disk is a small file
//! system in a mount namespace of the test's own.

use super::fake_host::{FakeHost, has_tools, send};
use damonlab::host::command::{Limits, capture, command_for};
use damonlab::host::process::Group;
use nix::sys::signal::Signal;
use std::fs;

/// Makes the namespace; root needs no more rights for it than others.
const UNSHARE: [&str; 3] = ["--user", "--map-root-user", "--mount"];

/// Builds on a disk of one page, notes the exit status, and builds again on a larger disk.
const SCRIPT: &str = r#"disk=$1 status=$2; shift 2
mount -t tmpfs -o size=4k none "$disk"
"$@"; echo $? >"$status"
mount -o remount,size=64m "$disk"
exec "$@""#;

fn can_mount() -> bool {
    let mut mount = command_for("unshare");
    mount.args(UNSHARE).args(["mount", "-t", "tmpfs", "none", "/mnt"]);
    capture(&mut mount, Limits::LOCAL).is_ok_and(|output| output.status.success())
}

#[test]
fn a_build_on_a_full_disk_says_what_to_do_and_the_next_build_works() {
    if !has_tools() {
        return;
    }
    if !can_mount() {
        eprintln!("skipped: this user may not mount anything in a namespace (unshare --user --mount)");
        return;
    }
    let host = FakeHost::new();
    let disk = host.path("cache/damonlab/tree");
    fs::create_dir_all(&disk).expect("a folder");
    let mut shell = command_for("unshare");
    shell.args(UNSHARE).args(["sh", "-c", SCRIPT, "sh"]).args([&disk, &host.path("status")]);
    host.set_up(shell.arg(env!("CARGO_BIN_EXE_damonlab")).args(host.build()));
    let mut builds = Group::spawn(&mut shell).expect("a shell");
    host.wait_until_started();
    let status = fs::read_to_string(host.path("status")).expect("a status");
    send(&mut builds, Signal::SIGKILL);
    host.is_empty_soon().expect("nothing is left");
    assert_eq!(status.trim(), "3", "{}", host.output());
    for part in ["No space left on device", "free space there", "XDG_CACHE_HOME"] {
        assert!(host.output().contains(part), "{part}: {}", host.output());
    }
}
