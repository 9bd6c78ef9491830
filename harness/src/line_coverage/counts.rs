//! How often each line was executed, and by which scenarios. Pure.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The lines and functions of several files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// By path from the root of the kernel's source.
    pub files: BTreeMap<String, FileCounts>,
}

/// The lines and functions of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileCounts {
    /// The lines for which there is code, from 1.
    pub lines: BTreeMap<u32, LineCounts>,
    /// By name.
    pub functions: BTreeMap<String, Function>,
}

/// How often each scenario executed a line. A line that none executed has no entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineCounts(BTreeMap<String, u64>);

/// A function, and how often it was called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// Its first line.
    pub first: u32,
    /// Its last line.
    pub last: u32,
    /// How often it was called.
    pub calls: u64,
}

impl LineCounts {
    /// How often it was executed.
    pub fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Whether it was executed.
    pub fn is_executed(&self) -> bool {
        !self.0.is_empty()
    }

    /// The scenarios that executed it, sorted by name.
    pub fn scenarios(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// `scenario` executed it `count` times more.
    pub fn add(&mut self, scenario: &str, count: u64) {
        if count > 0 {
            let sum = self.0.entry(scenario.to_owned()).or_default();
            *sum = sum.saturating_add(count);
        }
    }
}

impl FileCounts {
    /// How many lines have code, and how many of them were executed.
    pub fn executed_of(&self, lines: impl std::ops::RangeBounds<u32>) -> (usize, usize) {
        let all: Vec<_> = self.lines.range(lines).collect();
        (all.iter().filter(|(_, line)| line.is_executed()).count(), all.len())
    }

    /// The function with `line`: the innermost, if one lies in another.
    pub fn function_at(&self, line: u32) -> Option<&str> {
        let around = self.functions.iter().filter(|(_, one)| one.first <= line && line <= one.last);
        around.max_by_key(|(_, one)| one.first).map(|(name, _)| name.as_str())
    }
}

impl Counts {
    /// Adds the counts of other runs on the same kernel.
    pub fn add(&mut self, other: &Counts) {
        for (path, from) in &other.files {
            let to = self.files.entry(path.clone()).or_default();
            for (number, line) in &from.lines {
                let sum = to.lines.entry(*number).or_default();
                line.0.iter().for_each(|(scenario, count)| sum.add(scenario, *count));
            }
            for (name, function) in &from.functions {
                let sum =
                    to.functions.entry(name.clone()).or_insert(Function { calls: 0, ..function.clone() });
                sum.calls = sum.calls.saturating_add(function.calls);
            }
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A file with these lines, each with the scenarios that executed it once.
    pub fn file(lines: &[(u32, &[&str])]) -> FileCounts {
        let mut file = FileCounts::default();
        for (number, scenarios) in lines {
            let line = file.lines.entry(*number).or_default();
            scenarios.iter().for_each(|scenario| line.add(scenario, 1));
        }
        file
    }

    /// One file.
    pub fn counts(path: &str, file: FileCounts) -> Counts {
        Counts { files: BTreeMap::from([(path.to_owned(), file)]) }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{counts, file};
    use super::*;

    #[test]
    fn a_line_of_two_runs_was_executed_if_one_executed_it_and_counts_add_up() {
        let mut sum = counts("a.c", file(&[(1, &["idle"]), (2, &[]), (3, &["idle"])]));
        sum.add(&counts("a.c", file(&[(1, &["idle"]), (2, &["memcg"]), (3, &[]), (4, &[])])));
        let lines = &sum.files["a.c"].lines;
        assert_eq!(lines.values().map(LineCounts::total).collect::<Vec<_>>(), [2, 1, 1, 0]);
        assert_eq!(lines[&2].scenarios().collect::<Vec<_>>(), ["memcg"]);
        assert_eq!(sum.files["a.c"].executed_of(..), (3, 4));
        assert_eq!(sum.files["a.c"].executed_of(2..=2), (1, 1));
    }

    #[test]
    fn the_union_does_not_depend_on_the_order() {
        let one = counts("a.c", file(&[(1, &["x"]), (2, &["y"])]));
        let two = counts("b.c", file(&[(1, &["y"]), (2, &[])]));
        let (mut forward, mut backward) = (one.clone(), two.clone());
        forward.add(&two);
        backward.add(&one);
        assert_eq!(forward, backward);
    }

    #[test]
    fn a_count_that_is_too_large_stays_the_largest() {
        let mut line = LineCounts::default();
        line.add("x", u64::MAX);
        line.add("x", 7);
        line.add("y", 7);
        assert_eq!(line.total(), u64::MAX);
    }
}
