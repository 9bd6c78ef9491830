//! Which lines of the kernel a set of runs executed.
//!
//! A kernel that counts leaves `gcov.bin` in each recording. [`collect`] has the host's gcov read it, [`Counts`] unites
//! runs, and [`CountedRuns`] is what is stored and merged. [`FileTotal`], [`FunctionTotal`] and [`SeriesTotal`] are what a report shows.
//! (Which *rules* a suite checks is another matter: `judge::Coverage`.)

mod collect;
mod counts;
mod error;
mod gcov;
mod lcov;
mod measured_files;
mod series_lines;
mod stored;
mod totals;

pub use collect::{GcovTool, collect};
pub use counts::{Counts, FileCounts, Function, LineCounts};
pub use error::LineCoverageError;
pub use gcov::read as read_gcov;
pub use lcov::lcov;
pub use measured_files::MeasuredFiles;
pub use series_lines::{Added, AddedLine, Reach, SeriesTotal, added};
pub use stored::{CountedRun, CountedRuns};
pub use totals::{FileTotal, FunctionTotal, files, functions};
