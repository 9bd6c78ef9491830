//! Files of rules, which go with any scenario: `--rules`, and those that a recording keeps.

use super::error::ScenarioError;
use super::files::read;
use super::place::Source;
use super::raw_rules::RawRules;
use super::resolve::{self, Around};
use super::rule::ScenarioRule;
use crate::grammar::{self, Fault};
use crate::host::text::shown;
use std::io::ErrorKind;
use std::path::Path;

/// A run is judged by the rules of so many files at most.
pub const MOST_RULE_FILES: usize = 8;

/// A file of rules.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleFile {
    /// The complete text.
    pub text: String,
    /// What errors and notes call the file.
    pub shown: String,
    rules: Vec<ScenarioRule>,
}

impl RuleFile {
    /// The file at `path`.
    ///
    /// # Errors
    /// It cannot be read, or has a mistake, with the line.
    pub fn load(path: &Path) -> Result<RuleFile, ScenarioError> {
        let text = read(path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => ScenarioError::NoRuleFile(path.to_owned()),
            _ => ScenarioError::Unreadable { path: path.to_owned(), source },
        })?;
        RuleFile::of(&shown(path).to_string(), text)
    }

    /// A text; errors call it `shown`.
    ///
    /// # Errors
    /// It has a mistake, with the line.
    pub fn of(shown: &str, text: String) -> Result<RuleFile, ScenarioError> {
        let raw: RawRules = grammar::read(shown, &text)?;
        let source = Source::new(shown, &text);
        let around = Around { source: &source, events: None, runs: None };
        let rules = resolve::check_rules(&raw).and_then(|()| resolve::rules(&raw.rules.value, &around));
        let rules = rules.map_err(|fault: Fault| fault.inside(shown, &text))?;
        Ok(RuleFile { text, shown: shown.to_owned(), rules })
    }

    /// Its rules.
    pub fn rules(&self) -> &[ScenarioRule] {
        &self.rules
    }
}

/// Reads the files at `paths`. No two rules of them have the same name.
///
/// # Errors
/// A file cannot be read, or has a mistake, with the line.
pub fn load_rules(paths: &[impl AsRef<Path>]) -> Result<Vec<RuleFile>, ScenarioError> {
    let mut files: Vec<RuleFile> = Vec::new();
    for path in paths {
        let file = RuleFile::load(path.as_ref())?;
        same_name(files.iter().flat_map(RuleFile::rules), &file.rules)?;
        files.push(file);
    }
    Ok(files)
}

/// An error if a rule of `new` has the name of a known one.
pub(super) fn same_name<'a>(
    known: impl Iterator<Item = &'a ScenarioRule> + Clone,
    new: &[ScenarioRule],
) -> Result<(), ScenarioError> {
    for rule in new {
        if let Some(known) = known.clone().find(|known| known.name == rule.name) {
            let message = format!("a rule of the name '{}' is at {}", rule.name, known.shown_place());
            return Err(rule.wrong(message, "give one of them another name"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use miette::Diagnostic;

    #[test]
    fn a_file_that_is_not_there_is_called_a_file_of_rules() {
        let error = RuleFile::load(Path::new("none/rules.yaml")).unwrap_err();
        assert_eq!(error.to_string(), "no file of rules at none/rules.yaml");
        let help = error.help().unwrap().to_string();
        assert!(help.contains("rules: [..]; examples/rules/ has some"), "{help}");
    }
}
