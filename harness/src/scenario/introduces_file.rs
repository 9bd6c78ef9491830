//! What a series brings in a file of its own, for all scenarios of a run: words, and rules that it means to change.
//! `--introduces`, a recording's `introduces.yaml`.

use super::error::ScenarioError;
use super::place::Source;
use super::raw::RawIntroducesFile;
use super::rule_change::{self, RuleChange};
use super::subject::Introduced;
use super::{files, resolve};
use crate::grammar;
use crate::host::text::shown;
use std::io::ErrorKind;
use std::path::Path;

/// Such a file as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntroducesFile {
    /// The complete text.
    pub text: String,
    /// What errors call the file.
    shown: String,
}

impl IntroducesFile {
    /// The file at `path`.
    ///
    /// # Errors
    /// It is not there or cannot be read. Its content is not checked.
    pub fn load(path: &Path) -> Result<IntroducesFile, ScenarioError> {
        let text = files::read(path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => ScenarioError::NoIntroducesFile(path.to_owned()),
            _ => ScenarioError::Unreadable { path: path.to_owned(), source },
        })?;
        Ok(IntroducesFile::of(&shown(path).to_string(), text))
    }

    /// A text; errors call it `shown`.
    pub fn of(shown: &str, text: String) -> IntroducesFile {
        IntroducesFile { text, shown: shown.to_owned() }
    }

    /// Whether its content is sound.
    ///
    /// # Errors
    /// [`ScenarioError::Wrong`], with the line in this file.
    pub fn check(&self) -> Result<(), ScenarioError> {
        self.content().map(|_| ())
    }

    /// The rules that it expects to change.
    ///
    /// # Errors
    /// As [`IntroducesFile::check`].
    pub fn changes(&self) -> Result<Vec<RuleChange>, ScenarioError> {
        Ok(self.content()?.1)
    }

    /// Its words, and the rules that it expects to change.
    pub(super) fn content(&self) -> Result<(Introduced, Vec<RuleChange>), ScenarioError> {
        let raw: RawIntroducesFile = grammar::read(&self.shown, &self.text)?;
        let source = Source::new(&self.shown, &self.text);
        let words = resolve::introduces_file(&raw);
        let content = words.and_then(|words| Ok((words, rule_change::of_file(&raw, &source)?)));
        Ok(content.map_err(|fault| fault.inside(&self.shown, &self.text))?)
    }

    /// The error if no scenario of a run uses anything of it.
    pub fn unused(&self) -> ScenarioError {
        ScenarioError::UnusedIntroduces(self.shown.clone())
    }
}
