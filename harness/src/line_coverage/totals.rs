//! How much of each file and of each function was executed. Pure.

use super::counts::Counts;
use serde::Serialize;
use std::collections::BTreeSet;

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileTotal {
    /// Its path.
    pub path: String,
    /// How many of its lines with code were executed.
    pub executed: usize,
    /// How many lines have code.
    pub lines: usize,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionTotal {
    /// Its file.
    pub path: String,
    /// Its first line.
    pub line: u32,
    /// Its name.
    pub name: String,
    /// How many of its lines with code were executed.
    pub executed: usize,
    /// How many lines have code.
    pub lines: usize,
    /// How often it was called.
    pub calls: u64,
    /// The lines that were not executed.
    pub missed: Vec<u32>,
    /// The scenarios that executed a line of it.
    pub scenarios: BTreeSet<String>,
}

/// Every file, by path.
pub fn files(counts: &Counts) -> Vec<FileTotal> {
    let one = |(path, file): (&String, &super::FileCounts)| {
        let (executed, lines) = file.executed_of(..);
        FileTotal { path: path.clone(), executed, lines }
    };
    counts.files.iter().map(one).filter(|file| file.lines > 0).collect()
}

/// Every function, by file and line.
pub fn functions(counts: &Counts) -> Vec<FunctionTotal> {
    let mut all = Vec::new();
    for (path, file) in &counts.files {
        for (name, function) in &file.functions {
            let own = || file.lines.range(function.first..=function.last.max(function.first));
            let (executed, lines) = file.executed_of(function.first..=function.last.max(function.first));
            all.push(FunctionTotal {
                path: path.clone(),
                line: function.first,
                name: name.clone(),
                executed,
                lines,
                calls: function.calls,
                missed: own().filter(|(_, line)| !line.is_executed()).map(|(number, _)| *number).collect(),
                scenarios: own().flat_map(|(_, line)| line.scenarios().map(str::to_owned)).collect(),
            });
        }
    }
    all.sort_by(|a, b| (&a.path, a.line, &a.name).cmp(&(&b.path, b.line, &b.name)));
    all
}

#[cfg(test)]
mod tests {
    use super::super::gcov;
    use super::*;

    #[test]
    fn functions_stand_in_the_order_of_the_source_with_the_lines_that_were_missed() {
        let stored = include_bytes!("testdata/gcov-12.json");
        let counts = gcov::read(stored, "idle", |path| Some(path.to_owned())).unwrap();
        let all = functions(&counts);
        let shown: Vec<_> =
            all.iter().map(|one| (&*one.name, one.executed, one.lines, &*one.missed)).collect();
        assert_eq!(
            shown,
            [
                ("half", 3, 4, &[5][..]),
                ("square", 1, 1, &[]),
                ("unused", 0, 2, &[11, 13]),
                ("main", 5, 5, &[])
            ]
        );
        assert_eq!(all[0].scenarios, BTreeSet::from(["idle".to_owned()]));
        assert_eq!(files(&counts), [FileTotal { path: "small.c".into(), executed: 9, lines: 12 }]);
    }
}
