//! One scenario with several seeds: every run, and what they say together.

use super::seeds::SeedRange;
use super::{Report, RunError, suite};
use crate::check::{self, OverSeeds, Verdict};
use crate::scenario::Scenario;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// A scenario that ran once with each seed.
#[derive(Debug)]
pub struct Sweep {
    /// The runs, by seed.
    pub runs: Vec<(u64, Report)>,
    /// Its expectations over all of them, in the scenario's order.
    pub over: Vec<OverSeeds>,
    /// The worst of the runs' verdicts, and what they break together.
    pub verdict: Verdict,
    /// How long all of it took; none for recordings that were judged again.
    pub wall_time: Option<Duration>,
}

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

impl Sweep {
    /// What the runs of one scenario say together.
    pub fn of(scenario: &Scenario, runs: Vec<(u64, Report)>, wall_time: Option<Duration>) -> Sweep {
        let judgements: Vec<_> =
            runs.iter().map(|(seed, report)| (*seed, report.judgement.as_ref())).collect();
        let over = check::over_seeds(&scenario.expect, &judgements);
        let findings = over.iter().filter_map(|one| one.finding.clone()).collect();
        let verdict = Verdict::of_all(runs.iter().map(|(_, report)| &report.verdict), findings);
        Sweep { runs, over, verdict, wall_time }
    }
}
