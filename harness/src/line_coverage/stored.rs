//! Counts as they are stored, and united again: the shards of one suite, or further seeds.

use super::counts::Counts;
use super::error::LineCoverageError;
use super::series_lines::{Added, SeriesTotal};
use crate::host::names::Key;
use crate::host::{paths, regular_file};
use damonlab_protocol::units::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

const VERSION: u32 = 1;

/// The counts of the default suite take 1 MB.
const LIMIT: Bytes = Bytes(256 << 20);

/// A run that counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountedRun {
    /// The scenario.
    pub scenario: String,
    /// Its seed.
    pub seed: u64,
}

/// Runs on one kernel, and what they executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountedRuns {
    version: u32,
    /// The kernel, for people.
    pub kernel: String,
    /// The key of its image.
    pub kernel_key: Key,
    /// The lines that the user's patches add; none without patches.
    pub added: Option<Added>,
    /// The runs.
    pub runs: BTreeSet<CountedRun>,
    /// What they executed.
    pub counts: Counts,
}

impl CountedRuns {
    /// No run yet on this kernel.
    pub fn on(kernel: &str, key: &Key, added: Option<Added>) -> CountedRuns {
        CountedRuns {
            version: VERSION,
            kernel: kernel.to_owned(),
            kernel_key: key.clone(),
            added,
            runs: BTreeSet::new(),
            counts: Counts::default(),
        }
    }

    /// One more run.
    pub fn add(&mut self, run: CountedRun, counts: &Counts) {
        self.runs.insert(run);
        self.counts.add(counts);
    }

    /// What became of the lines of the user's patches.
    pub fn series(&self) -> Option<SeriesTotal> {
        self.added.as_ref().map(|added| SeriesTotal::of(added, &self.counts))
    }

    /// Reads what [`CountedRuns::save`] wrote.
    ///
    /// # Errors
    /// It is no such file.
    pub fn load(path: &Path) -> Result<CountedRuns, LineCoverageError> {
        let bytes = regular_file::bytes(path, LIMIT)?;
        CountedRuns::parse(&bytes).map_err(|why| LineCoverageError::Stored { path: path.to_owned(), why })
    }

    /// Reads the bytes of such a file, or says why it is none.
    pub(crate) fn parse(bytes: &[u8]) -> Result<CountedRuns, String> {
        let stored: CountedRuns = serde_json::from_slice(bytes).map_err(|cause| cause.to_string())?;
        match stored.version {
            VERSION => Ok(stored),
            other => Err(format!("it has version {other}; this damonlab reads version {VERSION}")),
        }
    }

    /// Unites the files at `paths`, of which there is at least one.
    ///
    /// # Errors
    /// They are of two kernels, or have a run in common.
    pub fn merge(paths: &[impl AsRef<Path>]) -> Result<Option<CountedRuns>, LineCoverageError> {
        let mut sum: Option<CountedRuns> = None;
        for path in paths.iter().map(AsRef::as_ref) {
            let next = CountedRuns::load(path)?;
            match &mut sum {
                None => sum = Some(next),
                Some(sum) => sum.unite(next, path)?,
            }
        }
        Ok(sum)
    }

    fn unite(&mut self, next: CountedRuns, path: &Path) -> Result<(), LineCoverageError> {
        let path = path.to_owned();
        if next.kernel_key != self.kernel_key {
            let named = |one: &CountedRuns| format!("{} ({})", one.kernel, one.kernel_key);
            return Err(LineCoverageError::OtherKernel { path, found: named(&next), wanted: named(self) });
        }
        if let Some(CountedRun { scenario, seed }) = self.runs.intersection(&next.runs).next().cloned() {
            return Err(LineCoverageError::Twice { path, scenario, seed });
        }
        self.runs.extend(next.runs);
        self.counts.add(&next.counts);
        Ok(())
    }

    /// Writes it to a file, whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), LineCoverageError> {
        let mut text = serde_json::to_vec(self).map_err(std::io::Error::from)?;
        text.push(b'\n');
        Ok(paths::write_atomic(path, &text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::counts::testing::{counts, file};
    use super::*;
    use crate::host::fault::{Fault, Faulty};

    fn runs(kernel: &str, scenario: &str, seed: u64) -> CountedRuns {
        let mut runs = CountedRuns::on("linux 7.3", &Key::new(kernel).unwrap(), None);
        let scenarios: &[&str] = &[scenario];
        let run = CountedRun { scenario: scenario.into(), seed };
        runs.add(run, &counts("a.c", file(&[(1, scenarios), (2, &[])])));
        runs
    }

    fn merged(all: &[CountedRuns]) -> Result<CountedRuns, LineCoverageError> {
        let folder = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        for (index, one) in all.iter().enumerate() {
            paths.push(folder.path().join(format!("{index}.json")));
            one.save(&paths[index]).unwrap();
        }
        Ok(CountedRuns::merge(&paths)?.unwrap())
    }

    #[test]
    fn shards_come_to_the_same_as_the_whole_in_any_order() {
        let (a, b) = (runs("k", "idle", 0), runs("k", "memcg", 0));
        let mut whole = a.clone();
        whole.add(CountedRun { scenario: "memcg".into(), seed: 0 }, &b.counts);
        assert_eq!(merged(&[a.clone(), b.clone()]).unwrap(), whole);
        assert_eq!(merged(&[b, a]).unwrap(), whole);
    }

    #[test]
    fn two_kernels_and_a_run_that_would_count_twice_are_refused() {
        let error = merged(&[runs("k", "idle", 0), runs("other", "idle", 1)]).unwrap_err();
        assert!(error.to_string().contains("has counts of linux 7.3 (other)"), "{error}");
        let error = merged(&[runs("k", "idle", 1), runs("k", "idle", 1)]).unwrap_err();
        assert!(error.to_string().contains("idle with seed 1 is in a file before it"), "{error}");
        assert_eq!(error.fault(), Fault::BadInput);
    }

    #[test]
    fn another_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        for (text, why) in [("{", "EOF"), (r#"{"version": 1}"#, "missing field")] {
            std::fs::write(&path, text).unwrap();
            let error = CountedRuns::load(&path).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("coverage.json"), "{error}");
        }
    }
}
