//! `damonlab list`: everything that there is.

use super::error::VerbResult;
use super::kernel;
use super::output::{self, FormatArgs};
use super::scenarios;
use crate::host::paths;
use crate::report::Inventory;
use crate::scenario;
use crate::vm::checkpoint::{self, Store};
use clap::Args;

pub(super) const HELP: &str = "Examples: damonlab list\n          damonlab list --format json";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn list(arguments: &Arguments) -> VerbResult {
    let cache = paths::cache()?;
    let inventory = Inventory {
        scenarios: scenarios::all()?,
        machines: scenario::machines(&scenario::shipped_machines()).map_err(Box::new)?,
        kernels: kernel::cache(&cache),
        checkpoints: checkpoint::list(&Store::of(&cache)),
        checkpoint_limit: checkpoint::limit(),
    };
    output::list(&inventory.listing(), arguments.format)?;
    Ok(0)
}
