//! `damonlab explain`: the page of a rule, with the kernel functions that it follows from.

use super::error::{CliError, VerbResult};
use super::output::{self, FormatArgs};
use super::{rule, scenarios, values};
use crate::judge;
use crate::kernel::{Origins, PatchedSource, Request};
use crate::report;
use crate::scenario::{RuleFile, Scenario, ScenarioRule};
use crate::setup::Env;
use clap::Args;
use std::path::{Path, PathBuf};

pub(super) const HELP: &str = "Examples: damonlab explain G5\n          \
    damonlab explain goal-share-matches-pages --kernel ~/linux\n          \
    damonlab explain guest-lost";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The id or the name of a rule, the name of one that a shipped example states, or a way for a run to end. None: list
    /// damonlab's own.
    #[arg(value_name = "RULE")]
    rule: Option<String>,
    /// Show the functions of this kernel: a release, a source tree or TREE@REF [default: 7.3]. It has to be on this
    /// machine already; nothing is fetched or built.
    #[arg(long, value_name = "VERSION|DIR|DIR@REF")]
    kernel: Option<PathBuf>,
    /// Show the rule as this file of rules, or this scenario's file, states it. May be given several times.
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn explain(arguments: &Arguments) -> VerbResult {
    let Some(word) = &arguments.rule else {
        if arguments.kernel.is_some() {
            return Err(CliError::NoEffect { option: "--kernel", on: "the list of all rules".to_owned() });
        }
        if !arguments.rules.is_empty() {
            return Err(CliError::NoEffect { option: "--rules", on: "the list of all rules".to_owned() });
        }
        output::list(&report::explained(), arguments.format)?;
        return Ok(0);
    };
    let origin = match rule::origin(word) {
        Ok(origin) => origin,
        Err(unknown) => return stated(word, arguments, unknown),
    };
    if !arguments.rules.is_empty() {
        let on = format!("'{word}', which is damonlab's own and stands in no file");
        return Err(CliError::NoEffect { option: "--rules", on });
    }
    if arguments.kernel.is_some() && !judge::explain(&origin, |_| None).has_source() {
        let on = format!("'{word}', which follows from no part of the kernel's source");
        return Err(CliError::NoEffect { option: "--kernel", on });
    }
    let source = source(arguments.kernel.as_deref())?;
    let page = judge::explain(&origin, |path| source.as_ref()?.text(path));
    let listing = report::explanation(&page, source.as_ref().map(PatchedSource::name));
    output::list(&listing, arguments.format)?;
    Ok(0)
}

/// The page of a rule that an example or a scenario that ships states; `unknown` is the error where none does.
fn stated(word: &str, arguments: &Arguments, unknown: CliError) -> VerbResult {
    let found =
        if arguments.rules.is_empty() { shipped_rule(word)? } else { rule_of(&arguments.rules, word)? };
    let Some(rule) = found else { return Err(unknown) };
    if arguments.kernel.is_some() {
        let on = format!("'{word}', which a file states and no part of the kernel's source");
        return Err(CliError::NoEffect { option: "--kernel", on });
    }
    let place = rule.shown_place().replace(&format!("{}/", crate::bundled::home().to_string_lossy()), "");
    output::list(&report::stated_rule(&rule, &place), arguments.format)?;
    Ok(0)
}

/// The rule of this name in files of rules and of scenarios.
fn rule_of(paths: &[PathBuf], name: &str) -> Result<Option<ScenarioRule>, CliError> {
    let mut all: Vec<ScenarioRule> = Vec::new();
    for path in paths {
        match RuleFile::load(path) {
            Ok(file) => all.extend_from_slice(file.rules()),
            // A scenario has other keys. What is neither is shown as the file of rules that it should be.
            Err(wrong) => match Scenario::load(path) {
                Ok(scenario) => all.extend(scenario.rules),
                Err(_) => return Err(Box::new(wrong).into()),
            },
        }
    }
    Ok(all.into_iter().find(|rule| *rule.name == *name))
}

/// The rule of this name in `examples/rules` or in a scenario that ships.
fn shipped_rule(name: &str) -> Result<Option<ScenarioRule>, CliError> {
    let entries = std::fs::read_dir(crate::bundled::home().join("examples/rules")).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    let files =
        files.iter().map(|path| RuleFile::load(path)).collect::<Result<Vec<_>, _>>().map_err(Box::new)?;
    let of_files = files.iter().flat_map(RuleFile::rules).cloned();
    let of_scenarios = scenarios::all()?.into_iter().flat_map(|scenario| scenario.rules);
    Ok(of_files.chain(of_scenarios).find(|rule| *rule.name == *name))
}

/// The source of the kernel that `word` names, if it is here.
fn source(word: Option<&Path>) -> Result<Option<PatchedSource>, CliError> {
    let origins = Origins::of(Env::machine()?);
    let kernel = match word {
        None => Request::default(),
        Some(word) => Request::parse(word, &origins)?,
    };
    Ok(PatchedSource::here(&kernel.to_build("the lines of kernel functions")?, &origins)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_a_shipped_example_is_found_by_its_name_and_shown_with_its_place() {
        let rule = shipped_rule("share-is-in-range").unwrap().unwrap();
        let text = report::stated_rule(&rule, "examples/rules/goals.yaml:8").text;
        for part in [
            "share-is-in-range\n\nStated in examples/rules/goals.yaml:8",
            "damos_node_eligible_mem_bp",
            "always current_value <= 10000 && target_value <= 10000 && nid >= 0",
            "docs/rules.md",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(shipped_rule("share-is-out-of-range").unwrap(), None);
    }

    #[test]
    fn a_rule_of_a_given_file_is_shown_and_not_the_shipped_one_of_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.yaml");
        let text = "version: 1\nsummary: A.\nrules: [{name: share-is-in-range, event: damos_esz, always: 'esz > 7u'}]\n";
        std::fs::write(&path, text).unwrap();
        let rule = rule_of(std::slice::from_ref(&path), "share-is-in-range").unwrap().unwrap();
        assert_eq!(rule.event, "damos_esz");
        assert_eq!(rule_of(&[path], "another-one").unwrap(), None);
        let scenario = scenarios::by_name("idle");
        assert_eq!(rule_of(&[scenario], "share-is-in-range").unwrap(), None, "a scenario's file is read too");
    }

    #[test]
    fn every_part_of_the_source_that_a_rule_names_exists() {
        // On a machine that never built a kernel there is no source to look at.
        let Some(source) = source(None).unwrap() else { return };
        let parts = judge::rules().flat_map(|about| about.source.iter().map(move |part| (about.id, part)));
        let missing: Vec<String> = parts
            .filter(|(_, part)| !judge::is_in(part, |path| source.text(path)))
            .map(|(id, part)| format!("{id}: {part}"))
            .collect();
        assert_eq!(missing, [""; 0], "not in {}", source.name());
    }
}
