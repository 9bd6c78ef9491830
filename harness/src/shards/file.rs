//! The file that a shard leaves below its `--out`.

use super::call::Call;
use super::error::MergeError;
use super::totals::Totals;
use crate::host::{paths, regular_file};
use crate::report::Item;
use crate::run::Shard;
use damonlab_protocol::units::Bytes;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;

/// The counts of the default suite take 1 MB.
const LIMIT: Bytes = Bytes(256 << 20);

/// The results of a shard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShardFile {
    version: u32,
    /// Which it is.
    pub shard: Shard,
    /// What was requested of the command.
    pub call: Call,
    /// The kernel that all of it ran on, if there is one.
    pub kernel: Option<String>,
    /// What was to end, as far as it was known.
    pub names: Vec<String>,
    /// What ended, in order: an item with its parts.
    pub units: Vec<Vec<Item>>,
    /// What the last lines depend on.
    pub totals: Totals,
}

impl ShardFile {
    /// The results of `shard`.
    pub fn new(
        shard: Shard,
        call: Call,
        (names, kernel): (Vec<String>, Option<String>),
        items: Vec<Item>,
        totals: Totals,
    ) -> ShardFile {
        ShardFile { version: VERSION, shard, call, kernel, names, units: units(items), totals }
    }

    /// Writes it below `out`, whole or not at all. Gives its path.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, out: &Path) -> Result<PathBuf, MergeError> {
        let (command, shard) = (self.totals.command(), self.shard);
        let path = out.join(format!("{command}-{}-of-{}.json", shard.number(), shard.count()));
        fs::create_dir_all(out)?;
        paths::write_atomic(&path, &serde_json::to_vec(self).map_err(std::io::Error::from)?)?;
        Ok(path)
    }

    /// Reads what [`ShardFile::save`] wrote.
    pub(super) fn load(path: &Path) -> Result<ShardFile, MergeError> {
        let bytes = regular_file::bytes(path, LIMIT)?;
        ShardFile::parse(&bytes).map_err(|cause| MergeError::Format { path: path.to_owned(), cause })
    }

    /// Reads the bytes of such a file, or says why it is none.
    pub(crate) fn parse(bytes: &[u8]) -> Result<ShardFile, String> {
        let file: ShardFile = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match file.version {
            VERSION => Ok(file),
            other => Err(format!("it has version {other}; this damonlab reads version {VERSION}")),
        }
    }
}

/// Each item with the parts before it.
pub fn units(items: Vec<Item>) -> Vec<Vec<Item>> {
    let mut units = Vec::new();
    let mut unit = Vec::new();
    for item in items {
        let ends = !item.part;
        unit.push(item);
        if ends {
            units.push(std::mem::take(&mut unit));
        }
    }
    units.extend(Some(unit).filter(|rest| !rest.is_empty()));
    units
}

/// The files of `path`: itself, or, of a folder, those in it that have the name of a shard's results.
pub(super) fn find(path: &Path) -> Result<Vec<PathBuf>, MergeError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(is_of_shard) {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() { Err(MergeError::NoShard(path.to_owned())) } else { Ok(found) }
}

/// Whether it is a name like `run-1-of-4.json`.
fn is_of_shard(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let stem = name.strip_suffix(".json").and_then(|stem| stem.rsplit_once("-of-"));
    let parts = stem.and_then(|(start, count)| Some((start.rsplit_once('-')?, count)));
    parts.is_some_and(|((command, number), count)| {
        !command.is_empty() && is_number(number) && is_number(count)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_shards_are_known_by_their_names() {
        assert!(is_of_shard("run-1-of-4.json") && is_of_shard("mutants-10-of-12.json"));
        for other in
            ["run.json", "run-1-of-4", "run-a-of-4.json", "-1-of-4.json", "explore.json", "1-of-4.json"]
        {
            assert!(!is_of_shard(other), "{other}");
        }
    }

    #[test]
    fn the_example_of_the_fuzzer_is_the_results_of_a_shard() {
        let stored = include_bytes!("../../../fuzz/corpus/gcov/coverage-1-of-2.json");
        assert!(matches!(ShardFile::parse(stored).unwrap().totals, Totals::Coverage(_)));
    }

    #[test]
    fn a_folder_without_results_and_another_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = find(folder.path()).unwrap_err().to_string();
        assert!(error.contains("has no results of a shard; wanted a file like run-1-of-4.json"), "{error}");
        let path = folder.path().join("explore.json");
        fs::write(&path, "{\"version\": 1}").unwrap();
        let error = ShardFile::load(&path).unwrap_err().to_string();
        assert!(error.contains("explore.json is not the results of a shard"), "{error}");
    }
}
