//! Why results are not joined.

use crate::host::fault::{Fault, Faulty};
use crate::host::regular_file::ReadError;
use crate::host::text::{foreign, quote, shown};
use crate::run::Shard;
use std::io;
use std::path::PathBuf;

/// Why results are not joined.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] ReadError),
    /// A folder cannot be listed, or a file cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A folder has no results of a shard.
    #[error(
        "{} has no results of a shard; wanted a file like run-1-of-4.json, which `run`, `coverage`, `explore` and `mutants` \
         with --shard write below their --out when they end",
        shown(.0)
    )]
    NoShard(PathBuf),
    /// A file is something else.
    #[error("{} is not the results of a shard that this damonlab can read: {}", shown(.path), foreign(.cause))]
    Format {
        /// Its path.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// Two files are of different calls.
    #[error(
        "{} is of another {} than {}: {} and {}; only the shards of one command can be joined",
        shown(.second), foreign(.what), shown(.first), quote(.found), quote(.wanted)
    )]
    OtherCall {
        /// The first file.
        first: PathBuf,
        /// The file that differs.
        second: PathBuf,
        /// In what.
        what: String,
        /// The value of the first file.
        wanted: String,
        /// The value of the second.
        found: String,
    },
    /// Two files are of the same shard.
    #[error("{} and {} are both shard {shard}; give each shard once", shown(.first), shown(.second))]
    Twice {
        /// The first file.
        first: PathBuf,
        /// The second.
        second: PathBuf,
        /// The shard.
        shard: Shard,
    },
    /// A shard is not there.
    #[error(
        "shard {} is missing; {found} of {count} are there. A command that was interrupted leaves no results: run it again, \
         then merge all",
        listed(.missing)
    )]
    Missing {
        /// Those that are missing.
        missing: Vec<Shard>,
        /// How many were found.
        found: usize,
        /// How many there are.
        count: usize,
    },
}

fn listed(shards: &[Shard]) -> String {
    shards.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Faulty for MergeError {
    fn fault(&self) -> Fault {
        match self {
            MergeError::Io(error) => error.fault(),
            MergeError::File(_)
            | MergeError::NoShard(_)
            | MergeError::Format { .. }
            | MergeError::OtherCall { .. }
            | MergeError::Twice { .. }
            | MergeError::Missing { .. } => Fault::BadInput,
        }
    }
}
