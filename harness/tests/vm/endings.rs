//! Guests and harnesses that end badly: each gets a verdict of its own, and nothing is left behind.

use super::common::{self, ensure};
use damonlab::check::{Finding, Verdict};
use damonlab::host::paths;
use damonlab::host::process::Group;
use damonlab::recording::RunInputs;
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
    ("a_metric_that_the_kernel_does_not_know_is_a_skip_and_not_the_refusal_that_is_expected", too_old),
    ("a_guest_that_is_another_machine_than_described_is_infra_and_both_are_named", another_machine),
    ("ctrl_c_leaves_no_process_and_no_half_recording", interrupted),
    ("a_killed_damonlab_leaves_no_process_and_the_next_run_cleans_up", killed),
];

pub fn trials() -> Vec<Trial> {
    common::checks(TRIALS)
}

fn panics(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let finding = failed_with(lab, b"this is no program", Duration::from_secs(120))?;
    ensure(finding.id() == "panic", &finding)?;
    ensure(finding.seen.contains("No working init found"), &finding)?;
    ensure((10..=40).contains(&finding.evidence.len()), &finding)
}

fn hangs(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let finding = failed_with(lab, ENDLESS, Duration::from_secs(10))?;
    ensure(finding.id() == "clock", &finding)?;
    ensure(finding.seen.starts_with("the boot clock ran out"), &finding)
}

/// An x86-64 program that jumps to itself: an ELF header, one program header, `jmp .`.
const ENDLESS: &[u8] = &{
    let mut elf = [0u8; 122];
    let header: [(usize, &[u8]); 12] = [
        (0, b"\x7fELF\x02\x01\x01"),
        (16, &[2, 0, 62, 0, 1]),  // ET_EXEC, x86-64, version 1
        (24, &[0x78, 0, 0x40]),   // entry 0x400078
        (32, &[64]),              // program headers follow this header
        (52, &[64, 0, 56, 0, 1]), // sizes, one program header
        (64, &[1, 0, 0, 0, 5]),   // PT_LOAD, readable and executable
        (80, &[0, 0, 0x40]),      // virtual address 0x400000
        (88, &[0, 0, 0x40]),      // physical address
        (96, &[122]),             // size in the file
        (104, &[122]),            // size in memory
        (113, &[0x10]),           // alignment 0x1000
        (120, &[0xeb, 0xfe]),     // jmp .
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
};

/// The first finding of a run with another `/init`, which must fail.
fn failed_with(lab: &RunEnv, agent: &'static [u8], boot: Duration) -> Result<Finding, Box<dyn Error>> {
    let out = tempfile::tempdir()?;
    let out_folder = out.path().to_owned();
    let lab = RunEnv { agent, out: out_folder, checkpoints: None, ..lab.clone() };
    let mut loaded = ScenarioSource::from(&paths::project().join("scenarios/goal-needs-paddr.yaml"))?;
    loaded.scenario.clocks.boot = boot;
    match run::run(&lab, &loaded, 0)?.verdict {
        Verdict::Fail(mut findings) if !findings.is_empty() => Ok(findings.remove(0)),
        other => Err(format!("expected a failure, got {other}").into()),
    }
}

/// The scenario wants its goal refused with EINVAL, and that is what the kernel says to an unknown word too.
fn too_old(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let out = tempfile::tempdir()?;
    let lab = RunEnv { out: out.path().to_owned(), ..lab.clone() };
    let mut loaded = ScenarioSource::from(&paths::project().join("scenarios/goal-needs-paddr.yaml"))?;
    let schemes = loaded.scenario.kdamonds.iter_mut().flat_map(|kdamond| &mut kdamond.context.schemes);
    for goal in schemes.flat_map(|scheme| &mut scheme.quota.goals) {
        goal.metric = "of_a_later_kernel".to_owned();
    }
    let verdict = run::run(&lab, &loaded, 0)?.verdict.to_string();
    ensure(verdict == "skip: the kernel lacks goal.of_a_later_kernel", verdict)
}

/// The plan of a run, with another memory tier written into the machine that it wants to see.
fn another_machine(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let out = tempfile::tempdir()?;
    let lab = RunEnv { out: out.path().to_owned(), ..lab.clone() };
    let loaded = ScenarioSource::from(&paths::project().join("scenarios/goal-needs-paddr.yaml"))?;
    let mut recipe = RunInputs::load(&run::run(&lab, &loaded, 0)?.dir)?;
    let node = recipe.plan.machine.as_mut().and_then(|view| view.nodes.get_mut(&NodeId(1)));
    node.ok_or("no node 1 in the plan")?.tier = Some(27);
    let report = run::replay::replay(&lab, &recipe)?.report;
    let Verdict::Infra(said) = &report.verdict else { return Err(format!("{}", report.verdict).into()) };
    ensure(said.contains("memory tier of node 1: described 27, seen 4"), said)?;
    let samples = std::fs::read_to_string(report.dir.join(section::SAMPLES))?;
    ensure(samples.is_empty(), "something was started on it")
}

fn interrupted(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    let status = stopped_by(lab, Signal::SIGINT, place.path())?;
    ensure(status.code() == Some(130), status)?;
    ensure(recordings(place.path())? == 0, "a half recording is left")?;
    nothing_runs(place.path())
}

fn killed(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    stopped_by(lab, Signal::SIGKILL, place.path())?;
    nothing_runs(place.path())?;
    ensure(run_folders(place.path())? == 1, "the killed run's folder is not where it was")?;
    let status = damonlab(lab, place.path(), "goal-needs-paddr")?.wait()?;
    ensure(status.success(), status)?;
    ensure(run_folders(place.path())? == 0, "the killed run's folder is still there")
}

/// Starts a run, waits until its QEMU is there, sends the signal, and waits for the end.
fn stopped_by(lab: &RunEnv, signal: Signal, place: &Path) -> Result<ExitStatus, Box<dyn Error>> {
    let mut child = damonlab(lab, place, "pull-push")?;
    let until = Instant::now() + Duration::from_secs(60);
    while !processes(place)?.iter().any(|command| command.contains("qemu-system")) {
        ensure(Instant::now() < until, "no QEMU within 60 s")?;
        ensure(child.try_wait()?.is_none(), "damonlab ended before it started QEMU")?;
        std::thread::sleep(Duration::from_millis(50));
    }
    kill(Pid::from_raw(child.leader().id().cast_signed()), signal)?;
    Ok(child.wait()?)
}

/// `damonlab run`, with everything that it makes below `place`.
fn damonlab(lab: &RunEnv, place: &Path, scenario: &str) -> Result<Group, Box<dyn Error>> {
    std::fs::create_dir_all(place.join("tmp"))?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_damonlab"));
    command.args(["run", scenario, "--kernel"]).arg(&lab.image.bzimage);
    command.arg("--out").arg(place.join("results")).env("TMPDIR", place.join("tmp"));
    Ok(Group::spawn(command.stdout(Stdio::null()).stderr(Stdio::null()))?)
}

fn nothing_runs(place: &Path) -> Result<(), Box<dyn Error>> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let left = processes(place)?;
        if left.is_empty() {
            return Ok(());
        }
        ensure(Instant::now() < until, format!("still running: {left:?}"))?;
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Command lines of living processes that name `place`, but damonlab's own.
fn processes(place: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut found = Vec::new();
    let needle = place.to_string_lossy().into_owned();
    for entry in std::fs::read_dir("/proc")? {
        // A process may end while we look.
        let Ok(bytes) = std::fs::read(entry?.path().join("cmdline")) else { continue };
        let command = String::from_utf8_lossy(&bytes).replace('\0', " ");
        if command.contains(&needle) && !command.contains("damonlab run") {
            found.push(command);
        }
    }
    Ok(found)
}

fn recordings(place: &Path) -> Result<usize, Box<dyn Error>> {
    let folder = place.join("results/pull-push");
    if folder.exists() { Ok(std::fs::read_dir(folder)?.count()) } else { Ok(0) }
}

fn run_folders(place: &Path) -> Result<usize, Box<dyn Error>> {
    let mut count = 0;
    for base in std::fs::read_dir(place.join("tmp"))? {
        for entry in std::fs::read_dir(base?.path())? {
            count += usize::from(entry?.file_type()?.is_dir());
        }
    }
    Ok(count)
}
