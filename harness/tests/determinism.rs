//! One run gives one recording, to the byte, whatever the host does meanwhile.
//!
//! Machines with several CPUs are not here: `scenarios/invalid/two-cpus.yaml` says why.

mod common;

use damonlab::check::Verdict;
use damonlab::recording::Recipe;
use damonlab::recording::compare::first_difference;
use damonlab::report;
use damonlab::run::replay::{self, Outcome};
use damonlab::run::{self, Lab, Loaded, Report};
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const TRIALS: &[(&str, common::Check)] = &[
    ("three_runs_at_once_on_a_loaded_host_record_what_one_run_records", loaded_host),
    ("a_replay_records_what_the_recording_holds", replayed),
];

/// Migration both ways and two workloads that wake at the same moments, for five guest seconds.
const SCENARIO: &str = "determinism/two-workloads.yaml";

/// How many runs share the host with the load.
const AT_ONCE: usize = 3;

fn main() -> ExitCode {
    common::checks(TRIALS)
}

fn loaded_host(lab: &Lab) -> Result<(), Box<dyn Error>> {
    let out = tempfile::tempdir()?;
    let lab = below(lab, out.path());
    let first = passed(&lab)?;
    let load = Load::start()?;
    let runs = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..AT_ONCE).map(|_| scope.spawn(|| passed(&lab).map_err(|error| error.to_string()))).collect();
        threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    drop(load);
    for run in runs {
        let run = run.map_err(|_| "a run panicked")??;
        if let Some(difference) = first_difference(&first.dir, &run.dir)? {
            return Err(difference.to_string().into());
        }
    }
    Ok(())
}

fn replayed(lab: &Lab) -> Result<(), Box<dyn Error>> {
    let out = tempfile::tempdir()?;
    let lab = below(lab, out.path());
    let recipe = Recipe::load(&passed(&lab)?.dir)?;
    let unlike = replay::unlike(&recipe, &lab);
    if !unlike.is_empty() {
        return Err(format!("nothing has changed, and damonlab says {unlike:?}").into());
    }
    let replay = replay::replay(&lab, &recipe)?;
    match replay.outcome {
        Outcome::Identical(extent) if extent.trace_lines > 100 => Ok(()),
        _ => Err(report::replay(&replay, &recipe.dir, &unlike).into()),
    }
}

fn below(lab: &Lab, out: &Path) -> Lab {
    Lab { out: out.to_owned(), ..lab.clone() }
}

fn passed(lab: &Lab) -> Result<Report, Box<dyn Error>> {
    let loaded = Loaded::from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(SCENARIO))?;
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
