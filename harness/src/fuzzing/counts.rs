//! The target that reads counts of executed lines: gcov's JSON, the blocks of a guest, and the results of a shard.

use crate::line_coverage::{files, functions, lcov, read_gcov};
use crate::report;
use crate::shards::{ShardFile, Totals};
use crate::trace::raw;

/// One text as each of the three. A union with itself has the same lines, and a tracefile has no line that a name made.
pub(super) fn counts(bytes: &[u8]) {
    if let Err(error) = raw::blocks(bytes) {
        drop(error.to_string());
    }
    match read_gcov(bytes, "fuzz", |path| Some(path.to_owned())) {
        Ok(counts) => {
            let mut sum = counts.clone();
            sum.add(&counts);
            assert!(files(&sum) == files(&counts), "a union with itself has other lines");
            let records = |text: &str| text.lines().filter(|line| *line == "end_of_record").count();
            assert!(records(&lcov(&counts)) == counts.files.len(), "a name ends a record");
            drop(functions(&counts));
        }
        Err(error) => drop(error.to_string()),
    }
    match ShardFile::parse(bytes) {
        Ok(ShardFile { totals: Totals::Coverage(coverage), .. }) => {
            drop(report::line_coverage(&coverage.runs, true));
            drop(report::line_coverage_notes(&coverage.runs, true));
            drop(report::line_coverage_data(&coverage.runs));
        }
        Ok(file) => drop(file),
        Err(cause) => drop(cause),
    }
}
