//! A QEMU that is killed, stopped, or fails is the host's fault, and a guest that ends QEMU is the guest's.

use super::fake::{Act, End};
use super::{Check, fails_with, is_infra, verdict, verdict_within};
use damonlab_protocol::plan::READY_MARK;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::error::Error;
use std::time::Duration;

pub const CHECKS: &[(&str, Check)] = &[
    ("a_qemu_that_is_killed_before_the_guest_prints_is_infra_with_the_signal", killed_early),
    ("a_qemu_that_is_killed_while_the_scenario_runs_is_infra_with_the_signal", killed_late),
    ("a_qemu_that_ends_with_an_error_is_infra_with_its_own_words", error),
    ("a_qemu_that_the_host_asks_to_end_is_infra", asked),
    ("a_guest_that_resets_itself_before_it_prints_fails", reset),
    ("a_guest_that_powers_off_without_results_fails", powered_off),
    ("a_guest_that_hangs_fails", hangs),
    ("a_qemu_that_stops_its_guest_with_an_internal_error_is_infra", internal_error),
    ("a_qemu_whose_monitor_does_not_answer_when_a_clock_runs_out_is_infra", monitor_hangs),
    ("a_qemu_that_is_stopped_for_longer_than_a_clock_does_not_count_as_a_hang", stopped),
];

fn ready() -> Vec<String> {
    vec!["[    0.1] Linux".into(), READY_MARK.into()]
}

fn killed_early() -> Result<(), Box<dyn Error>> {
    let act = Act { end: End::Killed, ..Act::default() };
    is_infra(
        &verdict(&act)?,
        &["QEMU ended by signal 9 (SIGKILL)", "memory runs out", ", before the agent was ready"],
    )
}

fn killed_late() -> Result<(), Box<dyn Error>> {
    let act = Act { console: ready(), end: End::Killed, ..Act::default() };
    is_infra(&verdict(&act)?, &["QEMU ended by signal 9 (SIGKILL)", ", while the scenario ran"])
}

fn error() -> Result<(), Box<dyn Error>> {
    let words = "qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory\n".into();
    let act = Act { words, end: End::Error, ..Act::default() };
    is_infra(&verdict(&act)?, &["before the agent was ready", "cannot set up guest memory"])
}

fn asked() -> Result<(), Box<dyn Error>> {
    let act = Act { console: ready(), announces: Some((false, "host-signal".into())), ..Act::default() };
    is_infra(&verdict(&act)?, &["host-signal"])
}

fn reset() -> Result<(), Box<dyn Error>> {
    let act = Act { announces: Some((true, "guest-reset".into())), ..Act::default() };
    fails_with(&verdict(&act)?, "guest-lost")
}

fn powered_off() -> Result<(), Box<dyn Error>> {
    let act = Act { console: ready(), announces: Some((true, "guest-shutdown".into())), ..Act::default() };
    fails_with(&verdict(&act)?, "guest-lost")
}

fn hangs() -> Result<(), Box<dyn Error>> {
    let act = Act { console: ready(), status: "running".into(), end: End::Hangs, ..Act::default() };
    fails_with(&verdict_within(&act, Duration::from_secs(2))?, "clock")
}

fn internal_error() -> Result<(), Box<dyn Error>> {
    let act = Act { console: ready(), status: "internal-error".into(), end: End::Hangs, ..Act::default() };
    is_infra(&verdict_within(&act, Duration::from_secs(2))?, &["internal-error"])
}

/// A guest that hangs leaves the monitor alone.
fn monitor_hangs() -> Result<(), Box<dyn Error>> {
    let act = Act { console: ready(), mute: true, end: End::Hangs, ..Act::default() };
    is_infra(&verdict_within(&act, Duration::from_secs(2))?, &["QEMU hangs", "6 times in a row"])
}

/// The guest ends QEMU without results once it runs on, which is its own failure; the clock has not run out before.
fn stopped() -> Result<(), Box<dyn Error>> {
    let announces = Some((true, "guest-shutdown".into()));
    let act = Act { end: End::StoppedFirst, announces, ..Act::default() };
    let continues = std::thread::spawn(|| {
        std::thread::sleep(Duration::from_secs(6));
        fakes_of_this_process().into_iter().try_for_each(|pid| kill(pid, Signal::SIGCONT))
    });
    let verdict = verdict_within(&act, Duration::from_secs(3))?;
    continues.join().map_err(|_| "the thread panicked")??;
    fails_with(&verdict, "guest-lost")
}

/// The stopped processes that this test program started: grandchildren of it.
fn fakes_of_this_process() -> Vec<Pid> {
    let parent = |pid: i32| -> Option<(char, i32)> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
    };
    let ours = std::process::id().cast_signed();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let stopped = pids.filter(|pid| {
        parent(*pid).is_some_and(|(state, script)| {
            state == 'T' && parent(script).is_some_and(|(_, grandparent)| grandparent == ours)
        })
    });
    stopped.map(Pid::from_raw).collect()
}
