//! `--rules`: files of rules by which runs are judged besides those of their scenarios.

use super::error::CliError;
use super::values;
use crate::judge::RuleFileUse;
use crate::run::ScenarioSource;
use crate::scenario::{self, RuleFile};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Clone, Default, Args)]
pub(super) struct RulesArgs {
    /// Judge by the rules of this file too. May be given several times. A recording keeps the files that its run was judged by.
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    pub(super) rules: Vec<PathBuf>,
}

impl RulesArgs {
    /// The files.
    pub(super) fn load(&self) -> Result<Vec<RuleFile>, CliError> {
        Ok(scenario::load_rules(&self.rules).map_err(Box::new)?)
    }

    /// The rules of the files for all of `sources`, and what is to be counted of them in the runs.
    pub(super) fn add_to<'a>(
        &self,
        sources: impl IntoIterator<Item = &'a mut ScenarioSource>,
    ) -> Result<RuleFileUse, CliError> {
        let files = self.load()?;
        let mut each = sources.into_iter();
        each.try_for_each(|source| source.scenario.add_rules(&files)).map_err(Box::new)?;
        Ok(RuleFileUse::of(&files))
    }
}
