//! Why there are no counts.

use super::gcov::GcovError;
use crate::host::command::RunError;
use crate::host::fault::{Fault, Faulty};
use crate::host::text::{foreign, shown};
use crate::recording::RecordingError;
use crate::trace::raw::RawError;
use std::io;
use std::path::PathBuf;

/// Why there are no counts.
#[derive(Debug, thiserror::Error)]
pub enum LineCoverageError {
    /// There is no gcov.
    #[error("gcov is missing, which reads the counts of the kernel; `apt-get install gcc` installs it")]
    NoGcov,
    /// The kernel was not built to count, or its `.gcno` files are gone.
    #[error(
        "the kernel '{0}' has no .gcno files, so nothing says to which lines its counts belong; `damonlab kernel rm` it, and build it again"
    )]
    NoNotes(String),
    /// No counts came from the guest.
    #[error("{} has no gcov.bin: the kernel counted nothing, or the guest ended early", shown(.0))]
    NoCounts(PathBuf),
    /// The counts are not as the guest writes them.
    #[error("{}: {cause}", shown(.path))]
    Counts {
        /// `gcov.bin`.
        path: PathBuf,
        /// What is wrong.
        cause: RawError,
    },
    /// No object of the kernel has counts.
    #[error("{}: no count belongs to an object of this kernel; it is from another build", shown(.0))]
    Foreign(PathBuf),
    /// gcov printed something else than its JSON.
    #[error("gcov on {object}: {cause}{hint}; gcov must be of the same version as gcc", hint = said(.stderr))]
    Gcov {
        /// The object.
        object: String,
        /// What is wrong with it.
        cause: GcovError,
        /// What gcov wrote beside it.
        stderr: String,
    },
    /// It could not be started, or failed.
    #[error(transparent)]
    Tool(#[from] RunError),
    /// A recording cannot be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// A file cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn said(stderr: &str) -> String {
    match stderr.lines().next() {
        Some(line) => format!(" ({})", foreign(line)),
        None => String::new(),
    }
}

impl Faulty for LineCoverageError {
    fn fault(&self) -> Fault {
        match self {
            LineCoverageError::Recording(error) => error.fault(),
            LineCoverageError::Tool(error) => error.fault(),
            LineCoverageError::Io(error) => error.fault(),
            _ => Fault::Infra,
        }
    }
}
