//! A program that does not answer ends damonlab in seconds, with plain words and little memory.

use crate::fake_host::{FakeHost, has_tools, status};
use std::time::{Duration, Instant};

/// The largest size of the process so far, in KiB.
fn peak(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// A QEMU whose `--version` runs `script`: damonlab's exit status is 3, and its message has `words`.
fn a_qemu_that(script: &str, words: &str) {
    let host = FakeHost::new();
    host.program("qemu-system-x86_64", script);
    let begun = Instant::now();
    let mut damonlab = host.start(&host.run());
    let mut memory = 0;
    while damonlab.try_wait().expect("a status").is_none() {
        memory = memory.max(peak(damonlab.leader().id()).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(20));
        assert!(begun.elapsed() < Duration::from_secs(60), "{script}: {}", host.output());
    }
    let (output, time) = (host.output(), begun.elapsed());
    assert_eq!(status(&mut damonlab).code(), Some(3), "{script}: {output}");
    assert!(output.contains(words), "{script}: {output}");
    assert!(output.lines().count() < 20 && output.len() < 4000, "{script}: {output}");
    assert!(time < Duration::from_secs(25), "{script}: {time:?}");
    assert!(memory < 100 << 10, "{script}: {memory} KiB");
    host.is_empty_soon().expect("nothing is left");
}

#[test]
fn a_qemu_that_hangs_is_an_error_in_ten_seconds() {
    a_qemu_that("sleep 600 & sleep 600", "--version` did not end within 10s");
}

#[test]
fn a_qemu_that_prints_without_end_is_an_error() {
    a_qemu_that("exec cat /dev/zero", "--version` printed more than 64 KiB");
    a_qemu_that("exec yes >&2", "--version` printed more than 64 KiB");
}

#[test]
fn a_qemu_that_leaves_a_process_with_its_output_is_an_error() {
    let words = "--version` ended and left a process behind";
    a_qemu_that("echo 'QEMU emulator version 10.0.2'; sleep 600 &", words);
    a_qemu_that("echo 'QEMU emulator version 10.0.2'; setsid sleep 600 &", words);
}

#[test]
fn a_qemu_that_fails_is_shown_with_its_own_words() {
    a_qemu_that("echo 'cannot load libfdt.so.1' >&2; exit 127", "cannot load libfdt.so.1");
}

#[test]
fn a_qemu_whose_monitor_hangs_is_an_error_in_ten_seconds() {
    if has_tools() {
        let version = "case \"$*\" in *--version*) echo 'QEMU emulator version 10.0.2'; exit ;; esac";
        a_qemu_that(&format!("{version}\nsleep 600"), "no answer within 5 s");
        let chatter = "while :; do echo '{\"event\": \"X\"}'; sleep 0.1; done";
        let words = "qemu-system-x86_64: no answer within 5 s";
        a_qemu_that(&format!("{version}\necho '{{\"QMP\": {{}}}}'\n{chatter}"), words);
    }
}
