//! Reads a recording, with an error for everything that can be wrong with it.

use super::layout::{MACHINE, META, Meta, PLAN, RECORDING_VERSION, Recording, SCENARIO, Trace};
use crate::host::fault::{Fault, Faulty};
use crate::host::text::shown;
use crate::scenario::{MachineFile, Machines, Scenario, ScenarioError};
use damonlab_protocol::plan::Plan;
use damonlab_protocol::record::section;
use fs_err as fs;
use serde::de::DeserializeOwned;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

/// Why a folder could not be read as a recording.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RecordingError {
    /// The folder has no `recording.json`: a run that did not finish, or no recording at all.
    #[error(
        "{dir} is not a complete recording: it has no {META}; `damonlab run` writes recordings under results/",
        dir = shown(.0)
    )]
    Incomplete(PathBuf),
    /// A later damonlab wrote it.
    #[error("{path} has version {found}; this damonlab reads version {RECORDING_VERSION}", path = shown(.path))]
    Version {
        /// `recording.json`.
        path: PathBuf,
        /// What it says.
        found: u32,
    },
    /// A JSON file that does not fit its type.
    #[error("{path}: line {line}: {cause}", path = shown(.path))]
    Json {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What serde says.
        cause: serde_json::Error,
    },
    /// The scenario inside.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scenario(#[from] Box<ScenarioError>),
    /// A file that cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Faulty for RecordingError {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

/// What a stored run was made of: all that is needed to run it again.
#[derive(Debug, Clone)]
pub struct RunInputs {
    /// The recording's folder.
    pub dir: PathBuf,
    /// `recording.json`.
    pub meta: Meta,
    /// `scenario.yaml`, read again, on the clock and the machine that the run had.
    pub scenario: Scenario,
    /// `scenario.yaml` as it stands.
    pub scenario_text: String,
    /// `plan.json`.
    pub plan: Plan,
}

impl RunInputs {
    /// Reads it from a recording's folder; what the run gave is left alone.
    ///
    /// # Errors
    /// A missing or malformed file, named with its line.
    pub fn load(dir: &Path) -> Result<RunInputs, RecordingError> {
        if !dir.join(META).is_file() {
            return Err(RecordingError::Incomplete(dir.to_owned()));
        }
        let meta = meta(&dir.join(META))?;
        let scenario_text = fs::read_to_string(dir.join(SCENARIO))?;
        let machines = machines(dir, &meta)?;
        let mut scenario =
            Scenario::parse_with(&meta.scenario, &scenario_text, &machines).map_err(Box::new)?;
        // `run --clock` may have overruled the text.
        scenario.clock = meta.clock;
        Ok(RunInputs { scenario, scenario_text, plan: json(&dir.join(PLAN))?, meta, dir: dir.to_owned() })
    }
}

impl Recording {
    /// Reads the entire folder.
    ///
    /// # Errors
    /// A missing or malformed file, named with its line.
    pub fn load(dir: &Path) -> Result<Recording, RecordingError> {
        let RunInputs { dir, meta, scenario, plan, .. } = RunInputs::load(dir)?;
        let text = |name: &str| fs::read_to_string(dir.join(name));
        let trace = Trace::read(io::BufReader::new(fs::File::open(dir.join(section::TRACE))?))?;
        Ok(Recording {
            scenario,
            plan,
            report: json(&dir.join(section::REPORT))?,
            trace,
            raw: optional(&dir.join(section::RAW))?,
            samples: json_lines(&dir.join(section::SAMPLES))?,
            dmesg: lossy(&dir.join(section::DMESG))?,
            formats: text(section::FORMATS)?,
            sysfs: text(section::SYSFS)?,
            tests: String::from_utf8_lossy(&optional(&dir.join(section::TESTS))?).into_owned(),
            meta,
            dir,
        })
    }
}

/// The recording's own machine, if it has one beside the scenario's text. Names mean nothing here: other
/// computers, and other days, have other machines of the same name.
fn machines(dir: &Path, meta: &Meta) -> Result<Machines, RecordingError> {
    let path = dir.join(MACHINE);
    if meta.machine.is_none() && !path.exists() {
        return Ok(Machines::default());
    }
    let name = meta.machine.as_deref().unwrap_or("machine");
    let text = fs::read_to_string(&path)?;
    Ok(Machines::default().overruled_by(MachineFile::of(name, &shown(&path).to_string(), text)))
}

fn meta(path: &Path) -> Result<Meta, RecordingError> {
    // The version first: a later layout may have other fields.
    let value: serde_json::Value = json(path)?;
    let found = value["version"].as_u64().and_then(|v| u32::try_from(v).ok()).unwrap_or(0);
    if found != RECORDING_VERSION {
        return Err(RecordingError::Version { path: path.to_owned(), found });
    }
    json(path)
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, RecordingError> {
    let failed =
        |cause: serde_json::Error| RecordingError::Json { path: path.to_owned(), line: cause.line(), cause };
    serde_json::from_slice(&fs::read(path)?).map_err(failed)
}

/// Line by line: the samples of a long run are tens of megabytes of text.
fn json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, RecordingError> {
    let mut input = io::BufReader::new(fs::File::open(path)?);
    let mut values = Vec::new();
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        if input.read_until(b'\n', &mut text)? == 0 {
            break;
        }
        let failed = |cause| RecordingError::Json { path: path.to_owned(), line, cause };
        values.push(serde_json::from_slice(&text).map_err(failed)?);
    }
    Ok(values)
}

/// A file that older recordings do not have.
fn optional(path: &Path) -> io::Result<Vec<u8>> {
    if path.try_exists()? { fs::read(path) } else { Ok(Vec::new()) }
}

/// The kernel log may hold any bytes a driver printed.
fn lossy(path: &Path) -> io::Result<String> {
    Ok(String::from_utf8(fs::read(path)?)
        .unwrap_or_else(|bytes| String::from_utf8_lossy(bytes.as_bytes()).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_its_last_file_is_called_incomplete() {
        let dir = tempfile::tempdir().unwrap();
        let error = Recording::load(dir.path()).unwrap_err();
        assert!(error.to_string().contains("not a complete recording"), "{error}");
    }

    #[test]
    fn a_recording_of_a_later_version_is_refused_by_number() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(META), r#"{"version": 99, "unheard": true}"#).unwrap();
        let error = Recording::load(dir.path()).unwrap_err();
        assert!(error.to_string().contains("has version 99"), "{error}");
    }

    /// What a stored run was made of, with its scenario's text changed.
    fn copy_with(change: impl Fn(String) -> String) -> tempfile::TempDir {
        let stored = crate::recording::testing::stored("pull-push-short");
        let copy = tempfile::tempdir().unwrap();
        for name in [META, SCENARIO, PLAN] {
            fs::copy(stored.join(name), copy.path().join(name)).unwrap();
        }
        let text = fs::read_to_string(stored.join(SCENARIO)).unwrap();
        fs::write(copy.path().join(SCENARIO), change(text)).unwrap();
        copy
    }

    fn named(text: String) -> String {
        let (before, rest) = text.split_once("machine:\n").unwrap();
        let (_, after) = rest.split_once("\nworkloads:").unwrap();
        format!("{before}machine: of-another-computer\nworkloads:{after}")
    }

    const TWO_NODES: &str = "version: 1\nsummary: Two nodes.\nmachine:\n  nodes:\n    \
                             - {id: 0, memory: 256M, cpus: [0]}\n    - {id: 1, memory: 640M}\n";

    #[test]
    fn the_recordings_own_machine_counts_where_its_name_means_nothing() {
        let copy = copy_with(named);
        fs::write(copy.path().join(MACHINE), TWO_NODES).unwrap();
        let scenario = RunInputs::load(copy.path()).unwrap().scenario;
        assert_eq!(scenario.machine.memory().0, 896 << 20);
        assert_eq!(scenario.machine_file.unwrap().text, TWO_NODES);
    }

    #[test]
    fn a_machine_that_overruled_the_scenarios_own_does_so_again() {
        let copy = copy_with(|text| text);
        assert_eq!(RunInputs::load(copy.path()).unwrap().scenario.machine.memory().0, 1 << 30);
        fs::write(copy.path().join(MACHINE), TWO_NODES).unwrap();
        assert_eq!(RunInputs::load(copy.path()).unwrap().scenario.machine.memory().0, 896 << 20);
    }

    #[test]
    fn a_recording_that_has_lost_its_machine_is_not_read_with_another() {
        let copy = copy_with(|text| text);
        let meta = fs::read_to_string(copy.path().join(META)).unwrap();
        fs::write(copy.path().join(META), meta.replacen('{', "{\"machine\": \"dram2\",", 1)).unwrap();
        let error = RunInputs::load(copy.path()).unwrap_err();
        assert!(error.to_string().contains(MACHINE), "{error}");
    }

    #[test]
    fn a_machine_that_ships_is_not_looked_up_for_a_recording() {
        let copy = copy_with(|text| named(text).replace("of-another-computer", "dram-slow"));
        let error = RunInputs::load(copy.path()).unwrap_err();
        assert_eq!(error.to_string(), "there is no machine named 'dram-slow'");
    }

    #[test]
    fn the_clock_is_the_runs_and_not_the_texts() {
        let copy = copy_with(|text| format!("{text}\nclock: real\n"));
        let recipe = RunInputs::load(copy.path()).unwrap();
        assert!(recipe.meta.clock.is_virtual() && recipe.scenario.clock.is_virtual());
    }

    #[test]
    fn samples_that_are_not_text_are_named_with_their_file_and_line() {
        let copy = tempfile::tempdir().unwrap();
        crate::recording::testing::copy("pull-push-short", copy.path());
        let samples = copy.path().join(section::SAMPLES);
        let mut bytes = fs::read(&samples).unwrap();
        let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        bytes[second + 2] = 0xff;
        fs::write(&samples, bytes).unwrap();
        let error = Recording::load(copy.path()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: line 2: ", samples.display())), "{error}");
    }
}
