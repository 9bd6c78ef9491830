//! The schema, the reader and the files that ship agree.

use super::assemble::{property, schema};
use super::descriptions::located;
use crate::grammar::{Definitions, Described};
use crate::host::variables::{self, BLESS};
use crate::scenario::raw::RawScenario;
use jsonschema::Validator;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| jsonschema::validator_for(&schema()).unwrap());

/// Files that the reader refuses and the schema does not: `NAME: REASON` each, with the reasons at its beginning.
const BEYOND: &str = include_str!("beyond_schema.txt");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    paths
}

/// Scenarios that ship: those of the suite, and examples.
fn shipped() -> Vec<PathBuf> {
    let folders = ["scenarios", "scenarios/findings", "examples/my-metric", "harness/benches"];
    let mut files: Vec<PathBuf> = folders.iter().flat_map(|folder| yaml_files(folder)).collect();
    files.retain(|path| std::fs::read_to_string(path).unwrap().contains("\nsteps:"));
    files
}

/// What a file says, as a program that knows no scenarios reads it.
fn value(text: &str) -> Result<Value, serde_saphyr::Error> {
    serde_saphyr::from_str(text)
}

fn refusals(text: &str) -> Vec<String> {
    match value(text) {
        Ok(value) => {
            SCHEMA.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect()
        }
        Err(error) => vec![error.to_string()],
    }
}

#[test]
fn every_scenario_that_ships_is_valid() {
    let files = shipped();
    assert!(files.len() > 80, "only {} files", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let refusals = refusals(&std::fs::read_to_string(&path).unwrap());
        if !refusals.is_empty() {
            wrong.push(format!("{}\n  {}", path.display(), refusals.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_must_be_refused_is_refused_or_has_a_reason() {
    let beyond: BTreeMap<&str, &str> = BEYOND
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(": "))
        .collect();
    let accepted: BTreeSet<String> = yaml_files("scenarios/invalid")
        .iter()
        .filter(|path| refusals(&std::fs::read_to_string(path).unwrap()).is_empty())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let new: Vec<_> = accepted.iter().filter(|name| !beyond.contains_key(name.as_str())).collect();
    let old: Vec<_> = beyond.keys().filter(|name| !accepted.contains(**name)).collect();
    assert!(new.is_empty(), "the schema accepts {new:#?}");
    assert!(old.is_empty(), "beyond_schema.txt has no need of {old:#?}");
}

#[test]
fn every_reason_for_which_a_schema_cannot_refuse_is_explained() {
    let explained: BTreeSet<&str> = BEYOND
        .lines()
        .filter_map(|line| line.strip_prefix("# ")?.split_once(": "))
        .map(|(reason, _)| reason)
        .collect();
    let used: BTreeSet<&str> = BEYOND
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.split_once(": ")?.1))
        .collect();
    assert_eq!(explained, used);
}

#[test]
fn the_reader_takes_the_keys_of_the_schema_and_no_others() {
    let mut definitions = Definitions::default();
    RawScenario::schema(&mut definitions);
    let read = definitions.read.clone();
    let schemas = definitions.into_schemas();
    assert!(read.len() > 40, "only {} shapes", read.len());
    for (name, keys) in read {
        let properties = schemas[&name]["properties"].as_object().unwrap();
        let described: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        assert_eq!(described, keys.iter().copied().collect(), "{name}");
    }
}

#[test]
fn every_step_of_the_schema_is_read_and_every_other_refused() {
    let schema = schema();
    let steps = &schema["$defs"]["Step"];
    let names: BTreeSet<&str> =
        steps["else"]["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    for name in &names {
        let text = format!("steps: [{{{name}: [1]}}]");
        let error = serde_saphyr::from_str::<Steps>(&text).unwrap_err().to_string();
        assert!(!error.contains("unknown"), "{name}: {error}");
    }
    let error = serde_saphyr::from_str::<Steps>("steps: [halt]").unwrap_err().to_string();
    let unread: Vec<&&str> = names.iter().filter(|name| !error.contains(**name)).collect();
    assert!(unread.is_empty(), "{unread:?} are not among those of {error}");
}

#[derive(Debug, serde::Deserialize)]
struct Steps {
    #[serde(rename = "steps")]
    _steps: Vec<crate::scenario::raw_steps::RawStep>,
}

#[test]
fn every_key_has_a_description() {
    fn collect(path: &str, schema: &Value, missing: &mut Vec<String>) {
        let properties = schema.pointer("/else/properties").or_else(|| schema.get("properties"));
        for (key, property) in properties.and_then(Value::as_object).into_iter().flatten() {
            if property.get("description").is_none() {
                missing.push(format!("{path}.{key}"));
            }
        }
    }
    let schema = schema();
    let mut missing = Vec::new();
    collect("Scenario", &schema, &mut missing);
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        collect(name, definition, &mut missing);
    }
    assert!(
        missing.is_empty(),
        "a table of docs/scenarios.md or a comment in the shape describes a key; {missing:#?} have none"
    );
}

#[test]
fn every_key_in_the_tables_of_the_page_is_one_of_the_schema() {
    let mut definitions: Map<String, Value> = schema()["$defs"].as_object().unwrap().clone();
    definitions.insert("Scenario".into(), schema());
    let unknown: Vec<String> =
        located(&definitions).into_iter().filter(|(_, at)| at.is_none()).map(|(key, _)| key).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(property(&mut definitions, "Touch", "every").is_some());
}

#[test]
fn the_published_file_is_the_schema() {
    let path = root().join("docs/scenario.schema.json");
    let wanted = format!("{:#}\n", schema());
    if variables::is(BLESS, "1") {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/scenario.schema.json is not what `damonlab schema scenario` prints: cargo bless"
    );
}

#[test]
fn every_scenario_that_ships_names_the_schema_in_its_first_line() {
    for path in shipped() {
        let text = std::fs::read_to_string(&path).unwrap();
        let line = text.lines().next().unwrap();
        let Some(relative) = line.strip_prefix("# yaml-language-server: $schema=") else {
            panic!("{}: its first line is {line}", path.display());
        };
        let named = path.parent().unwrap().join(relative).canonicalize().unwrap();
        assert_eq!(named, root().join("docs/scenario.schema.json").canonicalize().unwrap());
    }
}
