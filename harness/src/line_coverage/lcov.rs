//! Counts as a tracefile of lcov (geninfo(1)), which editors and CI services read. Pure.

use super::counts::Counts;
use std::fmt::Write as _;

/// The tracefile: for each file its functions, then its lines.
pub fn lcov(counts: &Counts) -> String {
    let mut out = String::from("TN:damonlab\n");
    for (path, file) in &counts.files {
        let mut line = |text: String| {
            // Writing into a string does not fail.
            let _ = writeln!(out, "{text}");
        };
        line(format!("SF:{}", plain(path)));
        for (name, function) in &file.functions {
            line(format!("FN:{},{}", function.first, plain(name)));
        }
        for (name, function) in &file.functions {
            line(format!("FNDA:{},{}", function.calls, plain(name)));
        }
        let called = file.functions.values().filter(|function| function.calls > 0).count();
        line(format!("FNF:{}\nFNH:{called}", file.functions.len()));
        for (number, counts) in &file.lines {
            line(format!("DA:{number},{}", counts.total()));
        }
        let (executed, all) = file.executed_of(..);
        line(format!("LF:{all}\nLH:{executed}\nend_of_record"));
    }
    out
}

/// A name from a file of somebody else's cannot begin a record of its own.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::gcov;
    use super::*;

    #[test]
    fn a_file_of_gcov_becomes_the_records_of_lcov() {
        let stored = include_bytes!("testdata/gcov-12.json");
        let counts = gcov::read(stored, "idle", |path| Some(format!("mm/damon/{path}"))).unwrap();
        insta::assert_snapshot!(lcov(&counts));
    }
}
