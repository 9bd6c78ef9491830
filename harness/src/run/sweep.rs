//! One scenario with several seeds: every run, and what they say together.

use super::seeds::SeedRange;
use super::{RunError, suite};
use crate::judge::{Report, Sweep};
use crate::scenario::Scenario;
use std::num::NonZeroUsize;
use std::time::Instant;

/// Does `run` with each of the seeds, `jobs` at a time, and hands every report to `each` in the order of
/// the seeds, as soon as it is there.
///
/// # Errors
/// What `run` or `each` said; no further seed is begun then.
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
