//! One scenario with several seeds: every run, and the result of all together.

use super::report::Report;
use super::seeds::{OverSeeds, over_seeds};
use crate::check::Verdict;
use crate::scenario::Scenario;
use std::time::Duration;

/// A scenario that ran once with each seed.
#[derive(Debug)]
pub struct Sweep {
    /// The runs, by seed.
    pub runs: Vec<(u64, Report)>,
    /// Its expectations over all of them, in the scenario's order.
    pub over: Vec<OverSeeds>,
    /// The worst of the runs' verdicts, and what they violate together.
    pub verdict: Verdict,
    /// How long all of it took; none for recordings that were judged again.
    pub wall_time: Option<Duration>,
}

impl Sweep {
    /// The result of the runs of one scenario.
    pub fn of(scenario: &Scenario, runs: Vec<(u64, Report)>, wall_time: Option<Duration>) -> Sweep {
        let judgements: Vec<_> =
            runs.iter().map(|(seed, report)| (*seed, report.judgement.as_ref())).collect();
        let over = over_seeds(&scenario.expect, &judgements);
        let findings = over.iter().filter_map(|one| one.finding.clone()).collect();
        let verdict = Verdict::of_all(runs.iter().map(|(_, report)| &report.verdict), findings);
        Sweep { runs, over, verdict, wall_time }
    }
}
