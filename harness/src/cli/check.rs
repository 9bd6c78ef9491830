//! `damonlab check`: stored recordings, judged again with today's rules.

use super::error::{CliError, VerbResult};
use super::exit_status;
use super::output::{Closing, Output, OutputArgs};
use crate::judge::{self, Report, Stored, StoredResult};
use crate::recording::{RecordingError, RunInputs};
use crate::report::{self, Item, RunView};
use clap::Args;
use std::path::PathBuf;

pub(super) const HELP: &str = "Examples: damonlab check results/pull-push/0001\n          \
    damonlab check -v results/pull-push/*\n\n\
    Recordings of one scenario on one kernel with several seeds are judged together too.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folders with a recording.json.
    #[arg(required = true, value_name = "DIR")]
    recordings: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn check(arguments: &Arguments) -> VerbResult {
    let mut output = Output::new("check", &arguments.output)?;
    let progress = output.progress();
    let names = arguments.recordings.iter().map(|dir| dir.to_string_lossy().into_owned()).collect();
    output.start(names, None)?;
    let batch = progress.batch("check", arguments.recordings.len());
    let (judged, error) = judge_all(&arguments.recordings, &batch);
    drop(batch);
    let mut worst = 0;
    for result in judge::together(judged) {
        let verdict = match result {
            StoredResult::Alone(report) => {
                output.item(&item(&report)?)?;
                report.verdict
            }
            StoredResult::Seeds(scenario, sweep) => {
                for (_, report) in &sweep.runs {
                    output.item(&Item { part: true, ..item(report)? })?;
                }
                output.item(&report::sweep(&scenario, &sweep, None))?;
                sweep.verdict
            }
        };
        worst = worst.max(exit_status::of_verdict(&verdict));
    }
    // What could be judged has been reported.
    error.map_or(Ok(()), Err)?;
    output.finish(Closing::default())?;
    Ok(worst)
}

/// Judges one recording after the other, up to the first that cannot be read.
fn judge_all(
    recordings: &[PathBuf],
    batch: &crate::host::progress::Batch,
) -> (Vec<Stored>, Option<RecordingError>) {
    let mut judged = Vec::new();
    for dir in recordings {
        let name = dir.to_string_lossy().into_owned();
        batch.begin(&name);
        match Stored::judge(dir) {
            Ok(one) => judged.push(one),
            Err(error) => return (judged, Some(error)),
        }
        batch.end(&name, false);
    }
    (judged, None)
}

/// A recording is called by its folder: several may be of one scenario.
fn item(report: &Report) -> Result<Item, CliError> {
    let inputs = RunInputs::load(&report.dir)?;
    let name = report.dir.to_string_lossy().into_owned();
    let (scenario, seed) = (Some(&inputs.scenario), Some(inputs.meta.seed));
    Ok(RunView { name, scenario, seed, ..RunView::of(report) }.item())
}
