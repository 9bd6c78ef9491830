//! `damonlab export-data`: the files that the program carries with it, to be read and changed.

use super::error::VerbResult;
use super::output::{self, FormatArgs};
use crate::bundled;
use crate::report;
use clap::Args;
use std::path::PathBuf;

pub(super) const HELP: &str = "Examples: damonlab export-data my-damonlab && cd my-damonlab && damonlab list\n          \
    DAMONLAB_HOME=~/my-damonlab damonlab run pull-push\n\n\
    In that folder, or with DAMONLAB_HOME, damonlab uses these files in place of the built-in ones.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder, which may be new. What is there is never overwritten.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn export_data(arguments: &Arguments) -> VerbResult {
    let exported = bundled::export(&arguments.dir)?;
    output::list(&report::exported_data(&exported, &arguments.dir), arguments.format)?;
    Ok(0)
}
