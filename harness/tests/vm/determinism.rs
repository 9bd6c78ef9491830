//! One run gives one recording, to the byte, whatever the host does meanwhile.
//!
//! Machines with several CPUs are not here: `scenarios/invalid/two-cpus.yaml` says why.

use super::common;
use damonlab::check::Verdict;
use damonlab::host::paths;
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
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const TRIALS: &[(&str, common::Check)] = &[
    ("a_replay_records_what_the_recording_holds", replayed),
    ("a_guest_that_is_stopped_for_a_debugger_and_let_go_records_the_same", stopped),
    ("another_seed_gives_the_kernel_other_random_numbers", another_seed),
];

/// Migration both ways and two workloads that wake at the same moments, for five guest seconds.
const SCENARIO: &str = "determinism/two-workloads.yaml";

/// How many runs share the host with the load.
const AT_ONCE: usize = 3;

/// How many guests may run on this host at once: enough for those, and for the other trials' guests.
const SLOTS: (&str, &str) = ("DAMONLAB_SLOTS", "64");

/// The trial that loads the host, by itself and in the process that has the slots for it.
const LOADED: &str = "three_runs_at_once_on_a_loaded_host_record_what_one_run_records";

pub fn trials() -> Vec<Trial> {
    let loaded =
        common::alone(LOADED, |env| match std::env::var_os(SLOTS.0).is_some_and(|slots| slots == SLOTS.1) {
            true => loaded_host(env).map_err(Failed::from),
            false => with_slots().map_err(|error| error.to_string().into()),
        });
    common::checks(TRIALS).into_iter().chain([loaded]).collect()
}

/// Runs the loaded trial in a process of its own: a program cannot set a variable for itself safely.
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

fn loaded_host(lab: &RunEnv) -> Result<Completion, Box<dyn Error>> {
    let out = tempfile::tempdir()?;
    let lab = below(lab, out.path());
    let first = passed(&lab)?;
    let load = Load::start()?;
    let runs = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..AT_ONCE).map(|_| scope.spawn(|| timed(&lab).map_err(|error| error.to_string()))).collect();
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
    let last_began = times.iter().map(|time| time.start);
    let first_ended = times.iter().map(|time| time.end);
    if last_began.max() < first_ended.min() {
        return Ok(Completion::Completed);
    }
    common::ignored(format!(
        "this host let no {AT_ONCE} guests run at once: too little memory, or too few slots"
    ))
    .map_err(|failed| failed.message().unwrap_or_default().into())
}

/// A run, and when it had its slot.
fn timed(lab: &RunEnv) -> Result<(Report, Range<Instant>), Box<dyn Error>> {
    let report = passed(lab)?;
    let end = Instant::now();
    let start = end - report.wall_time.unwrap_or_default();
    Ok((report, start..end))
}

fn replayed(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let out = tempfile::tempdir()?;
    let lab = below(lab, out.path());
    let recipe = RunInputs::load(&passed(&lab)?.dir)?;
    let unlike = replay::unlike(&recipe, &lab);
    if !unlike.is_empty() {
        return Err(format!("nothing has changed, and damonlab says {unlike:?}").into());
    }
    let replay = replay::replay(&lab, &recipe)?;
    match replay.outcome {
        ReplayResult::Identical(extent) if extent.trace_lines > 100 => Ok(()),
        _ => Err(report::replay(&replay, &recipe.dir, &unlike).into()),
    }
}

fn stopped(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let out = tempfile::tempdir()?;
    let lab = below(lab, out.path());
    let recipe = RunInputs::load(&passed(&lab)?.dir)?;
    let logs = tempfile::tempdir()?;
    let mut session = debug::debug(&lab, &recipe, &"damos_esz:2".parse()?, logs.path())?;
    let said = session.to_string();
    if !(session.stopped.socket().exists() && said.contains("STOPPED  before damos_esz number 2")) {
        return Err(said.into());
    }
    session.stopped.go_on()?;
    session.stopped.wait()?;
    let trace = |dir: &Path| std::fs::read(dir.join("trace.txt"));
    match trace(logs.path())? == trace(&recipe.dir)? {
        true => Ok(()),
        false => Err("the trace of the stopped guest is another one".into()),
    }
}

/// With no workload a seed has one way into the trace: DAMON looks at other pages, which takes other times.
fn another_seed(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let text = std::fs::read_to_string(paths::project().join("scenarios/idle.yaml"))?;
    let of_workload = |line: &&str| line.contains("name: cold") || line.contains("resident: cold");
    let text: String =
        text.lines().filter(|line| !of_workload(line)).map(|line| format!("{line}\n")).collect();
    let text = text.replace("\nworkloads:\n", "\n");
    let loaded = ScenarioSource { scenario: Scenario::parse("nothing-runs", &text)?, text };
    if !loaded.scenario.workloads.is_empty() {
        return Err("the scenario still has a workload".into());
    }
    let out = tempfile::tempdir()?;
    let lab = below(lab, out.path());
    let mut traces = Vec::new();
    for seed in [1, 2] {
        let report = run::run(&lab, &loaded, seed)?;
        if report.verdict != Verdict::Pass {
            return Err(report::human(&report).into());
        }
        let lines = Recording::load(&report.dir)?.trace.lines;
        traces.push(lines.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
    match traces[0].is_empty() || traces[0] == traces[1] {
        true => Err("the seeds 1 and 2 gave the same trace".into()),
        false => Ok(()),
    }
}

fn below(lab: &RunEnv, out: &Path) -> RunEnv {
    RunEnv { out: out.to_owned(), ..lab.clone() }
}

fn passed(lab: &RunEnv) -> Result<Report, Box<dyn Error>> {
    let loaded = ScenarioSource::from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(SCENARIO))?;
    let run = run::run(lab, &loaded, 0)?;
    match run.verdict {
        Verdict::Pass => Ok(run),
        _ => Err(report::human(&run).into()),
    }
}

/// Threads that keep every CPU of the host busy until they are dropped, or for two minutes.
struct Load {
    enough: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn start() -> Result<Load, Box<dyn Error>> {
        let enough = Arc::new(AtomicBool::new(false));
        let until = Instant::now() + Duration::from_secs(120);
        let burn = |_| {
            let enough = Arc::clone(&enough);
            std::thread::spawn(move || {
                while !enough.load(Ordering::Relaxed) && Instant::now() < until {
                    (0..1000).for_each(|_| std::hint::spin_loop());
                }
            })
        };
        let threads = (0..std::thread::available_parallelism()?.get()).map(burn).collect();
        Ok(Load { enough, threads })
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.enough.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
