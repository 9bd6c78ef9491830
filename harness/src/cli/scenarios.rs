//! Scenarios by name or path.

use super::error::CliError;
use crate::bundled::{self, Origin};
use crate::grammar;
use crate::host::paths;
use crate::run::{self, ScenarioSource};
use crate::scenario::Scenario;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The folder of scenarios, in the current folder and among what damonlab ships with.
const FOLDER: &str = "scenarios";

/// The names of the scenarios that need no path.
pub(super) fn names() -> Vec<String> {
    let mut names: Vec<String> = bundled::folders(FOLDER).iter().flat_map(|folder| stems(folder)).collect();
    names.sort();
    names.dedup();
    names
}

/// The names of the files in a folder, without what follows the last dot.
pub(super) fn stems(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let stems =
        files.filter(|path| path.is_file()).filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<String> = stems.collect();
    names.sort();
    names
}

/// Every scenario that needs no path.
pub(super) fn all() -> Result<Vec<Scenario>, CliError> {
    Ok(with_origins()?.into_iter().map(|(_, scenario)| scenario).collect())
}

/// The same, each with where it comes from.
pub(super) fn with_origins() -> Result<Vec<(Origin, Scenario)>, CliError> {
    let mut found: Vec<(Origin, Scenario)> = Vec::new();
    for folder in bundled::folders(FOLDER) {
        let all = crate::scenario::all(&folder).map_err(Box::new)?.into_iter();
        let new = all.filter(|one| !found.iter().any(|(_, before)| before.name == one.name));
        let new: Vec<_> = new.map(|one| (bundled::origin(&folder), one)).collect();
        found.extend(new);
    }
    found.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    Ok(found)
}

/// Every scenario without a path that the default kernel can run, all of which this host must be able to run.
pub(super) fn suite() -> Result<Vec<ScenarioSource>, CliError> {
    let load = |name: &str| ScenarioSource::from(&by_name(name));
    let all = all()?;
    let all = all.iter().filter(|scenario| !scenario.wants_another_kernel());
    let sources = all.map(|scenario| load(&scenario.name)).collect::<Result<Vec<_>, _>>()?;
    sources.iter().try_for_each(|one| run::check_host(&one.scenario))?;
    Ok(sources)
}

/// The file of a scenario that needs no path: the current folder's, else the one that ships.
pub(super) fn by_name(name: &str) -> PathBuf {
    bundled::file(FOLDER, &format!("{name}.yaml"))
}

/// The file of a scenario on the command line: an argument with a slash or an extension is a path, anything else a name
/// from a folder `scenarios`.
pub(super) fn path(argument: &str) -> Result<PathBuf, CliError> {
    if paths::names_a_file(argument) {
        return Ok(bundled::given(argument.into()));
    }
    let path = by_name(argument);
    if path.is_file() {
        return Ok(path);
    }
    let all = all()?;
    let help = grammar::or_list(argument, all.iter().map(|scenario| scenario.name.as_str()), "damonlab list");
    Err(CliError::Unknown { kind: "scenario", name: argument.to_owned(), help })
}

/// Refuses a scenario that is given twice, also by another path to its file.
pub(super) fn check_distinct(paths: &[PathBuf]) -> Result<(), CliError> {
    let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    let mut seen = BTreeSet::new();
    match paths.iter().find(|path| !seen.insert(real(path))) {
        Some(path) => Err(CliError::GivenTwice(argument(path))),
        None => Ok(()),
    }
}

/// The shortest argument for a scenario's file.
pub(super) fn argument(path: &Path) -> String {
    match path.file_stem().map(|stem| stem.to_string_lossy()) {
        Some(name) if by_name(&name) == path => name.into_owned(),
        _ => path.to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use miette::Diagnostic;

    #[test]
    fn a_scenario_that_is_given_twice_is_bad_input_by_whatever_path() {
        let (idle, other) = (by_name("idle"), by_name("pull-push"));
        let same = bundled::home().join("scenarios/../scenarios/idle.yaml");
        assert!(check_distinct(&[idle.clone(), other.clone()]).is_ok());
        let error = check_distinct(&[idle, other, same]).unwrap_err();
        assert!(error.to_string().contains("has no effect on the run"), "{error}");
        assert_eq!(error.exit_status(), 2);
    }

    #[test]
    fn a_mistyped_name_gets_the_nearest_one_and_not_all() {
        let error = path("pul-push").unwrap_err();
        assert_eq!(error.to_string(), "there is no scenario named 'pul-push'");
        let help = error.help().unwrap().to_string();
        assert_eq!(help, "did you mean 'pull-push'? `damonlab list` shows what there is");
        assert_eq!(error.exit_status(), 2);
    }

    #[test]
    fn an_argument_and_its_file_stand_for_each_other() {
        assert_eq!(argument(&path("idle").unwrap()), "idle");
        assert_eq!(path("here/idle.yaml").unwrap(), Path::new("here/idle.yaml"));
        assert_eq!(argument(Path::new("here/idle.yaml")), "here/idle.yaml");
    }
}
