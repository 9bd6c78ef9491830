//! The same run gives the same recording, to the byte, on a loaded host too.
//!
//! Machines with several CPUs do not repeat; `scenarios/invalid/two-cpus.yaml` says why.

use super::common::{self, ensure};
use super::load::Load;
use damonlab::check::Verdict;
use damonlab::explore::{self, Focus};
use damonlab::host::command::{Limits, capture, command_for};

use damonlab::judge::Report;
use damonlab::recording::compare::first_difference;
use damonlab::recording::{Recording, RunInputs};
use damonlab::report;
use damonlab::run::debug;
use damonlab::run::replay::{self, ReplayResult};
use damonlab::run::{self, RunEnv, ScenarioSource};
use damonlab::scenario::Scenario;
use libtest_mimic::{Completion, Failed, Trial};
use std::error::Error;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const TRIALS: &[(&str, common::Check)] = &[
    ("a_replay_gives_the_same_recording", replayed),
    ("a_drawn_scenario_replays_to_the_byte_where_its_recording_was_copied", drawn),
    ("a_guest_that_stops_for_a_debugger_and_continues_gives_the_same_recording", stopped),
    ("another_seed_gives_the_kernel_other_random_numbers", another_seed),
    ("steps_at_once_repeat_and_another_seed_orders_them_otherwise", at_once),
];

/// Migration in both directions, and two workloads that wake at the same times, for five guest seconds.
const SCENARIO: &str = "determinism/two-workloads.yaml";

/// How many runs share the host with the load.
const AT_ONCE: usize = 3;

/// How many guests may run on this host at once: enough for these runs and those of the other trials.
const SLOTS: (&str, &str) = ("DAMONLAB_SLOTS", "64");

/// The trial that loads the host. It starts itself again in a process with enough slots.
const LOADED: &str = "three_runs_at_once_on_a_loaded_host_give_the_recording_of_one_run";

pub fn trials() -> Vec<Trial> {
    let loaded =
        common::alone(LOADED, |env| match std::env::var_os(SLOTS.0).is_some_and(|slots| slots == SLOTS.1) {
            true => loaded_host(env).map_err(Failed::from),
            false => with_slots().map_err(|error| error.to_string().into()),
        });
    common::checks(TRIALS).into_iter().chain([loaded]).collect()
}

/// Runs the loaded trial in its own process, because a program cannot safely set a variable for itself.
fn with_slots() -> Result<Completion, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.args(["--exact", LOADED]).env(SLOTS.0, SLOTS.1).output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.success() {
        false => Err(printed.into()),
        true if printed.contains("1 ignored") => Ok(Completion::ignored_with(printed)),
        true => Ok(Completion::Completed),
    }
}

fn loaded_host(env: &RunEnv) -> Result<Completion, Box<dyn Error>> {
    let (env, _out) = common::with_own_results(env)?;
    let first = passed(&env)?;
    let load = Load::start(Duration::from_secs(120))?;
    let runs = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..AT_ONCE).map(|_| scope.spawn(|| timed(&env).map_err(|error| error.to_string()))).collect();
        threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    drop(load);
    let mut times = Vec::new();
    for run in runs {
        let (run, time) = run.map_err(|_| "a run panicked")??;
        if let Some(difference) = first_difference(&first.dir, &run.dir)? {
            return Err(difference.to_string().into());
        }
        times.push(time);
    }
    let last_start = times.iter().map(|time| time.start);
    let first_end = times.iter().map(|time| time.end);
    if last_start.max() < first_end.min() {
        return Ok(Completion::Completed);
    }
    common::ignored(format!(
        "{AT_ONCE} guests did not run at once on this host: it has too little memory or too few slots"
    ))
    .map_err(|failed| failed.message().unwrap_or_default().into())
}

/// A run, and the time for which it had its slot.
fn timed(env: &RunEnv) -> Result<(Report, Range<Instant>), Box<dyn Error>> {
    let report = passed(env)?;
    let end = Instant::now();
    let start = end - report.wall_time.unwrap_or_default();
    Ok((report, start..end))
}

fn replayed(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let (env, _out) = common::with_own_results(env)?;
    let inputs = RunInputs::load(&passed(&env)?.dir)?;
    let changes = replay::changed_inputs(&inputs, &env);
    if !changes.is_empty() {
        return Err(format!("nothing has changed, and damonlab reports {changes:?}").into());
    }
    let replay = replay::replay(&env, &inputs)?;
    match replay.result {
        ReplayResult::Identical(extent) if extent.trace_lines > 100 => Ok(()),
        _ => Err(report::item_text(&report::replay(&replay, &inputs.dir, &changes)).into()),
    }
}

/// As in another checkout: nothing is left where the scenario was drawn and run, and damonlab starts in another folder.
fn drawn(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let (env, out) = common::with_own_results(env)?;
    let drawn = explore::draw(0, 1, &Focus::default())?;
    let report = run::run(&env, &drawn.source, drawn.number)?;
    let elsewhere = tempfile::tempdir()?;
    std::fs::rename(&report.dir, elsewhere.path().join("copy"))?;
    drop(out);
    let mut replay = command_for(env!("CARGO_BIN_EXE_damonlab"));
    replay.args(["replay", "copy", "--out", "again"]).current_dir(elsewhere.path());
    let output = capture(&mut replay, Limits::LOCAL)?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), output.stderr);
    ensure(output.status.success() && text.contains("SAME  "), text)
}

fn stopped(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let (env, _out) = common::with_own_results(env)?;
    let inputs = RunInputs::load(&passed(&env)?.dir)?;
    let logs = tempfile::tempdir()?;
    let mut session = debug::debug(&env, &inputs, &"damos_esz:2".parse()?, logs.path())?;
    let text = session.to_string();
    if !(session.stopped.socket().exists() && text.contains("STOPPED  before damos_esz number 2")) {
        return Err(text.into());
    }
    session.stopped.go_on()?;
    session.stopped.wait()?;
    let trace = |dir: &Path| std::fs::read(dir.join("trace.txt"));
    match trace(logs.path())? == trace(&inputs.dir)? {
        true => Ok(()),
        false => Err("the stopped guest gave another trace".into()),
    }
}

/// Without a workload, a seed changes the trace in one way only: DAMON samples other pages, which takes other times.
fn another_seed(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let text = std::fs::read_to_string(damonlab::bundled::home().join("scenarios/idle.yaml"))?;
    let of_workload = |line: &&str| line.contains("name: cold") || line.contains("resident: cold");
    let text: String =
        text.lines().filter(|line| !of_workload(line)).map(|line| format!("{line}\n")).collect();
    let text = text.replace("\nworkloads:\n", "\n");
    let source = ScenarioSource { scenario: Scenario::parse("no-workload", &text)?, text };
    if !source.scenario.workloads.is_empty() {
        return Err("the scenario still has a workload".into());
    }
    let (env, _out) = common::with_own_results(env)?;
    let mut traces = Vec::new();
    for seed in [1, 2] {
        let report = run::run(&env, &source, seed)?;
        if report.verdict != Verdict::Pass {
            return Err(report::full_text(&report).into());
        }
        let lines = Recording::load(&report.dir)?.trace.lines;
        traces.push(lines.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
    match traces[0].is_empty() || traces[0] == traces[1] {
        true => Err("the seeds 1 and 2 gave the same trace".into()),
        false => Ok(()),
    }
}

/// The order shows in when the threads began and ended, and in what the kernel refused to which.
fn at_once(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let source = common::shipped("race-sysfs")?;
    let (env, _out) = common::with_own_results(env)?;
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let report = run::run(&env, &source, seed)?;
        if report.verdict != Verdict::Pass {
            return Err(report::full_text(&report).into());
        }
        runs.push(report.dir);
    }
    if let Some(difference) = first_difference(&runs[0], &runs[1])? {
        return Err(difference.to_string().into());
    }
    let refused = |dir: &Path| -> Result<Vec<_>, Box<dyn Error>> {
        let steps = Recording::load(dir)?.report.steps;
        Ok(steps.into_iter().flat_map(|step| step.tasks).map(|task| (task.done, task.refused)).collect())
    };
    let (first, second) = (refused(&runs[0])?, refused(&runs[2])?);
    ensure(first.len() == 13 && first != second, (first, second))
}

fn passed(env: &RunEnv) -> Result<Report, Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(SCENARIO);
    common::pass(env, &ScenarioSource::from(&path)?)
}
