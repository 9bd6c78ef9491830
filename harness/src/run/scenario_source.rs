//! A scenario together with the text it was read from, which the recording stores.

use crate::scenario::{IntroducesFile, Machines, Scenario, ScenarioError};
use std::path::Path;

/// A scenario and its text.
#[derive(Debug, Clone)]
pub struct ScenarioSource {
    /// The scenario.
    pub scenario: Scenario,
    /// The text of its file.
    pub text: String,
}

impl ScenarioSource {
    /// Reads the file of a scenario.
    ///
    /// # Errors
    /// The file cannot be read, or is not a valid scenario.
    pub fn from(path: &Path) -> Result<ScenarioSource, Box<ScenarioError>> {
        ScenarioSource::on(path, None, None)
    }

    /// Reads the file of a scenario, to run it on another machine, given by name or path, and with words that another
    /// file introduces. Whether that machine is possible on the scenario's clock is for the caller to check, who may
    /// change the clock too.
    ///
    /// # Errors
    /// As [`ScenarioSource::from`], and there is no such machine.
    pub fn on(
        path: &Path,
        machine: Option<&str>,
        introduces: Option<&IntroducesFile>,
    ) -> Result<ScenarioSource, Box<ScenarioError>> {
        let mut machines = Machines::beside(path);
        if let Some(name) = machine {
            let machine = machines.pick(name)?;
            machines = machines.overruled_by(machine);
        }
        let scenario = Scenario::load_with(path, &machines, introduces)?;
        let text = std::fs::read_to_string(path)
            .map_err(|source| ScenarioError::Unreadable { path: path.to_owned(), source })?;
        Ok(ScenarioSource { scenario, text })
    }
}
