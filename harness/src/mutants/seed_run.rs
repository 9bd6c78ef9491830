//! Runs the scenarios that are about a regression with several seeds.

use super::order::seed_order;
use super::result::Record;
use super::runner::MutantRunner;
use super::seed_catches::{SeedCatches, SeedCount};
use crate::judge::Report;
use crate::run::{self, KernelRunError, RunEnv, RunError, SeedRange};
use std::collections::BTreeSet;
use std::time::Instant;

impl MutantRunner<'_> {
    /// How many of these seeds catch the regression of a record: of the scenario that caught it, and, until all seeds of
    /// one do, of the others that are about it. No recording stays.
    pub(super) fn run_seeds(
        &self,
        seeds: SeedRange,
        env: &RunEnv,
        record: &Record,
    ) -> Result<SeedCatches, KernelRunError> {
        let begun = Instant::now();
        let folder = tempfile::tempdir_in(&env.out)?;
        let env = RunEnv { out: folder.path().to_owned(), ..env.clone() };
        let (mut scenarios, mut intended) = (Vec::new(), BTreeSet::new());
        for index in seed_order(record, &self.names()) {
            let source = &self.scenarios[index];
            // A run on the real clock does not repeat.
            if !source.scenario.clock.is_virtual() {
                continue;
            }
            let each = |_, report: &Report| {
                intended.extend(report.intended_rules());
                Ok(std::fs::remove_dir_all(&report.dir)?)
            };
            let one = |seed| self.run_scenario(&env, source, seed);
            let sweep = match run::sweep(&source.scenario, seeds, self.jobs, one, each) {
                Ok(sweep) => sweep,
                // A config fragment may take away what a scenario of the header needs.
                Err(KernelRunError::Run(RunError::UnsupportedKernel(_))) => continue,
                Err(error) => return Err(error),
            };
            let runs = sweep.runs.iter().map(|(seed, report)| (*seed, &report.verdict));
            let count = SeedCount::of(&source.scenario, runs);
            let is_full = count.is_full();
            scenarios.push(count);
            if is_full {
                break;
            }
        }
        Ok(SeedCatches {
            seeds: seeds.to_string(),
            scenarios,
            intended,
            seconds: begun.elapsed().as_secs_f64(),
            suite: self.suite.digest.clone(),
            program: self.suite.program.clone(),
        })
    }
}
