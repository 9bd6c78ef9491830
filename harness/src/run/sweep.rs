//! Runs one scenario with several seeds.

use super::run_error::RunError;
use super::seeds::SeedRange;
use super::suite;
use crate::judge::{Report, Sweep};
use crate::scenario::Scenario;
use std::num::NonZeroUsize;
use std::time::Instant;

/// Calls `run` with each seed, `jobs` at a time, and passes every report to `each` in the order of the seeds, as soon as
/// there is one.
///
/// # Errors
/// Those of `run` and `each`; no further seed starts then.
pub fn sweep<E: From<RunError>>(
    scenario: &Scenario,
    seeds: SeedRange,
    jobs: NonZeroUsize,
    run: impl Fn(u64) -> Result<Report, RunError> + Sync,
    mut each: impl FnMut(u64, &Report) -> Result<(), E>,
) -> Result<Sweep, E> {
    let started = Instant::now();
    let seeds: Vec<u64> = seeds.iter().collect();
    let mut runs = Vec::new();
    suite::ordered(
        &seeds,
        jobs,
        |seed| run(*seed),
        |seed, report| {
            let report = report?;
            each(*seed, &report)?;
            runs.push((*seed, report));
            Ok::<(), E>(())
        },
    )?;
    Ok(Sweep::of(scenario, runs, Some(started.elapsed())))
}
