//! From a path or a text to a [`Scenario`].

use super::error::{Fault, ScenarioError};
use super::place::{Places, Source};
use super::raw::{RawDamon, RawScenario};
use super::{MachineSpec, Machines, Scenario, resolve};
use damonlab_protocol::damon::Kdamond;
use fs_err as fs;
use serde::de::DeserializeOwned;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A scenario is a page of text; what is larger is another file.
const MAX_BYTES: u64 = 1 << 20;

impl Scenario {
    /// Reads the file at `path`. The scenario's name is the file's stem; a machine that it names is looked
    /// up beside it, then among those that ship.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`]: there is no such file, it cannot be read, or it says something that cannot
    /// be, with the line.
    pub fn load(path: &Path) -> Result<Scenario, ScenarioError> {
        Scenario::load_with(path, &Machines::beside(path))
    }

    /// Reads the file at `path`, with the machine from `machines`.
    ///
    /// # Errors
    ///
    /// As [`Scenario::load`]; a mistake in the machine's file has its line there.
    pub fn load_with(path: &Path, machines: &Machines) -> Result<Scenario, ScenarioError> {
        let text = read(path).map_err(|error| unreadable(path, error))?;
        parse(&stem(path), &path.display().to_string(), &text, machines)
    }

    /// Reads `text` as the scenario `name`; errors call it `name.yaml`. It must describe its machine itself.
    ///
    /// # Errors
    ///
    /// [`ScenarioError::Wrong`].
    pub fn parse(name: &str, text: &str) -> Result<Scenario, ScenarioError> {
        Scenario::parse_with(name, text, &Machines::default())
    }

    /// Reads `text` as the scenario `name`, with the machine from `machines`.
    ///
    /// # Errors
    ///
    /// As [`Scenario::parse`]; a mistake in the machine's file has its line there.
    pub fn parse_with(name: &str, text: &str, machines: &Machines) -> Result<Scenario, ScenarioError> {
        parse(name, &format!("{name}.yaml"), text, machines)
    }
}

fn parse(name: &str, file: &str, text: &str, machines: &Machines) -> Result<Scenario, ScenarioError> {
    let raw: RawScenario = shape(file, text)?;
    let (inside, source) = (|fault: Fault| fault.inside(file, text), Source::new(file, text));
    resolve::check_header(name, &raw).map_err(inside)?;
    let chosen = machines.choose(&raw.machine, &source, inside)?;
    let on_its_own = || {
        let own = machines.own().choose(&raw.machine, &source, inside).ok()?;
        resolve::resolve(name, &raw, &own).ok()
    };
    let scenario = resolve::resolve(name, &raw, &chosen).map_err(|fault| match &chosen.file {
        // The scenario is sound: it does not go with the machine that somebody put in the place of its own.
        Some(machine) if chosen.overrules && on_its_own().is_some() => {
            inside(fault.or_help(&format!("the machine is '{}', which came by --machine", machine.name)))
        }
        _ => inside(fault),
    })?;
    Ok(Scenario { places: Places::of(chosen.memory, &raw.workloads, &source), ..scenario })
}

/// The kdamonds of a text in damo's format, on a machine; errors call it `file`. damo takes `{"kdamonds": [...]}`, and
/// reports the list alone.
///
/// # Errors
///
/// [`ScenarioError::Wrong`].
pub fn kdamonds(file: &str, text: &str, machine: &MachineSpec) -> Result<Vec<Kdamond>, ScenarioError> {
    let list = text.trim_start().starts_with('[');
    let text = if list { format!("{{\"kdamonds\": {text}}}") } else { text.to_owned() };
    let raw: RawDamon = shape(file, &text)?;
    resolve::kdamonds(&raw, machine).map_err(|fault| fault.inside(file, &text))
}

/// What stands in the text, if it has the shape that is wanted.
pub(super) fn shape<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, ScenarioError> {
    if text.trim().is_empty() {
        return Err(Fault::whole(format!("{file} is empty")).inside(file, text));
    }
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| Fault::from_yaml(&error).inside(file, text))
}

/// Every scenario in `dir` (`*.yaml`, not in folders below it), by name.
///
/// # Errors
///
/// The first file that is not a scenario, or the folder if it cannot be read.
pub fn all(dir: &Path) -> Result<Vec<Scenario>, ScenarioError> {
    paths(dir)?.iter().map(|path| Scenario::load(path)).collect()
}

/// The YAML files of a folder, by name.
pub(super) fn paths(dir: &Path) -> Result<Vec<PathBuf>, ScenarioError> {
    let wrong = |error| unreadable(dir, error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The name of what a file describes.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

pub(super) fn read(path: &Path) -> io::Result<String> {
    let file = fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it is longer than 1 MiB, which no scenario is"));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8 text"))
}

fn unreadable(path: &Path, source: io::Error) -> ScenarioError {
    if source.kind() == ErrorKind::NotFound {
        return ScenarioError::NotThere(path.to_owned());
    }
    ScenarioError::Unreadable { path: path.to_owned(), source }
}
