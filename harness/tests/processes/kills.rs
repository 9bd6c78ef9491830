//! However damonlab is killed, and whoever kills its watchdog, no process is left.

use crate::fake_host::{FakeHost, has_tools, send, status, wait_for};
use damonlab::host::command::command_for;
use damonlab::host::process::Group;
use nix::sys::signal::{Signal, kill};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A number from the environment: of kills, or of the first and the last system call.
fn number(variable: &str, default: u32) -> u32 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// How long `arguments` take until their processes run.
fn time_to_start(host: &FakeHost, arguments: &[String]) -> Duration {
    // One that was killed late has left its sign.
    let _ = std::fs::remove_file(host.path("started"));
    let begun = Instant::now();
    let mut damonlab = host.start(arguments);
    host.wait_until_started();
    let time = begun.elapsed();
    send(&mut damonlab, Signal::SIGKILL);
    host.is_empty_soon().expect("nothing is left");
    time
}

/// Kills damonlab `count` times, at moments that are spread over its start and a little more. Every other time the first
/// process of the tree has just been seen.
fn kill_often(arguments: impl Fn(&FakeHost) -> Vec<String>, count: u32) {
    if !has_tools() {
        return;
    }
    let host = FakeHost::new();
    let arguments = arguments(&host);
    let time = time_to_start(&host, &arguments) * 3 / 2;
    for number in 0..count {
        // The golden ratio spreads any number of moments evenly.
        let part = (f64::from(number) * 0.618_033_988_75).fract();
        let mut damonlab = host.start(&arguments);
        std::thread::sleep(time.mul_f64(part));
        send(&mut damonlab, Signal::SIGKILL);
        if let Err(left) = host.is_empty_soon() {
            panic!("kill {number} of {count}, after {part:.3} of {time:?}: {left}");
        }
    }
    eprintln!("{count} kills within {time:?}: no process left");
}

#[test]
fn a_run_that_is_killed_at_any_moment_leaves_no_process() {
    kill_often(FakeHost::run, number("DAMONLAB_KILLS", 20));
}

#[test]
fn a_build_that_is_killed_at_any_moment_leaves_no_process() {
    kill_often(FakeHost::build, number("DAMONLAB_KILLS", 10));
}

#[test]
fn a_build_that_is_killed_leaves_both_trees_whole() {
    if !has_tools() {
        return;
    }
    let host = FakeHost::new();
    let source = host.path("linux");
    for number in 0..2000 {
        std::fs::write(source.join(format!("mm/{number}.c")), number.to_string()).expect("a file");
    }
    let before = files(&source);
    let time = time_to_start(&host, &host.build());
    for number in 1..=5 {
        // Another content: the working copy is behind, and is brought up to date while damonlab is killed.
        std::fs::write(source.join("mm/0.c"), format!("again {number}")).expect("a file");
        let mut damonlab = host.start(&host.build());
        std::thread::sleep(time * number / 6);
        send(&mut damonlab, Signal::SIGKILL);
        host.is_empty_soon().expect("nothing is left");
    }
    std::fs::write(source.join("mm/0.c"), "0").expect("a file");
    assert!(files(&source) == before, "the user's tree has changed");
    time_to_start(&host, &host.build());
    let trees = std::fs::read_dir(host.path("cache/damonlab/tree")).expect("a folder").flatten();
    let trees = trees.filter(|tree| tree.path().is_dir());
    let copies: Vec<_> = trees.map(|tree| files(&tree.path().join("src"))).collect();
    let other = |copy: &BTreeMap<PathBuf, Vec<u8>>| -> Vec<PathBuf> {
        let names = before.keys().chain(copy.keys());
        names.filter(|name| before.get(*name) != copy.get(*name)).cloned().collect()
    };
    assert_eq!(
        copies.iter().map(other).collect::<Vec<_>>(),
        [Vec::<PathBuf>::new()],
        "the working copy differs"
    );
}

/// The files below `folder` with their content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(one) = folders.pop() {
        for entry in std::fs::read_dir(one).expect("a folder").flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false => drop(found.insert(
                    path.strip_prefix(folder).expect("below it").to_owned(),
                    std::fs::read(&path).expect("a file"),
                )),
            }
        }
    }
    found
}

/// Builds a real kernel in a cache of its own, and kills it within the first seconds.
#[test]
#[ignore = "needs a kernel's source in DAMONLAB_KERNEL, 2 GB of disk, and minutes"]
fn a_build_of_a_real_kernel_that_is_killed_leaves_no_process() {
    let source = std::env::var("DAMONLAB_KERNEL").expect("DAMONLAB_KERNEL names a kernel's source");
    let host = FakeHost::new();
    let count = number("DAMONLAB_KILLS", 30);
    for number in 0..count {
        let part = (f64::from(number) * 0.618_033_988_75).fract();
        let mut damonlab = host.start(&["kernel", "build", "--kernel", &source].map(str::to_owned));
        std::thread::sleep(Duration::from_secs(20).mul_f64(part));
        assert!(damonlab.try_wait().expect("a status").is_none(), "it ended: {}", host.output());
        let running = host.processes().len();
        send(&mut damonlab, Signal::SIGKILL);
        if let Err(left) = host.is_empty_soon() {
            panic!("kill {number} of {count}, with {running} processes: {left}");
        }
    }
    eprintln!("{count} kills of a build: no process left");
}

#[test]
fn a_run_whose_watchdog_is_killed_ends_with_3_and_leaves_no_process() {
    if !has_tools() {
        return;
    }
    let host = FakeHost::new();
    let mut damonlab = host.start(&host.run());
    host.wait_until_started();
    let watchdogs = host.processes().into_iter().filter(|(_, line)| line.contains("damonlab-watchdog"));
    watchdogs.for_each(|(pid, _)| kill(pid, Signal::SIGKILL).expect("it runs"));
    assert_eq!(status(&mut damonlab).code(), Some(3), "{}", host.output());
    assert!(host.output().contains("somebody killed the watchdog of "), "{}", host.output());
    host.is_empty_soon().expect("nothing is left");
}

/// The calls with which processes are started and ended. `DAMONLAB_SYSCALLS=all` means every call.
const CALLS: &str = "clone,clone3,fork,vfork,execve,setpgid,pipe2,dup2,wait4,waitid,kill,exit_group";

/// strace counts the calls of each thread and each process by itself, and kills whoever makes the call with the number:
/// a thread of damonlab (and so damonlab), a watchdog, or one of the tree.
#[test]
fn whoever_is_killed_at_any_system_call_of_a_start_leaves_no_process() {
    if !has_tools() || damonlab::host::paths::find_program("/usr/bin".as_ref(), "strace").is_none() {
        eprintln!("skipped: no strace on this machine");
        return;
    }
    let calls = std::env::var("DAMONLAB_SYSCALLS").unwrap_or_else(|_| CALLS.to_owned());
    let (first, last) = (number("DAMONLAB_FIRST_CALL", 1), number("DAMONLAB_LAST_CALL", 24));
    let host = FakeHost::new();
    let step = number("DAMONLAB_STEP", 1);
    let numbers = (first..=last).step_by(step as usize);
    let count = numbers.clone().count();
    numbers.for_each(|call| kill_at(&host, &calls, call));
    eprintln!("{count} starts, killed at call {first} to {last} in steps of {step}: no process left");
}

fn kill_at(host: &FakeHost, calls: &str, number: u32) {
    let mut strace = command_for("/usr/bin/strace");
    strace.args(["-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    strace.args(["-e", &format!("inject={calls}:signal=SIGKILL:when={number}")]);
    strace.arg(env!("CARGO_BIN_EXE_damonlab")).args(host.run());
    host.set_up(&mut strace);
    let mut strace = Group::spawn(&mut strace).expect("strace starts");
    let started = host.path("started");
    let damonlab = || {
        let is_damonlab = |line: &str| line.starts_with(env!("CARGO_BIN_EXE_damonlab"));
        host.processes().into_iter().find(|(_, line)| is_damonlab(line)).map(|(pid, _)| pid)
    };
    // strace ends with the last process that it follows. If it was none of damonlab that was killed, damonlab waits.
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until && !started.exists() && strace.try_wait().expect("a status").is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = std::fs::remove_file(started);
    if let Some(pid) = damonlab() {
        let _ = kill(pid, Signal::SIGKILL);
    }
    if let Err(left) = host.is_empty_soon() {
        panic!("call {number}: {left}");
    }
    wait_for(|| host.processes().is_empty(), || format!("call {number}"));
}
