//! Guests that fail and a damonlab that is stopped: each has its own verdict, and no process or file is left behind.

use super::common::{self, ensure};
use damonlab::check::{Finding, Verdict};

use damonlab::host::process::Group;
use damonlab::recording::{CONSOLE_LOG, RunInputs};
use damonlab::run::debug;
use damonlab::run::replay::ReplayResult;
use damonlab::run::{self, RunEnv, ScenarioSource};
use damonlab_protocol::record::section;
use damonlab_protocol::units::NodeId;
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const TRIALS: &[(&str, common::Check)] = &[
    ("a_guest_without_a_working_init_is_a_panic_with_the_last_console_lines", panics),
    ("a_guest_that_hangs_is_stopped_by_the_boot_clock", hangs),
    ("a_guest_in_which_nothing_runs_is_told_from_one_that_is_busy", sleeps),
    ("a_livelock_in_the_kernel_names_its_functions_and_who_waits_for_it_and_is_replayed", livelock),
    ("an_unknown_metric_is_a_skip_and_not_the_expected_refusal", too_old),
    ("a_guest_with_another_machine_than_described_is_infra_and_both_are_named", another_machine),
    ("ctrl_c_leaves_no_process_and_no_recording", interrupted),
    ("a_killed_damonlab_leaves_no_process_and_the_next_run_removes_its_files", killed),
    ("a_qemu_that_is_killed_in_the_scenario_is_infra", qemu_killed),
    ("a_damonlab_that_is_suspended_for_longer_than_a_clock_blames_nobody", suspended),
    ("a_host_without_memory_for_the_guest_is_infra", no_memory),
    ("a_kernel_that_is_cut_off_is_bad_input", cut_off),
];

/// A scenario with a short run.
const SCENARIO: &str = "goal-needs-paddr";

pub fn trials() -> Vec<Trial> {
    common::checks(TRIALS)
}

fn panics(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let finding = failed_with(env, b"not a program", Duration::from_secs(120))?;
    ensure(finding.id() == "panic", &finding)?;
    ensure(finding.seen.contains("No working init found"), &finding)?;
    ensure((10..=40).contains(&finding.evidence.len()), &finding)
}

fn hangs(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let finding = failed_with(env, ENDLESS, Duration::from_secs(10))?;
    ensure(finding.id() == "clock", &finding)?;
    ensure(finding.seen.starts_with("the boot clock ran out"), &finding)?;
    ensure(finding.evidence[0].text.starts_with("livelock: a program is busy"), &finding)?;
    ensure(finding.evidence[1].text.starts_with("CPU 0: the program init runs in "), &finding)
}

fn sleeps(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    // Long enough for the kernel's own work after the boot to end, on a busy host too.
    let finding = failed_with(env, SLEEPING, Duration::from_secs(25))?;
    ensure(finding.seen.starts_with("the boot clock ran out"), &finding)?;
    ensure(finding.evidence[0].text.starts_with("deadlock: every CPU is idle"), &finding)?;
    ensure(finding.evidence.iter().any(|line| line.text == "there is no kdamond"), &finding)
}

/// Linux 7.3 splits a region before it asks a scheme's core filter, for which its kdamond takes practically forever.
fn livelock(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let (env, _out) = common::with_own_results(env)?;
    let source = ScenarioSource::from(&damonlab::bundled::home().join("harness/tests/vm/livelock.yaml"))?;
    let report = run::run(&env, &source, 0)?;
    let Verdict::Fail(findings) = &report.verdict else { return Err(report.verdict.to_string().into()) };
    let lines: Vec<&str> = findings[0].evidence.iter().map(|line| line.text.as_str()).collect();
    ensure(lines[0].starts_with("livelock: the kernel is busy with one task"), &lines)?;
    let has = |parts: [&str; 2]| lines.iter().any(|line| parts.iter().all(|part| line.contains(part)));
    ensure(has(["CPU 0: kdamond.0 runs in the kernel in ", "always inside "]), &lines)?;
    ensure(
        has(["init (pid 1): ", "cannot be interrupted"]) && has(["damon_call+", " < state_store+"]),
        &lines,
    )?;
    let inputs = RunInputs::load(&report.dir)?;
    let replay = run::replay::replay(&env, &inputs)?;
    ensure(replay.result == ReplayResult::SameEnd("clock".to_owned()), &replay.result)?;
    stops_in_the_hang(&env, &inputs)
}

/// A debugger finds the guest of a run without results at a guest time, and where it was found to hang.
fn stops_in_the_hang(env: &RunEnv, inputs: &RunInputs) -> Result<(), Box<dyn Error>> {
    for (at, before) in
        [("5", "guest time 5.000000 s"), ("end", "the moment at which the guest was found to hang")]
    {
        let logs = tempfile::tempdir()?;
        let session = debug::debug(env, inputs, &at.parse()?, logs.path())?.to_string();
        ensure(session.starts_with(&format!("STOPPED  before {before}")), &session)?;
        ensure(session.contains("target remote "), &session)?;
        ensure(session.contains("stops it later, where it hangs") == (at == "end"), &session)?;
    }
    let error = debug::debug(env, inputs, &"damos_esz:1".parse()?, Path::new("")).err();
    ensure(error.is_some_and(|error| error.to_string().contains("has no trace")), "an event was found")
}

/// `jmp .`
const ENDLESS: &[u8] = &program(&[0xeb, 0xfe]);

/// `pause()`, again and again.
const SLEEPING: &[u8] = &program(&[0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7]);

/// An x86-64 program: an ELF header, one program header, `code`.
const fn program(code: &[u8]) -> [u8; 136] {
    let mut elf = [0u8; 136];
    let header: [(usize, &[u8]); 12] = [
        (0, b"\x7fELF\x02\x01\x01"),
        (16, &[2, 0, 62, 0, 1]),  // ET_EXEC, x86-64, version 1
        (24, &[0x78, 0, 0x40]),   // entry 0x400078
        (32, &[64]),              // program headers follow this header
        (52, &[64, 0, 56, 0, 1]), // sizes, one program header
        (64, &[1, 0, 0, 0, 5]),   // PT_LOAD, readable and executable
        (80, &[0, 0, 0x40]),      // virtual address 0x400000
        (88, &[0, 0, 0x40]),      // physical address
        (96, &[136]),             // size in the file
        (104, &[136]),            // size in memory
        (113, &[0x10]),           // alignment 0x1000
        (120, code),
    ];
    let mut part = 0;
    while part < header.len() {
        let (at, bytes) = header[part];
        let mut byte = 0;
        while byte < bytes.len() {
            elf[at + byte] = bytes[byte];
            byte += 1;
        }
        part += 1;
    }
    elf
}

/// The first finding of a run with this `/init`, which must fail.
fn failed_with(env: &RunEnv, agent: &'static [u8], boot: Duration) -> Result<Finding, Box<dyn Error>> {
    let (env, _out) = common::with_own_results(env)?;
    let env = RunEnv { agent, checkpoints: None, ..env };
    let mut source = common::shipped(SCENARIO)?;
    source.scenario.clocks.boot = boot;
    match run::run(&env, &source, 0)?.verdict {
        Verdict::Fail(mut findings) if !findings.is_empty() => Ok(findings.remove(0)),
        other => Err(format!("expected a failure, got {other}").into()),
    }
}

/// The scenario expects EINVAL for its goal, which is also the kernel's answer to an unknown keyword.
fn too_old(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let (env, _out) = common::with_own_results(env)?;
    let mut source = common::shipped(SCENARIO)?;
    let schemes = source.scenario.kdamonds.iter_mut().flat_map(|kdamond| &mut kdamond.context.schemes);
    for goal in schemes.flat_map(|scheme| &mut scheme.quota.goals) {
        goal.metric = "of_a_later_kernel".to_owned();
    }
    let verdict = run::run(&env, &source, 0)?.verdict.to_string();
    ensure(verdict == "skip: the kernel does not have goal.of_a_later_kernel", verdict)
}

/// Replays a plan that expects another memory tier than the machine has.
fn another_machine(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let (env, _out) = common::with_own_results(env)?;
    let mut inputs = RunInputs::load(&run::run(&env, &common::shipped(SCENARIO)?, 0)?.dir)?;
    let node = inputs.plan.machine.as_mut().and_then(|view| view.nodes.get_mut(&NodeId(1)));
    node.ok_or("no node 1 in the plan")?.tier = Some(27);
    let report = run::replay::replay(&env, &inputs)?.report;
    let Verdict::Infra(why) = &report.verdict else { return Err(format!("{}", report.verdict).into()) };
    ensure(why.contains("memory tier of node 1: described 27, seen 4"), why)?;
    let samples = std::fs::read_to_string(report.dir.join(section::SAMPLES))?;
    ensure(samples.is_empty(), "the guest took samples")
}

fn interrupted(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let status = stopped_by(env, Signal::SIGINT, folder.path())?;
    ensure(status.code() == Some(130), status)?;
    ensure(recordings(folder.path())? == 0, "an unfinished recording is left")?;
    nothing_runs(folder.path())
}

fn killed(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    stopped_by(env, Signal::SIGKILL, folder.path())?;
    nothing_runs(folder.path())?;
    ensure(run_folders(folder.path())? == 1, "the folder of the killed run is gone")?;
    let status = damonlab(env, folder.path(), SCENARIO)?.wait()?;
    ensure(status.success(), status)?;
    ensure(run_folders(folder.path())? == 0, "the folder of the killed run is still there")
}

fn qemu_killed(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    // The checkpoint is there afterwards: a QEMU that is killed while it makes one only costs the run a boot.
    let first = damonlab(env, folder.path(), "pull-push")?.wait()?;
    ensure(first.success(), first)?;
    let mut child = damonlab(env, folder.path(), "pull-push")?;
    let qemu = qemu_of(&mut child, folder.path())?;
    // Its console is recorded from there on. A QEMU that is killed while it restores a guest only costs the run a boot.
    let console = folder.path().join("results/pull-push/0002").join(CONSOLE_LOG);
    let until = Instant::now() + Duration::from_secs(60);
    while !console.exists() {
        ensure(Instant::now() < until, format!("no {} within 60 s", console.display()))?;
        std::thread::sleep(Duration::from_millis(20));
    }
    kill(qemu, Signal::SIGKILL)?;
    let status = child.wait()?;
    ensure(status.code() == Some(3), status)?;
    nothing_runs(folder.path())
}

fn suspended(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let scenario = folder.path().join("short.yaml");
    let text = std::fs::read_to_string(damonlab::bundled::home().join("scenarios/pull-push.yaml"))?;
    std::fs::write(&scenario, text + "\nclocks: {scenario: 10s}\n")?;
    let mut child = damonlab(env, folder.path(), &scenario.to_string_lossy())?;
    qemu_of(&mut child, folder.path())?;
    let pid = Pid::from_raw(child.leader().id().cast_signed());
    kill(pid, Signal::SIGSTOP)?;
    std::thread::sleep(Duration::from_secs(15));
    kill(pid, Signal::SIGCONT)?;
    let status = child.wait()?;
    ensure(status.success(), status)
}

fn no_memory(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", "ulimit -v 600000; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_damonlab")]);
    let status = start(limited, env, folder.path(), SCENARIO)?.wait()?;
    ensure(status.code() == Some(3), status)
}

fn cut_off(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (mut env, bytes) = (env.clone(), std::fs::read(&env.image.bzimage)?);
    env.image.bzimage = folder.path().join("bzImage");
    for size in [1000, 1_000_000, bytes.len() - 1] {
        std::fs::write(&env.image.bzimage, &bytes[..size])?;
        let status = damonlab(&env, folder.path(), SCENARIO)?.wait()?;
        ensure(status.code() == Some(2), (size, status))?;
    }
    Ok(())
}

/// Starts a run, waits for its QEMU process, sends the signal, and waits for the end.
fn stopped_by(env: &RunEnv, signal: Signal, folder: &Path) -> Result<ExitStatus, Box<dyn Error>> {
    let mut child = damonlab(env, folder, "pull-push")?;
    qemu_of(&mut child, folder)?;
    kill(Pid::from_raw(child.leader().id().cast_signed()), signal)?;
    Ok(child.wait()?)
}

/// Waits for the QEMU process of a run.
fn qemu_of(child: &mut Group, folder: &Path) -> Result<Pid, Box<dyn Error>> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let all = processes(folder)?;
        if let Some((pid, _)) = all.iter().find(|(_, command)| command.contains("qemu-system")) {
            return Ok(*pid);
        }
        ensure(Instant::now() < until, "no QEMU within 60 s")?;
        ensure(child.try_wait()?.is_none(), "damonlab ended before it started QEMU")?;
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// `damonlab run` with all its files below `folder`.
fn damonlab(env: &RunEnv, folder: &Path, scenario: &str) -> Result<Group, Box<dyn Error>> {
    start(Command::new(env!("CARGO_BIN_EXE_damonlab")), env, folder, scenario)
}

fn start(mut command: Command, env: &RunEnv, folder: &Path, scenario: &str) -> Result<Group, Box<dyn Error>> {
    std::fs::create_dir_all(folder.join("tmp"))?;
    command.args(["run", scenario, "--kernel"]).arg(&env.image.bzimage);
    command.arg("--out").arg(folder.join("results")).env("TMPDIR", folder.join("tmp"));
    Ok(Group::spawn(command.stdout(Stdio::null()).stderr(Stdio::null()))?)
}

fn nothing_runs(folder: &Path) -> Result<(), Box<dyn Error>> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let left = processes(folder)?;
        if left.is_empty() {
            return Ok(());
        }
        ensure(Instant::now() < until, format!("still running: {left:?}"))?;
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The running processes that name `folder`, with their command lines, except damonlab's.
fn processes(folder: &Path) -> Result<Vec<(Pid, String)>, Box<dyn Error>> {
    let mut found = Vec::new();
    let needle = folder.to_string_lossy().into_owned();
    for entry in std::fs::read_dir("/proc")? {
        // A process may end meanwhile.
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(bytes) = std::fs::read(entry.path().join("cmdline")) else { continue };
        let command = String::from_utf8_lossy(&bytes).replace('\0', " ");
        if command.contains(&needle) && !command.contains("damonlab run") {
            found.push((Pid::from_raw(pid), command));
        }
    }
    Ok(found)
}

fn recordings(folder: &Path) -> Result<usize, Box<dyn Error>> {
    let recordings = folder.join("results/pull-push");
    if recordings.exists() { Ok(std::fs::read_dir(recordings)?.count()) } else { Ok(0) }
}

fn run_folders(folder: &Path) -> Result<usize, Box<dyn Error>> {
    let mut count = 0;
    for base in std::fs::read_dir(folder.join("tmp"))? {
        for entry in std::fs::read_dir(base?.path())? {
            count += usize::from(entry?.file_type()?.is_dir());
        }
    }
    Ok(count)
}
