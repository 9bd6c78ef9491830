//! `damonlab export`: a recording in the format of another program.

use super::error::{CliError, VerbResult};
use super::output::{self, FormatArgs};
use crate::export::Format;
use crate::recording::Recording;
use crate::report;
use clap::Args;
use std::path::PathBuf;

pub(super) const HELP: &str = "Examples: damonlab export results/pull-push/0001 --to perfetto\n          \
    damonlab export results/pull-push/0001 --to trace.dat -o trace.dat && trace-cmd report trace.dat\n          \
    damonlab export results/pull-push/0001 --to csv --event damos_esz -o quota.csv\n          \
    damonlab export results/idle/0001 --to damo -o damon.data && damo report heatmap --input damon.data\n\n\
    docs/exports.md describes what each format has, with columns and units.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A folder with a recording.json.
    #[arg(value_name = "DIR")]
    recording: PathBuf,
    /// The format.
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Format,
    /// Where to write it: a file, or for csv without --event a folder [default: in the current folder, named after the
    /// scenario and the recording].
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Of csv: only the table of this event, without its system.
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn export(arguments: &Arguments) -> VerbResult {
    let Arguments { recording, to, output, event, format } = arguments;
    if event.is_some() && *to != Format::Csv {
        return Err(CliError::NoEffect { option: "--event", on: format!("--to {}", to.name()) });
    }
    let recording = Recording::load(recording)?;
    let event = event.as_deref();
    let path = output.clone().unwrap_or_else(|| to.default_path(&recording, event));
    let exported = to.write(&recording, &path, event)?;
    output::list(&report::exported(*to, &recording, &exported), *format)?;
    Ok(0)
}
