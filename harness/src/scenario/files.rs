//! The files of scenarios and machines: found, read, named.

use super::error::ScenarioError;
use fs_err as fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A scenario is a page of text; what is larger is another file.
const MAX_BYTES: u64 = 1 << 20;

/// The YAML files of a folder, by name.
pub fn paths(dir: &Path) -> Result<Vec<PathBuf>, ScenarioError> {
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

/// The whole text of a file that is no scenario, and becomes a part of one.
pub(crate) fn read_part(path: &Path) -> Result<String, ScenarioError> {
    read(path).map_err(|source| ScenarioError::Unreadable { path: path.to_owned(), source })
}

/// The whole text of a file.
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

pub(super) fn unreadable(path: &Path, source: io::Error) -> ScenarioError {
    if source.kind() == ErrorKind::NotFound {
        return ScenarioError::NotThere(path.to_owned());
    }
    ScenarioError::Unreadable { path: path.to_owned(), source }
}
