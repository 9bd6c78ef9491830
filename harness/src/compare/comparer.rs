//! Runs the scenarios on both kernels: one seed on A, the same seed on B, and so on, several guests at a time.

use super::discrepancy::Runs;
use super::{Comparison, Observed, Pair, Side};
use crate::check::Verdict;
use crate::judge::{ExpectedChange, Report};
use crate::recording::Recording;
use crate::run::{self, RunEnv, RunError, ScenarioSource, SeedRange, suite};
use std::num::NonZeroUsize;

/// The runs of a comparison.
#[derive(Debug)]
pub struct Comparer<'a> {
    /// The kernel of each side and the folder of its results.
    pub envs: Pair<RunEnv>,
    /// The arguments with which the user names the kernels.
    pub arguments: Pair<String>,
    /// The scenarios.
    pub scenarios: &'a [ScenarioSource],
    /// The seeds, each of which runs on both sides.
    pub seeds: SeedRange,
    /// The rules that the kernels mean to change: what violates them is no difference.
    pub changes: &'a [ExpectedChange],
    /// How many guests run at once.
    pub jobs: NonZeroUsize,
}

/// One run.
#[derive(Debug, Clone, Copy)]
struct PlannedRun {
    seed: u64,
    side: Side,
}

/// Why the runs end early.
enum Stop {
    Error(RunError),
    /// The kernel of this side does not boot.
    NoBoot(Side),
}

impl Comparer<'_> {
    /// Runs everything and passes each run to `each`, in order.
    ///
    /// # Errors
    /// What the user has to fix, or Ctrl-C; no further run starts then.
    pub fn run(&self, mut each: impl FnMut(Side, u64, &Report)) -> Result<Comparison, RunError> {
        let name = |side: Side| {
            let (argument, describe) = (self.arguments.get(side), &self.envs.get(side).image.describe);
            // The description of a bzImage begins with its path.
            if describe.contains(argument) { describe.clone() } else { format!("{argument} ({describe})") }
        };
        let mut comparison = Comparison::new(Pair::of(name));
        for source in self.scenarios {
            let mut runs = Runs::new();
            let planned: Vec<PlannedRun> =
                self.seeds.iter().flat_map(|seed| Side::BOTH.map(|side| PlannedRun { seed, side })).collect();
            let ended = suite::ordered(
                &planned,
                self.jobs,
                |run| self.one(source, *run),
                |run, result| {
                    let (observed, report) = result.map_err(Stop::Error)?;
                    let failed = matches!(observed.verdict, Verdict::Fail(_));
                    *runs.entry(run.seed).or_default().get_mut(run.side) = Some(observed);
                    let Some(report) = report else { return Ok(()) };
                    each(run.side, run.seed, &report);
                    if failed && report.never_began() { Err(Stop::NoBoot(run.side)) } else { Ok(()) }
                },
            );
            comparison.add(&source.scenario.name, &runs);
            match ended {
                Ok(()) => {}
                Err(Stop::Error(error)) => return Err(error),
                // Every other run would end in the same way, after minutes.
                Err(Stop::NoBoot(side)) => {
                    comparison.no_boot = Some(side);
                    break;
                }
            }
        }
        Ok(comparison)
    }

    fn one(&self, source: &ScenarioSource, run: PlannedRun) -> Result<(Observed, Option<Report>), RunError> {
        match run::run(self.envs.get(run.side), source, run.seed) {
            Ok(report) => {
                let report = report.with_expected_changes(self.changes);
                // A guest that died left no recording; its verdict is enough.
                let recording = report.judgement.as_ref().and_then(|_| Recording::load(&report.dir).ok());
                Ok((Observed::of(report.verdict.clone(), recording.as_ref()), Some(report)))
            }
            // One kernel supports less than the other: that is a difference.
            Err(RunError::UnsupportedKernel(unsupported)) => {
                Ok((Observed::of(Verdict::Skip(unsupported.to_string()), None), None))
            }
            Err(error) => Err(error),
        }
    }
}
