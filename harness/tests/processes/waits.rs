//! A damonlab that waits for another one says what it waits for, once, and Ctrl-C ends the wait.

use crate::fake_host::{FakeHost, has_tools, send, status, wait_for};
use damonlab::host::process::Group;
use nix::sys::signal::Signal;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

/// Starts `arguments` twice. The first one waits in a program; the second one has to print `words` once, and nothing in
/// its first second.
fn the_second_waits(arguments: &[String], slots: &str, words: &str) {
    if !has_tools() {
        return;
    }
    let host = FakeHost::new();
    let arguments: Vec<String> =
        arguments.iter().map(|one| one.replace("HOST", &host.path("").to_string_lossy())).collect();
    let words_of = |one: &str| fs::read_to_string(host.path(one)).unwrap_or_default();
    let start = |stderr: &str| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = host.damonlab(&arguments);
        let stderr = fs::File::create(host.path(stderr)).expect("a file");
        command.env("DAMONLAB_SLOTS", slots).stderr(Stdio::from(stderr));
        Group::spawn(&mut command).expect("damonlab starts")
    };
    let mut first = start("first");
    wait_for(|| host.path("started").exists(), || words_of("first"));
    let mut second = start("second");
    wait_for(|| words_of("second").contains(words), || format!("{words}: {}", words_of("second")));
    std::thread::sleep(Duration::from_millis(500));
    let text = words_of("second");
    assert_eq!(text.matches("waiting for ").count(), 1, "{text}");
    send(&mut second, Signal::SIGINT);
    assert_eq!(status(&mut second).code(), Some(130), "{}", words_of("second"));
    send(&mut first, Signal::SIGINT);
    assert_eq!(status(&mut first).code(), Some(130), "{}", words_of("first"));
    host.is_empty_soon().expect("nothing is left");
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn for_a_slot() {
    let run = words("run idle --no-checkpoint --kernel HOST/bzImage --out HOST/results");
    the_second_waits(
        &run,
        "1",
        "waiting for a slot for idle: every slot for guests of this host is taken (1)\n",
    );
}

#[test]
fn for_a_checkpoint_that_another_one_makes() {
    let run = words("run idle --kernel HOST/bzImage --out HOST/results");
    the_second_waits(&run, "2", "waiting for another run to make this checkpoint (its lock is ");
}

#[test]
fn for_a_build_from_the_same_source() {
    let build = words("kernel build --kernel HOST/linux");
    the_second_waits(&build, "2", "waiting for another damonlab to build from this source (its lock is ");
}

#[test]
fn for_a_setup() {
    let host = FakeHost::new();
    let lock = host.path("cache/damonlab/setup.lock");
    fs::remove_file(host.path("cache/damonlab/venv/damonlab-complete")).expect("a file");
    let file = fs::File::create(&lock).expect("a file");
    file.lock().expect("a lock");
    let mut damonlab = host.start(&words("setup"));
    let line = format!("waiting for another damonlab to install (its lock is {})\n", lock.display());
    wait_for(|| host.output().contains(&line), || host.output());
    send(&mut damonlab, Signal::SIGINT);
    assert_eq!(status(&mut damonlab).code(), Some(130), "{}", host.output());
}

#[test]
fn for_a_bisection_below_the_same_folder() {
    if !has_tools() {
        return;
    }
    let host = FakeHost::new();
    fs::create_dir_all(host.path("out")).expect("a folder");
    let file = fs::File::create(host.path("out/lock")).expect("a file");
    file.lock().expect("a lock");
    let series = host.path("series.mbox");
    let patch =
        "Subject: [PATCH] x\n\nFrom: a <a@example.org>\n\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+a\n--\n2.0\n";
    fs::write(&series, patch).expect("a file");
    let arguments = format!(
        "bisect idle --series {} --kernel {} --out {}",
        series.display(),
        host.path("linux").display(),
        host.path("out").display()
    );
    let mut damonlab = host.start(&words(&arguments));
    let line = "waiting for another bisection below this --out (its lock is ";
    wait_for(|| host.output().contains(line), || host.output());
    send(&mut damonlab, Signal::SIGINT);
    assert_eq!(status(&mut damonlab).code(), Some(130), "{}", host.output());
}
