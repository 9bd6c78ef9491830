//! `damonlab setup`: installs what is missing.

use super::error::VerbResult;
use super::output::{self, FormatArgs};
use crate::host::progress::Progress;
use crate::report;
use crate::setup::{self, Env, Extra};
use clap::Args;

pub(super) const HELP: &str = "Examples: damonlab setup\n          damonlab setup --with damo";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Install this too. damo: from PyPI, into damonlab's own environment, for the scenario of that name. bubblewrap: a
    /// package of the distribution, for `--build-in bwrap`. trace-cmd, a package too, and perfetto, from PyPI: for what `damonlab
    /// export` writes. chromium, a package: for damonlab's own tests of pages. May be given more than once.
    #[arg(long = "with", value_name = "damo|bubblewrap|trace-cmd|perfetto|chromium")]
    extras: Vec<Extra>,
    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn setup(arguments: &Arguments) -> VerbResult {
    let (env, progress) = (Env::machine()?, Progress::stderr());
    let mut installed = setup::install(&env, &progress)?;
    installed.extend(setup::install_extras(&env, &arguments.extras, &progress)?);
    output::list(&report::installed(&installed), arguments.format)?;
    Ok(0)
}
