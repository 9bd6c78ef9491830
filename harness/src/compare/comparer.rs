//! Both kernels through the scenarios: one seed on A, the same on B, and so on, several guests at a time.

use super::discrepancy::Runs;
use super::{Comparison, Observed, Pair, Side};
use crate::check::Verdict;
use crate::judge::Report;
use crate::recording::Recording;
use crate::run::{self, RunEnv, RunError, ScenarioSource, SeedRange, suite};
use std::num::NonZeroUsize;

/// What is run, and on what.
#[derive(Debug)]
pub struct Comparer<'a> {
    /// Each side's kernel and folder for results.
    pub labs: Pair<RunEnv>,
    /// What the user calls them.
    pub words: Pair<String>,
    /// The scenarios.
    pub scenarios: &'a [ScenarioSource],
    /// With each of these.
    pub seeds: SeedRange,
    /// How many guests run at once.
    pub jobs: NonZeroUsize,
}

/// One run of many.
#[derive(Debug, Clone, Copy)]
struct Turn {
    seed: u64,
    side: Side,
}

/// Why runs end early.
enum Stop {
    Error(RunError),
    /// This side's kernel never came to user space.
    NoBoot(Side),
}

impl Comparer<'_> {
    /// Runs everything; `each` hears of every run, in order.
    ///
    /// # Errors
    /// What the user has to mend or asked for; no further run is begun.
    pub fn run(&self, mut each: impl FnMut(Side, u64, &Report)) -> Result<Comparison, RunError> {
        let name = |side: Side| {
            let (word, describe) = (self.words.get(side), &self.labs.get(side).image.describe);
            // That of somebody else's image begins with its path.
            if describe.contains(word) { describe.clone() } else { format!("{word} ({describe})") }
        };
        let mut comparison = Comparison::new(Pair::of(name));
        for loaded in self.scenarios {
            let mut runs = Runs::new();
            let turns: Vec<Turn> =
                self.seeds.iter().flat_map(|seed| Side::BOTH.map(|side| Turn { seed, side })).collect();
            let ended = suite::ordered(
                &turns,
                self.jobs,
                |turn| self.one(loaded, *turn),
                |turn, answer| {
                    let (seen, report) = answer.map_err(Stop::Error)?;
                    let failed = matches!(seen.verdict, Verdict::Fail(_));
                    *runs.entry(turn.seed).or_default().get_mut(turn.side) = Some(seen);
                    let Some(report) = report else { return Ok(()) };
                    each(turn.side, turn.seed, &report);
                    if failed && report.never_began() { Err(Stop::NoBoot(turn.side)) } else { Ok(()) }
                },
            );
            comparison.add(&loaded.scenario.name, &runs);
            match ended {
                Ok(()) => {}
                Err(Stop::Error(error)) => return Err(error),
                // It would take minutes to hear the same of every run.
                Err(Stop::NoBoot(side)) => {
                    comparison.no_boot = Some(side);
                    break;
                }
            }
        }
        Ok(comparison)
    }

    fn one(&self, loaded: &ScenarioSource, turn: Turn) -> Result<(Observed, Option<Report>), RunError> {
        match run::run(self.labs.get(turn.side), loaded, turn.seed) {
            Ok(report) => {
                // A guest that died left none; what the verdict says stands.
                let recording = report.judgement.as_ref().and_then(|_| Recording::load(&report.dir).ok());
                Ok((Observed::of(report.verdict.clone(), recording.as_ref()), Some(report)))
            }
            // One of the kernels has less than the other: that is an answer here.
            Err(RunError::UnsupportedKernel(unfit)) => {
                Ok((Observed::of(Verdict::Skip(unfit.to_string()), None), None))
            }
            Err(error) => Err(error),
        }
    }
}
