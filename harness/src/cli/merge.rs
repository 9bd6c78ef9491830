//! `damonlab merge`: the shards of a command, reported as the whole command.

use super::error::VerbResult;
use super::output::{Output, OutputArgs};
use super::{coverage, explore, mutants, run};
use crate::report;
use crate::shards::{Joined, Totals};
use clap::Args;
use std::path::PathBuf;

pub(super) const HELP: &str = "Examples: damonlab run --all --shard 1/2 --out first\n          \
    damonlab run --all --shard 2/2 --out second\n          \
    damonlab merge first second\n\n\
    `run`, `coverage`, `explore` and `mutants` with --shard K/N leave their results below --out, as COMMAND-K-of-N.json. merge reports all \
    of them as the whole command would have: the same text, the same --format json, the same exit status. It refuses \
    results of different commands, kernels or seeds, a shard that is missing, and a shard that is there twice.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folders with the results of shards, or files.
    #[arg(required = true, value_name = "DIR")]
    shards: Vec<PathBuf>,
    /// Store below this folder what the whole command stores there: explore.json, coverage.info and coverage.json.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn merge(arguments: &Arguments) -> VerbResult {
    let output = Output::new("merge", &arguments.output)?;
    let Joined { kernel, names, mut items, totals } = Joined::of(&arguments.shards)?;
    let mut output = output.of(totals.command());
    let out = arguments.out.as_ref().map(std::path::absolute).transpose()?;
    if let Totals::Explore(all) = &totals {
        items.iter_mut().for_each(|item| report::drawn_in(item, all));
    }
    output.start(names, kernel.as_deref())?;
    items.iter().try_for_each(|item| output.item(item))?;
    match totals {
        Totals::Run(totals) => run::finish(*totals, Vec::new(), &mut output),
        Totals::Coverage(totals) => coverage::finish(*totals, out.as_deref(), Vec::new(), &mut output),
        Totals::Explore(all) => {
            for item in report::all_smallest(&all) {
                output.item(&item)?;
            }
            explore::finish(&all, out.as_deref(), None, Vec::new(), &mut output)
        }
        Totals::Mutants(totals) => mutants::finish(totals, Vec::new(), &mut output),
    }
}
