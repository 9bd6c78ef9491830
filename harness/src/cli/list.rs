//! `damonlab list`: everything that there is.

use super::error::{CliError, VerbResult};
use super::kernel;
use super::output::{self, FormatArgs};
use super::scenarios;
use crate::bundled::{self, Origin};
use crate::host::paths;
use crate::report::Inventory;
use crate::scenario::{self, NamedMachine};
use crate::vm::checkpoint::{self, Store};
use clap::Args;

pub(super) const HELP: &str = "Examples: damonlab list\n          damonlab list --format json\n\n\
    `this folder` is ./scenarios, which comes first; `built in` is what the program carries with it.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn list(arguments: &Arguments) -> VerbResult {
    let cache = paths::cache()?;
    let inventory = Inventory {
        scenarios: scenarios::with_origins()?,
        machines: machines()?,
        kernels: kernel::cache(&cache),
        checkpoints: checkpoint::list(&Store::of(&cache)),
        checkpoint_limit: checkpoint::limit(),
    };
    output::list(&inventory.listing(), arguments.format)?;
    Ok(0)
}

/// Every machine that needs no path, with where it comes from.
fn machines() -> Result<Vec<(Origin, NamedMachine)>, CliError> {
    let mut found: Vec<(Origin, NamedMachine)> = Vec::new();
    for folder in scenario::machine_folders() {
        let all = scenario::machines(&folder).map_err(Box::new)?.into_iter();
        let new = all.filter(|one| !found.iter().any(|(_, before)| before.name == one.name));
        let new: Vec<_> = new.map(|one| (bundled::origin(&folder), one)).collect();
        found.extend(new);
    }
    found.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    Ok(found)
}
