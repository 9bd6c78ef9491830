//! Reads a recording, with an error for everything that can be wrong with it, and with bounded memory.

use super::layout::{
    CONSOLE_LOG, GUEST_STATE, INTRODUCES, MACHINE, META, Meta, PLAN, RECORDING_VERSION, RULES, Recording,
    SCENARIO, SMALL_LIMIT, Seal, Trace, limit,
};
use super::samples;
use super::seal::{self, Damage, VerifyError};
use crate::host::budget::Budget;
use crate::host::fault::{Fault, Faulty};
use crate::host::regular_file::{self, ReadError, RegularFile};
use crate::host::text::{foreign, shown};
use crate::scenario::{IntroducesFile, MachineFile, Machines, RuleFile, Scenario, ScenarioError};
use damonlab_protocol::plan::Plan;
use damonlab_protocol::record::section;
use damonlab_protocol::units::Bytes;
use serde::de::DeserializeOwned;
use std::io;
use std::path::{Path, PathBuf};

/// What the content of a recording may take in memory. The rest of the process has some 40 MB (measured).
const MEMORY: Bytes = Bytes(352 << 20);

/// The console is read when it is judged: of nothing but warnings, it takes so many times its size (measured).
const CONSOLE: u64 = 9;

/// Why a folder could not be read as a recording.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RecordingError {
    /// The folder has no `recording.json`: a run that did not finish, or no recording at all.
    #[error(
        "{dir} is not a complete recording: it has no {META}; `damonlab run` writes recordings under results/",
        dir = shown(.0)
    )]
    Incomplete(PathBuf),
    /// Its guest ended without results.
    #[error(
        "{dir} has nothing to be judged: its guest ended without results ({how}). \
         {CONSOLE_LOG} and {GUEST_STATE} show what is known; `damonlab replay` runs it again",
        dir = shown(.dir), how = foreign(.how)
    )]
    NoResults {
        /// Its folder.
        dir: PathBuf,
        /// How it ended.
        how: String,
    },
    /// Its files are not as they were recorded.
    #[error("{0}")]
    Damaged(Damage),
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
    /// It is larger than what damonlab judges.
    #[error(
        "{path} is too much to be judged: {cause}. Record fewer events, fewer samples, or a shorter run",
        path = shown(.path)
    )]
    TooMuch {
        /// The file with which it became too much.
        path: PathBuf,
        /// Which limit.
        cause: io::Error,
    },
    /// The scenario inside.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scenario(#[from] Box<ScenarioError>),
    /// What stands in the place of a file.
    #[error(transparent)]
    File(ReadError),
    /// A file that cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Faulty for RecordingError {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

impl From<ReadError> for RecordingError {
    fn from(error: ReadError) -> RecordingError {
        match error {
            error @ ReadError::Io { .. } => RecordingError::Io(error.into()),
            error => RecordingError::File(error),
        }
    }
}

impl From<VerifyError> for RecordingError {
    fn from(error: VerifyError) -> RecordingError {
        match error {
            VerifyError::Damaged(damage) => RecordingError::Damaged(damage),
            VerifyError::File(error) => error.into(),
            VerifyError::Io(cause) => RecordingError::Io(cause),
        }
    }
}

/// What a stored run was made of: all that is needed to run it again.
#[derive(Debug, Clone)]
pub struct RunInputs {
    /// The recording's folder.
    pub dir: PathBuf,
    /// Whether its files are known to be as they were recorded.
    pub seal: Seal,
    /// `recording.json`.
    pub meta: Meta,
    /// `scenario.yaml`, read again, on the clock and the machine that the run had, with the rules that it was judged by.
    pub scenario: Scenario,
    /// `scenario.yaml` as it stands.
    pub scenario_text: String,
    /// `plan.json`.
    pub plan: Plan,
}

impl RunInputs {
    /// Reads it from a recording's folder, all of whose files are compared with their digests.
    ///
    /// # Errors
    /// A damaged, missing or malformed file, named with its line.
    pub fn load(dir: &Path) -> Result<RunInputs, RecordingError> {
        let meta = meta(dir)?;
        let seal = seal::verify(dir, meta.sealed)?;
        let scenario_text = regular_file::text(&dir.join(SCENARIO), limit(SCENARIO))?;
        let machines = machines(dir, &meta)?;
        let mut scenario =
            Scenario::parse_with(&meta.scenario, &scenario_text, &machines, introduces(dir)?.as_ref())
                .map_err(Box::new)?;
        scenario.add_rules(&rules(dir)?).map_err(Box::new)?;
        // `run --clock` may have overruled the text.
        scenario.clock = meta.clock;
        let plan = json(&dir.join(PLAN))?;
        Ok(RunInputs { dir: dir.to_owned(), seal, meta, scenario, scenario_text, plan })
    }
}

impl Recording {
    /// The names of the subject's events that the kernel has, without their system; none where they are not known.
    pub(crate) fn listed_events(&self) -> impl Iterator<Item = &str> {
        self.formats.lines().filter_map(|line| line.strip_prefix("name: "))
    }

    /// Reads the entire folder.
    ///
    /// # Errors
    /// A damaged, missing or malformed file, named with its line.
    pub fn load(dir: &Path) -> Result<Recording, RecordingError> {
        Recording::of(RunInputs::load(dir)?)
    }

    /// Reads what the run gave.
    ///
    /// # Errors
    /// As [`Recording::load`].
    pub fn of(inputs: RunInputs) -> Result<Recording, RecordingError> {
        let RunInputs { dir, seal, meta, scenario, plan, .. } = inputs;
        if let Some(how) = meta.without_results {
            return Err(RecordingError::NoResults { dir, how });
        }
        let mut files = Files { dir: &dir, budget: Budget::new(MEMORY) };
        files.reserve_console()?;
        let raw = files.optional(section::RAW)?;
        let trace = files.trace(!raw.is_empty())?;
        Ok(Recording {
            scenario,
            plan,
            report: json(&dir.join(section::REPORT))?,
            trace,
            raw,
            samples: files.samples()?,
            dmesg: files.lossy(section::DMESG)?,
            formats: regular_file::text(&dir.join(section::FORMATS), limit(section::FORMATS))?,
            sysfs: regular_file::text(&dir.join(section::SYSFS), limit(section::SYSFS))?,
            tests: files.lossy(section::TESTS)?,
            seal,
            meta,
            dir,
        })
    }
}

/// What the kernel of the run in `dir` counted ([`section::GCOV`]); none if it counted nothing.
///
/// # Errors
/// The file cannot be read, or is no regular file.
pub fn gcov(dir: &Path) -> Result<Option<Vec<u8>>, RecordingError> {
    match regular_file::bytes(&dir.join(section::GCOV), limit(section::GCOV)) {
        Err(error) if error.is_not_found() => Ok(None),
        bytes => Ok(Some(bytes?)),
    }
}

/// The files of a recording, and the memory that is left for them.
struct Files<'a> {
    dir: &'a Path,
    budget: Budget,
}

impl Files<'_> {
    fn required(&mut self, name: &str) -> Result<Vec<u8>, RecordingError> {
        let path = self.dir.join(name);
        let bytes = regular_file::bytes(&path, limit(name))?;
        self.budget.take(bytes.len() as u64).map_err(|cause| failed(&path, cause))?;
        Ok(bytes)
    }

    /// Text with any bytes in it, such as the kernel log, in which drivers print.
    fn lossy(&mut self, name: &str) -> Result<String, RecordingError> {
        let bytes = if name == section::TESTS { self.optional(name)? } else { self.required(name)? };
        String::from_utf8(bytes).or_else(|error| {
            // A byte that is no text takes three.
            let bytes = error.as_bytes();
            let taken = self.budget.take(2 * bytes.len() as u64);
            taken.map_err(|cause| failed(&self.dir.join(name), cause))?;
            Ok(String::from_utf8_lossy(bytes).into_owned())
        })
    }

    fn reserve_console(&mut self) -> Result<(), RecordingError> {
        let path = self.dir.join(CONSOLE_LOG);
        let length = path.symlink_metadata().map_or(0, |meta| meta.len());
        self.budget.take(CONSOLE * length).map_err(|cause| failed(&path, cause))
    }

    /// A file that older recordings do not have.
    fn optional(&mut self, name: &str) -> Result<Vec<u8>, RecordingError> {
        if self.dir.join(name).symlink_metadata().is_err() { Ok(Vec::new()) } else { self.required(name) }
    }

    /// The trace. With a raw record, each of its lines is compared with an event of that.
    fn trace(&mut self, with_raw: bool) -> Result<Trace, RecordingError> {
        let path = self.dir.join(section::TRACE);
        let file = RegularFile::open(&path, limit(section::TRACE))?;
        let each = if with_raw { RAW_RECORD } else { 0 };
        Trace::read(io::BufReader::new(file), &mut self.budget, each).map_err(|cause| failed(&path, cause))
    }

    fn samples(&mut self) -> Result<Vec<damonlab_protocol::record::Sample>, RecordingError> {
        let path = self.dir.join(section::SAMPLES);
        let file = RegularFile::open(&path, limit(section::SAMPLES))?;
        samples::read(io::BufReader::new(file), &mut self.budget).map_err(|error| match error {
            samples::Error::Json { line, cause } => RecordingError::Json { path, line, cause },
            samples::Error::Io(cause) => failed(&path, cause),
        })
    }
}

/// What the record of an event takes while it is compared with its line.
const RAW_RECORD: u64 = 48;

fn failed(path: &Path, cause: io::Error) -> RecordingError {
    match cause.kind() {
        io::ErrorKind::FileTooLarge => RecordingError::TooMuch { path: path.to_owned(), cause },
        _ => {
            RecordingError::Io(io::Error::new(cause.kind(), format!("cannot read {}: {cause}", shown(path))))
        }
    }
}

/// The recording's own machine, if it has one beside the scenario's text. Names mean nothing here: other
/// computers, and other days, have other machines of the same name.
fn machines(dir: &Path, meta: &Meta) -> Result<Machines, RecordingError> {
    let path = dir.join(MACHINE);
    if meta.machine.is_none() && path.symlink_metadata().is_err() {
        return Ok(Machines::default());
    }
    let name = meta.machine.as_deref().unwrap_or("machine");
    let text = regular_file::text(&path, limit(MACHINE))?;
    Ok(Machines::default().overruled_by(MachineFile::of(name, &shown(&path).to_string(), text)))
}

/// The words that another file introduced, if one did.
fn introduces(dir: &Path) -> Result<Option<IntroducesFile>, RecordingError> {
    let path = dir.join(INTRODUCES);
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let text = regular_file::text(&path, limit(INTRODUCES))?;
    Ok(Some(IntroducesFile::of(&shown(&path).to_string(), text)))
}

/// The files of rules that the run was judged by.
fn rules(dir: &Path) -> Result<Vec<RuleFile>, RecordingError> {
    let mut files = Vec::new();
    for path in RULES.map(|name| dir.join(name)) {
        if path.symlink_metadata().is_ok() {
            let text = regular_file::text(&path, limit(RULES[0]))?;
            files.push(RuleFile::of(&shown(&path).to_string(), text).map_err(Box::new)?);
        }
    }
    Ok(files)
}

fn meta(dir: &Path) -> Result<Meta, RecordingError> {
    let path = dir.join(META);
    if path.symlink_metadata().is_err() {
        return Err(RecordingError::Incomplete(dir.to_owned()));
    }
    // The version first: a later layout may have other fields.
    let value: serde_json::Value = json(&path)?;
    let found = value["version"].as_u64().and_then(|v| u32::try_from(v).ok()).unwrap_or(0);
    if found != RECORDING_VERSION {
        return Err(RecordingError::Version { path, found });
    }
    json(&path)
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, RecordingError> {
    let failed =
        |cause: serde_json::Error| RecordingError::Json { path: path.to_owned(), line: cause.line(), cause };
    serde_json::from_slice(&regular_file::bytes(path, SMALL_LIMIT)?).map_err(failed)
}

#[cfg(test)]
mod tests;
