//! One scenario with several seeds: every run, and what they say together.

use super::seeds::SeedRange;
use super::{Lab, Loaded, Report, RunError};
use crate::check::{self, OverSeeds, Verdict};
use crate::scenario::Scenario;
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
    /// How long all of it took.
    pub wall_time: Duration,
}

/// Runs `loaded` with each of the seeds and hands every report to `each` as soon as it is there.
///
/// # Errors
/// As [`super::run`]; or what `each` said, and no further seed is run then.
pub fn sweep<E: From<RunError>>(
    lab: &Lab,
    loaded: &Loaded,
    seeds: SeedRange,
    mut each: impl FnMut(u64, &Report) -> Result<(), E>,
) -> Result<Sweep, E> {
    let started = Instant::now();
    let mut runs = Vec::new();
    for seed in seeds.iter() {
        let report = super::run(lab, loaded, seed)?;
        each(seed, &report)?;
        runs.push((seed, report));
    }
    Ok(Sweep::of(&loaded.scenario, runs, started.elapsed()))
}

impl Sweep {
    /// What the runs of one scenario say together.
    pub fn of(scenario: &Scenario, runs: Vec<(u64, Report)>, wall_time: Duration) -> Sweep {
        let judgements: Vec<_> =
            runs.iter().map(|(seed, report)| (*seed, report.judgement.as_ref())).collect();
        let over = check::over_seeds(&scenario.expect, &judgements);
        let findings = over.iter().filter_map(|one| one.finding.clone()).collect();
        let verdict = Verdict::of_all(runs.iter().map(|(_, report)| &report.verdict), findings);
        Sweep { runs, over, verdict, wall_time }
    }
}
