//! `damonlab schema`: JSON Schema of what damonlab writes and reads.

use super::error::VerbResult;
use super::output;
use crate::{report, scenario};
use clap::{Args, ValueEnum};

pub(super) const HELP: &str = "Examples: damonlab schema result\n          \
    damonlab schema result >damonlab-result.schema.json\n          \
    damonlab schema scenario\n\n\
    It is JSON Schema, draft 2020-12. A program that accepts fields that it does not know reads the lines of every later\n\
    damonlab with the same `version`.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What it describes.
    #[arg(value_enum, value_name = "WHAT")]
    what: What,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// A line of `--format json`.
    Result,
    /// A scenario's YAML, for editors.
    Scenario,
}

pub(super) fn schema(arguments: &Arguments) -> VerbResult {
    match arguments.what {
        What::Result => output::print(report::RESULT_SCHEMA)?,
        What::Scenario => output::print(&format!("{:#}\n", scenario::schema()))?,
    }
    Ok(0)
}
