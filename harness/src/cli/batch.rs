//! The scenarios of one `damonlab run`, several at a time: each with one seed, or one after the other with many.

use super::error::CliError;
use super::exit_status::ExitStatuses;
use super::output::Output;
use super::plots_args;
use super::repro_command::{ReproCommand, Seeds};
use crate::check::Verdict;
use crate::host::progress::Progress;
use crate::judge::{Coverage, ExpectedChange, Report, RuleFileUse};
use crate::report::{self, PlotStyle, RunView};
use crate::run::{self, RunEnv, RunError, ScenarioSource, SeedRange, suite};
use std::num::{NonZeroU32, NonZeroUsize};

/// What all runs of one command have in common.
pub(super) struct Batch<'a> {
    pub(super) env: &'a RunEnv,
    pub(super) jobs: NonZeroUsize,
    pub(super) repeat: NonZeroU32,
    pub(super) repro: ReproCommand<'a>,
    /// The rules that the kernel means to change.
    pub(super) changes: &'a [ExpectedChange],
    pub(super) progress: &'a Progress,
    /// How each goal is plotted beside the verdict, if it is.
    pub(super) plots: Option<PlotStyle>,
}

/// What the user calls a scenario, and the scenario.
pub(super) type Named<'a> = (String, &'a ScenarioSource);

impl Batch<'_> {
    /// Several scenarios at a time, one run each.
    pub(super) fn one_seed_each(
        &self,
        scenarios: &[Named<'_>],
        seed: u64,
        rules: &mut RuleFileUse,
        output: &mut Output,
    ) -> Result<(ExitStatuses, Coverage), CliError> {
        let (mut statuses, mut coverage) = (ExitStatuses::default(), Coverage::new());
        self.start(scenarios, output)?;
        let line = self.progress.batch("run", scenarios.len());
        let one = |(word, source): &Named<'_>| {
            line.begin(word);
            let report = self.repeat(source, seed);
            line.end(word, failed(&report));
            report
        };
        suite::ordered(scenarios, self.jobs, one, |(word, source), report| {
            let report = report?;
            let repeat = self.repro.if_failed(word, Seeds::One(seed), &report.verdict);
            let (scenario, seed) = (Some(&source.scenario), Some(seed));
            let mut item = RunView { scenario, seed, repeat, ..RunView::of(&report) }.item();
            plots_args::add(&mut item, &report, self.plots, scenarios.len() == 1);
            output.item(&item)?;
            report.judgement.iter().for_each(|judgement| coverage.add(&report.scenario, judgement));
            rules.add(&report);
            statuses.add(&report.verdict, [&report]);
            Ok::<(), CliError>(())
        })?;
        Ok((statuses, coverage))
    }

    /// One scenario after the other, several of its seeds at a time.
    pub(super) fn many_seeds_each(
        &self,
        scenarios: &[Named<'_>],
        seeds: SeedRange,
        rules: &mut RuleFileUse,
        output: &mut Output,
    ) -> Result<ExitStatuses, CliError> {
        let mut statuses = ExitStatuses::default();
        self.start(scenarios, output)?;
        let line = self.progress.batch("run", scenarios.len() * seeds.iter().count());
        for (word, source) in scenarios {
            let scenario = &source.scenario;
            let one = |seed| {
                let name = format!("{word} seed {seed}");
                line.begin(&name);
                let report = self.repeat(source, seed);
                line.end(&name, failed(&report));
                report
            };
            let sweep = run::sweep(scenario, seeds, self.jobs, one, |seed, report| {
                let repeat = self.repro.if_failed(word, Seeds::One(seed), &report.verdict);
                let mut item = report::seed(scenario, seed, report, repeat);
                plots_args::add(&mut item, report, self.plots, false);
                output.item(&item)
            })?;
            let together = sweep.over.iter().any(|over| over.finding.is_some());
            let repeat =
                together.then(|| self.repro.if_failed(word, Seeds::All(seeds), &sweep.verdict)).flatten();
            output.item(&report::sweep(scenario, &sweep, repeat.as_deref()))?;
            sweep.runs.iter().for_each(|(_, report)| rules.add(report));
            statuses.add(&sweep.verdict, sweep.runs.iter().map(|(_, report)| report));
        }
        Ok(statuses)
    }

    fn start(&self, scenarios: &[Named<'_>], output: &mut Output) -> Result<(), CliError> {
        let names = scenarios.iter().map(|(_, source)| source.scenario.name.clone()).collect();
        output.start(names, Some(&self.env.image.describe))
    }

    fn repeat(&self, source: &ScenarioSource, seed: u64) -> Result<Report, RunError> {
        let mut report = run::repeat(self.env, source, seed, self.repeat, self.progress)?;
        report.expect_changes(self.changes);
        Ok(report)
    }
}

/// Whether the progress line counts it as a failure.
fn failed(report: &Result<Report, RunError>) -> bool {
    !report.as_ref().is_ok_and(|report| matches!(report.verdict, Verdict::Pass | Verdict::Skip(_)))
}
