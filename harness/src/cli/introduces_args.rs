//! `--introduces`: words that a file introduces for the scenarios of a run.

use super::error::CliError;
use crate::run::ScenarioSource;
use crate::scenario::{IntroducesFile, ScenarioError};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Default, Args)]
pub(super) struct IntroducesArgs {
    /// A YAML file with words that the kernel's patches add and damonlab does not know (metrics, actions, tracepoints,
    /// ...), for all scenarios: the mapping `introduces` of a scenario, after `version: 1`.
    #[arg(long, value_name = "FILE")]
    pub(super) introduces: Option<PathBuf>,
}

impl IntroducesArgs {
    /// Reads the scenarios at `paths`, on the machine that the user chose. A file of words that none of them uses is
    /// an error.
    pub(super) fn sources(
        &self,
        paths: &[PathBuf],
        machine: Option<&str>,
    ) -> Result<Vec<ScenarioSource>, CliError> {
        let load = |path: &PathBuf| IntroducesFile::load(path).map_err(Box::new);
        let file = self.introduces.as_ref().map(load).transpose()?;
        let read = |path: &PathBuf| ScenarioSource::on(path, machine, file.as_ref());
        let sources = paths.iter().map(read).collect::<Result<Vec<_>, Box<ScenarioError>>>()?;
        match file {
            Some(file) if sources.iter().all(|one| one.scenario.introduces_file.is_none()) => {
                Err(CliError::from(Box::new(file.unused())))
            }
            _ => Ok(sources),
        }
    }

    /// The file.
    pub(super) fn path(&self) -> Option<&Path> {
        self.introduces.as_deref()
    }
}
