//! A file of rules, which go with any scenario.

use super::error::ScenarioError;
use super::files::{read, unreadable};
use super::place::Source;
use super::raw_rules::RawRules;
use super::resolve::{self, Around};
use super::rule::ScenarioRule;
use crate::grammar::{self, Fault};
use crate::host::text::shown;
use std::path::Path;

/// Reads the files at `paths`. No two rules of them have the same name.
///
/// # Errors
/// A file cannot be read, or has a mistake, with the line.
pub fn load_rules(paths: &[impl AsRef<Path>]) -> Result<Vec<ScenarioRule>, ScenarioError> {
    let mut all: Vec<ScenarioRule> = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let text = read(path).map_err(|error| unreadable(path, error))?;
        for rule in parse(&shown(path).to_string(), &text)? {
            if let Some(known) = all.iter().find(|known| known.name == rule.name) {
                let message = format!("a rule of the name '{}' is at {}", rule.name, known.shown_place());
                return Err(rule.wrong(message, "give one of them another name"));
            }
            all.push(rule);
        }
    }
    Ok(all)
}

fn parse(file: &str, text: &str) -> Result<Vec<ScenarioRule>, ScenarioError> {
    let raw: RawRules = grammar::read(file, text)?;
    let source = Source::new(file, text);
    let around = Around { source: &source, events: None, runs: None };
    let rules = resolve::check_rules(&raw).and_then(|()| resolve::rules(&raw.rules.value, &around));
    rules.map_err(|fault: Fault| fault.inside(file, text).into())
}

impl super::Scenario {
    /// Adds rules that come from elsewhere.
    ///
    /// # Errors
    /// The scenario has a rule of the same name.
    pub fn add_rules(&mut self, rules: &[ScenarioRule]) -> Result<(), ScenarioError> {
        for rule in rules {
            if let Some(known) = self.rules.iter().find(|known| known.name == rule.name) {
                let message = format!("a rule of the name '{}' is at {}", rule.name, known.shown_place());
                return Err(rule.wrong(message, "give one of them another name"));
            }
        }
        self.rules.extend_from_slice(rules);
        Ok(())
    }
}
