//! What an exploration has found so far: counts, and findings that are one in groups. The results of several
//! machines can be joined. Pure but for the file that they are stored in.

use super::signature::Signature;
use crate::host::names::Key;
use crate::host::paths::write_atomic;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// All results of one seed on one kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explored {
    /// The format of the file.
    pub version: u32,
    /// The kernel, for people.
    pub kernel: String,
    /// Its key.
    pub kernel_key: Key,
    /// The seed of the scenarios.
    pub seed: u64,
    /// The words of the parts that they lean on.
    pub focus: Vec<String>,
    /// The numbers of those that passed.
    pub passed: Vec<u64>,
    /// The numbers of those that could not be judged.
    pub skipped: Vec<u64>,
    /// The numbers of those whose host or QEMU failed.
    pub no_result: Vec<u64>,
    /// The numbers of those that failed.
    pub failed: Vec<u64>,
    /// How many drawn scenarios the reader refused, so that they were drawn again.
    pub redrawn: usize,
    /// The findings, by the first scenario that has each.
    pub groups: Vec<Group>,
}

/// Findings that are one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What they have in common.
    pub signature: Signature,
    /// The scenarios that have it, by number.
    pub numbers: Vec<u64>,
    /// The first of them.
    pub example: Example,
    /// What is left of it.
    pub smallest: Option<Smallest>,
}

/// A scenario with a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The finding in a sentence.
    pub sentence: String,
    /// The seed of the run.
    pub seed: u64,
    /// The file of the scenario.
    pub scenario: PathBuf,
    /// The folder of the recording.
    pub recording: PathBuf,
}

/// A scenario that was made smaller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smallest {
    /// The scenario, as it is now.
    pub example: Example,
    /// How many values it has.
    pub size: usize,
    /// How many the first one has.
    pub from: usize,
    /// How many runs that took.
    pub runs: usize,
    /// Whether nothing smaller was left to try.
    pub done: bool,
}

/// The format of the file.
const VERSION: u32 = 1;

impl Explored {
    /// Nothing yet.
    pub fn on(kernel: &str, kernel_key: &Key, seed: u64, focus: Vec<String>) -> Explored {
        Explored {
            version: VERSION,
            kernel: kernel.to_owned(),
            kernel_key: kernel_key.clone(),
            seed,
            focus,
            passed: Vec::new(),
            skipped: Vec::new(),
            no_result: Vec::new(),
            failed: Vec::new(),
            redrawn: 0,
            groups: Vec::new(),
        }
    }

    /// Adds the findings of a scenario that failed, each with its sentence.
    pub fn add_failure(&mut self, number: u64, findings: Vec<(Signature, String)>, example: &Example) {
        self.failed.push(number);
        for (signature, sentence) in findings {
            let example = Example { sentence, ..example.clone() };
            self.add(Group { signature, numbers: vec![number], example, smallest: None });
        }
    }

    /// Whether a scenario is the example of a finding.
    pub fn is_example(&self, number: u64) -> bool {
        self.groups.iter().any(|group| group.numbers.first() == Some(&number))
    }

    /// How many scenarios there are.
    pub fn count(&self) -> usize {
        self.passed.len() + self.skipped.len() + self.no_result.len() + self.failed.len()
    }

    fn add(&mut self, new: Group) {
        match self.groups.iter_mut().find(|group| group.signature == new.signature) {
            None => self.groups.push(new),
            Some(known) => {
                let first = known.numbers.iter().min() < new.numbers.iter().min();
                known.numbers.extend(new.numbers);
                known.numbers.sort_unstable();
                if !first {
                    known.example = new.example;
                }
                // The smallest of both, and of two that are equal the first.
                let smallest = known.smallest.take().into_iter().chain(new.smallest);
                known.smallest = smallest.min_by_key(|one| one.size);
            }
        }
        self.groups.sort_by_key(|group| group.numbers.first().copied());
    }

    /// Adds the results of another shard.
    pub fn join(&mut self, other: Explored) {
        self.redrawn += other.redrawn;
        let mine = [&mut self.passed, &mut self.skipped, &mut self.no_result, &mut self.failed];
        for (mine, theirs) in
            mine.into_iter().zip([other.passed, other.skipped, other.no_result, other.failed])
        {
            mine.extend(theirs);
            mine.sort_unstable();
        }
        other.groups.into_iter().for_each(|group| self.add(group));
    }

    /// Stores them.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        write_atomic(path, &serde_json::to_vec_pretty(self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Explored {
        let key = Key::of(&blake3::hash(b"kernel"));
        Explored::on("Linux 7.3.4", &key, 0, Vec::new())
    }

    fn signature(id: &str) -> Signature {
        Signature { id: id.to_owned(), place: String::new() }
    }

    fn example(number: u64) -> Example {
        let (scenario, recording) = (format!("{number}.yaml").into(), format!("{number}/0001").into());
        Example { sentence: "expected 0; saw 1".into(), seed: number, scenario, recording }
    }

    /// The results of some scenarios, every third of which fails.
    fn some(numbers: impl Iterator<Item = u64>) -> Explored {
        let mut all = empty();
        for number in numbers {
            if number % 3 == 0 {
                let id = if number % 2 == 0 { "G5" } else { "Q7" };
                all.add_failure(number, vec![(signature(id), "expected 0; saw 1".into())], &example(number));
            } else {
                all.passed.push(number);
            }
        }
        all
    }

    #[test]
    fn findings_that_are_one_are_counted_and_the_first_scenario_is_the_example() {
        let all = some(0..12);
        let shown: Vec<(&str, &[u64])> =
            all.groups.iter().map(|group| (group.signature.id.as_str(), group.numbers.as_slice())).collect();
        assert_eq!(shown, [("G5", [0, 6].as_slice()), ("Q7", &[3, 9])]);
        assert!(all.is_example(3) && !all.is_example(6));
    }

    #[test]
    fn the_union_of_shards_is_the_whole() {
        let mut shards = (0..4).rev().map(|shard| some((0..30).filter(move |number| number % 4 == shard)));
        let mut all = shards.next().unwrap();
        shards.for_each(|shard| all.join(shard));
        assert_eq!(all, some(0..30));
    }
}
