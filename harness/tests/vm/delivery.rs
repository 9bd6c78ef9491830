//! The results leave the guest in every run, on a loaded host: `DAMONLAB_DELIVERIES=N` makes that N runs.

use super::common;
use super::load::Load;
use damonlab::recording::compare::first_difference;
use damonlab::run::RunEnv;
use libtest_mimic::{Completion, Failed, Trial};
use std::error::Error;
use std::time::Duration;

const RUNS: (&str, u32) = ("DAMONLAB_DELIVERIES", 5);

pub fn trials() -> Vec<Trial> {
    let delivered = |env: &RunEnv| match delivered(env) {
        Ok(()) => Ok(Completion::Completed),
        Err(error) => Err(Failed::from(error)),
    };
    vec![common::alone("results_arrive_in_every_run_on_a_loaded_host", delivered)]
}

fn delivered(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let runs = std::env::var(RUNS.0).map_or(Ok(RUNS.1), |runs| runs.parse())?;
    let (env, _out) = common::with_own_results(env)?;
    let source = common::shipped("idle")?;
    let first = common::pass(&env, &source)?.dir;
    let _load = Load::start(Duration::from_secs(60) * runs)?;
    for run in 1..=runs {
        let dir = common::pass(&env, &source).map_err(|error| format!("run {run} of {runs}: {error}"))?.dir;
        if let Some(difference) = first_difference(&first, &dir)? {
            return Err(format!("run {run} of {runs}: {difference}").into());
        }
        std::fs::remove_dir_all(dir)?;
    }
    Ok(())
}
