//! `damonlab series`: what would come of a series, before anything is built.

use super::error::VerbResult;
use super::output::{self, FormatArgs};
use super::values;
use crate::host::progress::Progress;
use crate::kernel::{self, Changes, KernelError, Origins, Request};
use crate::report;
use crate::series;
use crate::setup::Env;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What to do with a series.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Show what a series would change in a kernel: each patch, whether it applies, where and how exactly, and what is in
    /// already. Builds nothing. Exit status 1 if a patch does not apply.
    #[command(
        after_help = "Examples: damonlab series show v3.mbx\n          damonlab series show outgoing/ --kernel ~/linux@damon/next"
    )]
    Show(Arguments),
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The series, as for `damonlab run --series`.
    #[arg(value_name = "PATH", required = true, value_parser = values::path())]
    series: Vec<PathBuf>,
    /// The kernel: a release, a source tree, or TREE@REF [default: 7.3].
    #[arg(long, value_name = "VERSION|DIR|DIR@REF")]
    kernel: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn series(verb: &Verb) -> VerbResult {
    let Verb::Show(arguments) = verb;
    let (origins, progress) = (Origins::of(Env::machine()?), Progress::stderr());
    let kernel = match &arguments.kernel {
        None => Request::default(),
        Some(word) => Request::parse(word, &origins)?,
    };
    let request = kernel.to_build("a series")?;
    let series = series::read(&arguments.series).map_err(KernelError::from)?;
    let request = request.with(Changes { patches: series.patches.clone(), ..Changes::default() });
    let trial = kernel::try_patches(&request, &origins, &progress)?;
    output::list(&report::series(&series, &trial), arguments.format)?;
    Ok(u8::from(trial.patches.iter().any(|(_, result)| matches!(result, kernel::PatchResult::Refused(_)))))
}
