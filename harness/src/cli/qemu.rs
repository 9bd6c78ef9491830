//! Whether this host's QEMU can build what the scenarios need.

use super::error::CliError;
use crate::machine::Machine;
use crate::scenario::Scenario;
use crate::setup::Tools;
use crate::vm;
use std::path::Path;

/// Refuses a scenario whose machine this QEMU cannot build. What QEMU can do is cached: a millisecond.
pub(super) fn check<'a>(
    scenarios: impl IntoIterator<Item = &'a Scenario>,
    cache: &Path,
    tools: &Tools,
) -> Result<(), CliError> {
    let capabilities = vm::capabilities(cache, tools)?;
    for scenario in scenarios {
        capabilities.check(&scenario.name, &Machine::of(scenario)?.argv, tools)?;
    }
    Ok(())
}
