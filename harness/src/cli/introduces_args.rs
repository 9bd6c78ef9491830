//! `--introduces`: words that a file introduces for the scenarios of a run.

use super::error::CliError;
use super::scenarios;
use crate::run::ScenarioSource;
use crate::scenario::{IntroducesFile, ScenarioError};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Default, Args)]
pub(super) struct IntroducesArgs {
    /// A YAML file with words that the kernel's patches add and damonlab does not know (metrics, actions, tracepoints,
    /// ...), for all scenarios: the mapping `introduces` of a scenario, after `version: 1`. With `expect_changes: {RULE: WHY}` it says
    /// which rules they mean to change, as --expect-change does.
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
        scenarios::check_distinct(paths)?;
        let load = |path: &PathBuf| IntroducesFile::load(path).map_err(Box::new);
        let file = self.introduces.as_ref().map(load).transpose()?;
        file.iter().try_for_each(|file| file.check().map_err(Box::new))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of `--introduces` with these words for the scenario `idle`.
    fn sources(words: &str) -> Result<Vec<ScenarioSource>, CliError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.yaml");
        std::fs::write(&path, format!("version: 1\nintroduces: {{{words}}}\n")).unwrap();
        IntroducesArgs { introduces: Some(path) }.sources(&[scenarios::by_name("idle")], None)
    }

    #[test]
    fn a_file_of_words_that_no_scenario_uses_is_bad_input() {
        let error = sources("actions: [collect]").unwrap_err();
        assert!(error.to_string().starts_with("no scenario of this run uses a word that "), "{error}");
        assert_eq!(error.exit_status(), 2);
    }

    #[test]
    fn a_tracepoint_is_recorded_and_so_has_an_effect_on_every_scenario() {
        let sources = sources("tracepoints: ['vmscan:mm_mine']").unwrap();
        assert!(sources[0].scenario.trace.events.contains(&"vmscan:mm_mine".to_owned()));
    }

    #[test]
    fn a_mistake_in_the_file_comes_before_what_it_is_used_for() {
        let error = sources("actions: [stat]").unwrap_err();
        assert_eq!(error.to_string(), "damonlab knows the action 'stat' already");
    }
}
