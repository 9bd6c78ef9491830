//! Which of the lines that a series adds were executed. Pure.

use super::counts::Counts;
use crate::kernel::ChangedFile;
use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::collections::BTreeMap;

/// The lines that a series adds: by file and number in the patched source, their text.
pub type Added = BTreeMap<String, BTreeMap<u32, String>>;

/// A line that a series adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AddedLine {
    /// Its file.
    pub path: String,
    /// Its number in the patched source.
    pub line: u32,
    /// Its text.
    pub text: String,
    /// The function that it stands in.
    pub function: Option<String>,
    /// Whether it was executed.
    pub reach: Reach,
    /// The scenarios that executed it.
    pub scenarios: Vec<String>,
}

/// Whether a line was executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// By a scenario.
    Executed,
    /// By none.
    Missed,
    /// It has no code of its own: a comment, a declaration, a brace, or a part of a longer statement.
    NoCode,
    /// Nothing counts in its file: it is not compiled, or no C.
    NotCounted,
}

/// All lines that a series adds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SeriesTotal {
    /// By file and number.
    pub lines: Vec<AddedLine>,
}

impl SeriesTotal {
    /// What became of the `added` lines.
    pub fn of(added: &Added, counts: &Counts) -> SeriesTotal {
        let mut lines = Vec::new();
        for (path, texts) in added {
            let counted = counts.files.get(path);
            for (&line, text) in texts {
                let counts = counted.and_then(|file| file.lines.get(&line));
                let reach = match (counted, counts) {
                    (None, _) => Reach::NotCounted,
                    (_, None) => Reach::NoCode,
                    (_, Some(counts)) if counts.is_executed() => Reach::Executed,
                    _ => Reach::Missed,
                };
                let scenarios = counts.into_iter().flat_map(|line| line.scenarios().map(str::to_owned));
                lines.push(AddedLine {
                    path: path.clone(),
                    line,
                    text: text.clone(),
                    function: counted.and_then(|file| file.function_at(line)).map(str::to_owned),
                    reach,
                    scenarios: scenarios.collect(),
                });
            }
        }
        SeriesTotal { lines }
    }

    /// The lines with this reach.
    pub fn with(&self, reach: Reach) -> impl Iterator<Item = &AddedLine> {
        self.lines.iter().filter(move |line| line.reach == reach)
    }

    /// How many lines with code were executed, and how many there are.
    pub fn executed_of(&self) -> (usize, usize) {
        let executed = self.with(Reach::Executed).count();
        (executed, executed + self.with(Reach::Missed).count())
    }
}

/// The lines that the `changed` files have more than before.
pub fn added(changed: &[ChangedFile]) -> Added {
    let one = |file: &ChangedFile| {
        let lines = inserted(file.before.as_deref().unwrap_or_default(), &file.after);
        (file.path.clone(), lines.into_iter().map(|(line, text)| (line, text.trim().to_owned())).collect())
    };
    changed.iter().map(one).collect()
}

/// The lines of `after` that are not in `before`, with their numbers from 1.
fn inserted<'a>(before: &str, after: &'a str) -> Vec<(u32, &'a str)> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut lines = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        if let DiffOp::Insert { new_index, new_len, .. } | DiffOp::Replace { new_index, new_len, .. } = op {
            for (at, text) in new.iter().enumerate().skip(new_index).take(new_len) {
                lines.extend(u32::try_from(at + 1).ok().map(|number| (number, *text)));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::counts::Function;
    use super::super::counts::testing::{counts, file};
    use super::*;

    #[test]
    fn added_lines_are_executed_missed_without_code_or_not_counted() {
        let mut core = file(&[(1, &["idle"]), (3, &["idle", "memcg"]), (4, &[])]);
        core.functions.insert("f".into(), Function { first: 2, last: 5, calls: 1 });
        let changed = [
            ChangedFile {
                path: "mm/damon/core.c".into(),
                before: Some("a\nb\nz\n".into()),
                after: "a\nb\n\tdo();\n\tnever();\n\t/* why */\nz\n".into(),
            },
            ChangedFile { path: "Documentation/x.rst".into(), before: None, after: "text\n".into() },
        ];
        let total = SeriesTotal::of(&added(&changed), &counts("mm/damon/core.c", core));
        let shown: Vec<_> = total
            .lines
            .iter()
            .map(|line| (line.line, &*line.text, line.reach, line.scenarios.len()))
            .collect();
        assert_eq!(
            shown,
            [
                (1, "text", Reach::NotCounted, 0),
                (3, "do();", Reach::Executed, 2),
                (4, "never();", Reach::Missed, 0),
                (5, "/* why */", Reach::NoCode, 0)
            ]
        );
        assert_eq!(total.lines[2].function.as_deref(), Some("f"));
        assert_eq!(total.executed_of(), (1, 2));
    }

    #[test]
    fn a_line_that_moved_is_not_added() {
        assert_eq!(inserted("a\nb\n", "x\na\nb\n"), [(1, "x")]);
        assert_eq!(inserted("a\nb\n", "a\nB\n"), [(2, "B")]);
    }
}
