//! From a path or a text to a [`Scenario`].

use super::error::{Fault, ScenarioError};
use super::place::{Places, Source};
use super::raw::RawScenario;
use super::{Scenario, resolve};
use fs_err as fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A scenario is a page of text; what is larger is another file.
const MAX_BYTES: u64 = 1 << 20;

impl Scenario {
    /// Reads the file at `path`. The scenario's name is the file's stem.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`]: there is no such file, it cannot be read, or it says something that cannot
    /// be, with the line.
    pub fn load(path: &Path) -> Result<Scenario, ScenarioError> {
        let text = read(path)?;
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Scenario::parse_as(&stem, &path.display().to_string(), &text)
    }

    /// Reads `text` as the scenario `name`; errors call it `name.yaml`.
    ///
    /// # Errors
    ///
    /// [`ScenarioError::Wrong`].
    pub fn parse(name: &str, text: &str) -> Result<Scenario, ScenarioError> {
        Scenario::parse_as(name, &format!("{name}.yaml"), text)
    }

    fn parse_as(name: &str, file: &str, text: &str) -> Result<Scenario, ScenarioError> {
        if text.trim().is_empty() {
            return Err(Fault::whole("the file is empty").inside(file, text));
        }
        let options = serde_saphyr::options! { with_snippet: false };
        let raw: RawScenario = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| Fault::from_yaml(&error).inside(file, text))?;
        let source = Source::new(file, text);
        let places = Places::of((&raw.machine, &source), (&raw.workloads, &source));
        let scenario = resolve::resolve(name, raw).map_err(|fault| fault.inside(file, text))?;
        Ok(Scenario { places, ..scenario })
    }
}

/// Every scenario in `dir` (`*.yaml`, not in folders below it), by name.
///
/// # Errors
///
/// The first file that is not a scenario, or the folder if it cannot be read.
pub fn all(dir: &Path) -> Result<Vec<Scenario>, ScenarioError> {
    paths(dir)?.iter().map(|path| Scenario::load(path)).collect()
}

fn paths(dir: &Path) -> Result<Vec<PathBuf>, ScenarioError> {
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

fn read(path: &Path) -> Result<String, ScenarioError> {
    let wrong = |error| unreadable(path, error);
    let file = fs::File::open(path).map_err(wrong)?;
    if !file.metadata().map_err(wrong)?.is_file() {
        return Err(wrong(std::io::Error::other("it is not a file")));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(wrong)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(wrong(std::io::Error::other("it is longer than 1 MiB, which no scenario is")));
    }
    String::from_utf8(bytes).map_err(|_| wrong(std::io::Error::other("it is not UTF-8 text")))
}

fn unreadable(path: &Path, source: std::io::Error) -> ScenarioError {
    if source.kind() == ErrorKind::NotFound {
        return ScenarioError::NotThere(path.to_owned());
    }
    ScenarioError::Unreadable { path: path.to_owned(), source }
}
