//! Counts as they are stored, and united again: the shards of one suite.

use super::counts::Counts;
use super::error::LineCoverageError;
use super::series_lines::{Added, SeriesTotal};
use crate::host::names::Key;
use crate::host::paths;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

const VERSION: u32 = 1;

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

    /// Adds the runs of another shard, which are on the same kernel.
    pub fn join(&mut self, other: CountedRuns) {
        self.runs.extend(other.runs);
        self.counts.add(&other.counts);
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

    fn runs(scenario: &str) -> CountedRuns {
        let mut runs = CountedRuns::on("linux 7.3", &Key::new("k").unwrap(), None);
        let scenarios: &[&str] = &[scenario];
        let run = CountedRun { scenario: scenario.into(), seed: 0 };
        runs.add(run, &counts("a.c", file(&[(1, scenarios), (2, &[])])));
        runs
    }

    #[test]
    fn shards_come_to_the_same_as_the_whole_in_any_order() {
        let (a, b) = (runs("idle"), runs("memcg"));
        let mut whole = a.clone();
        whole.add(CountedRun { scenario: "memcg".into(), seed: 0 }, &b.counts);
        for (mut one, other) in [(a.clone(), b.clone()), (b, a)] {
            one.join(other);
            assert_eq!(one, whole);
        }
    }
}
