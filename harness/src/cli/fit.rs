//! Which generated scenarios can run here: the grammar knows neither this host nor its QEMU.

use super::error::CliError;
use crate::machine::Machine;
use crate::run::{self, ScenarioSource};
use crate::setup::Tools;
use crate::vm::{self, Capabilities};
use std::path::Path;

/// What this host and its QEMU can run.
pub(super) struct Fit {
    tools: Tools,
    capabilities: Capabilities,
}

impl Fit {
    pub(super) fn of(cache: &Path, tools: &Tools) -> Result<Fit, CliError> {
        Ok(Fit { tools: tools.clone(), capabilities: vm::capabilities(cache, tools)? })
    }

    /// Why a scenario cannot run here, if it cannot.
    pub(super) fn why_not(&self, source: &ScenarioSource) -> Option<String> {
        if let Err(error) = run::check_host(&source.scenario) {
            return Some(error.to_string());
        }
        let machine = match Machine::of(&source.scenario) {
            Ok(machine) => machine,
            Err(error) => return Some(error.to_string()),
        };
        let missing = self.capabilities.check(&source.scenario.name, &machine.argv, &self.tools);
        missing.err().map(|missing| missing.to_string())
    }
}
