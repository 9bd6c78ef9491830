//! `damonlab doctor`: what is missing on this host.

use super::error::VerbResult;
use super::output::{self, FormatArgs};
use crate::host::interrupt;
use crate::report;
use crate::setup::{self, Env, Work};
use crate::vm;
use clap::Args;

pub(super) const HELP: &str = "Example: damonlab doctor\n\n\
    Exit status: 0 if damonlab has everything that it needs, 3 if not.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn doctor(arguments: &Arguments) -> VerbResult {
    let env = Env::machine()?;
    let rows = setup::doctor(&env);
    interrupt::check()?;
    let tools = setup::tools_of(&rows, &env, Work::Guest).ok();
    let machines = tools.as_ref().map(|tools| vm::machines_note(&env.cache, tools));
    let notes: Vec<String> = machines.into_iter().chain([vm::kvm_note(&env.cache, tools.as_ref())]).collect();
    output::list(&report::doctor(&rows, &setup::closing(&rows, &env), &notes), arguments.format)?;
    Ok(if rows.iter().any(setup::Row::blocks) { 3 } else { 0 })
}
