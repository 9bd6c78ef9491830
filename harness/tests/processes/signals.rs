//! Ctrl-C, `kill` and a closed terminal end damonlab with 130, whatever program runs.

use crate::fake_host::{FakeHost, TREE, has_tools, send, status, wait_for};
use damonlab::host::process::Group;
use nix::sys::signal::{Signal, kill};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// The signal, once `arguments` have started the program that touches `$STARTED`.
fn ends_with_130(host: &FakeHost, arguments: &[String], signal: Signal) {
    let mut damonlab = host.start(arguments);
    host.wait_until_started();
    send(&mut damonlab, signal);
    let status = status(&mut damonlab);
    assert_eq!(status.code(), Some(130), "{arguments:?}: {}", host.output());
    assert!(!host.output().contains("panicked"), "{}", host.output());
    host.is_empty_soon().expect("nothing is left");
}

#[test]
fn ctrl_c_during_any_program_is_130() {
    if !has_tools() {
        return;
    }
    let reference = |host: &FakeHost| {
        let mut build = host.build();
        build.pop();
        build.into_iter().chain([format!("{}@main", host.path("linux").display())]).collect()
    };
    let release = |_: &FakeHost| ["kernel", "build"].map(str::to_owned).to_vec();
    type Arguments<'a> = &'a dyn Fn(&FakeHost) -> Vec<String>;
    let cases: [(&str, Arguments<'_>); 8] = [
        ("qemu-system-x86_64", &FakeHost::run),
        ("git", &FakeHost::build),
        ("git", &reference),
        ("gcc", &FakeHost::build),
        ("ld", &FakeHost::build),
        ("make", &FakeHost::build),
        ("sh", &FakeHost::build),
        ("apt-get", &release),
    ];
    for (program, arguments) in cases {
        let host = FakeHost::new();
        host.program(program, &TREE.replace("sh -c", "/bin/sh -c"));
        ends_with_130(&host, &arguments(&host), Signal::SIGINT);
    }
    for arguments in [FakeHost::run, FakeHost::build] {
        let host = FakeHost::new();
        ends_with_130(&host, &arguments(&host), Signal::SIGINT);
    }
}

#[test]
fn ctrl_c_during_a_download_is_130() {
    if !has_tools() {
        return;
    }
    let host = FakeHost::new();
    host.program("apt-get", "exit 1");
    host.program("curl", TREE);
    ends_with_130(&host, &["kernel", "build"].map(str::to_owned), Signal::SIGINT);
}

#[test]
fn every_signal_that_asks_for_the_end_is_130() {
    if !has_tools() {
        return;
    }
    let host = FakeHost::new();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        ends_with_130(&host, &host.run(), signal);
    }
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_a_program_that_ignores_the_first() {
    if !has_tools() {
        return;
    }
    let host = FakeHost::new();
    host.program("make", &format!("trap '' TERM\n{TREE}"));
    let mut damonlab = host.start(&host.build());
    host.wait_until_started();
    send(&mut damonlab, Signal::SIGINT);
    std::thread::sleep(Duration::from_millis(100));
    send(&mut damonlab, Signal::SIGINT);
    assert_eq!(status(&mut damonlab).code(), Some(130), "{}", host.output());
    host.is_empty_soon().expect("nothing is left");
}

/// `script` has the other end of the terminal: when it is killed, the kernel closes the terminal.
#[test]
fn a_closed_terminal_is_130() {
    let script = damonlab::host::paths::find_program("/usr/bin".as_ref(), "script");
    let Some(script) = script.filter(|_| has_tools()) else {
        eprintln!("skipped: no script in /usr/bin on this machine");
        return;
    };
    let host = FakeHost::new();
    let (status, run) = (host.path("status"), host.run().join(" "));
    // The kernel signals the shell, and with its end everything in the foreground.
    let damonlab = env!("CARGO_BIN_EXE_damonlab");
    let inner = format!("(trap : HUP; {damonlab} {run}; echo $? >{}); true", status.display());
    // Under nohup, as some CI runs, the shell would ignore SIGHUP from its start, and no trap changes that.
    let mut command: Command = damonlab::host::command::command_for("/usr/bin/env");
    host.set_up(command.arg("--default-signal=HUP").arg(script).args(["-q", "-c", &inner, "/dev/null"]));
    let mut terminal = Group::spawn(&mut command).expect("script starts");
    host.wait_until_started();
    send(&mut terminal, Signal::SIGKILL);
    wait_for(
        || fs::read_to_string(&status).is_ok_and(|text| text.ends_with('\n')),
        || format!("{:?}", host.processes()),
    );
    assert_eq!(fs::read_to_string(&status).expect("a status"), "130\n");
    host.is_empty_soon().expect("nothing is left");
}

/// What the tree's processes ignore does not keep them.
#[test]
fn a_guest_that_ignores_every_signal_is_gone_after_ctrl_c() {
    if !has_tools() {
        return;
    }
    let host = FakeHost::new();
    host.vng(&format!("trap '' TERM INT HUP\n{TREE}"));
    let mut damonlab = host.start(&host.run());
    host.wait_until_started();
    let stopped = host.processes().into_iter().filter(|(_, line)| line.starts_with("sleep"));
    stopped.for_each(|(pid, _)| kill(pid, Signal::SIGSTOP).expect("it runs"));
    send(&mut damonlab, Signal::SIGINT);
    assert_eq!(status(&mut damonlab).code(), Some(130), "{}", host.output());
    host.is_empty_soon().expect("nothing is left");
}
