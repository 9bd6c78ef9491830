//! Why patches cannot be read.

use super::damage::Damage;
use crate::host::command::RunError;
use crate::host::fault::{Fault, Faulty};
use crate::host::text::{foreign, shown};
use std::io;
use std::path::PathBuf;

/// Why patches cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    /// It is missing or cannot be read.
    #[error(
        "cannot read the patches in {}: {cause}; wanted: a mail, an mbox, a maildir, a folder of .patch files, or \
         REPOSITORY:BASE..TOPIC", shown(.path)
    )]
    Unreadable {
        /// The argument.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
    /// It is too large to be read into memory.
    #[error("{what} has {size} MiB; the limit for {kind} is {limit} MiB")]
    TooLarge {
        /// The file or the message.
        what: String,
        /// Its size, in MiB.
        size: u64,
        /// The limit, in MiB.
        limit: u64,
        /// What the limit is for.
        kind: &'static str,
    },
    /// A file without a usable patch.
    #[error("cannot use the patch {}: {reason}", shown(.path))]
    NoPatch {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A patch that names a file outside of the tree.
    #[error("cannot use the patch {place}: it must not touch {name}: {why}", name = foreign(.name))]
    Outside {
        /// The patch.
        place: String,
        /// The name.
        name: String,
        /// Why it must not be touched.
        why: &'static str,
    },
    /// A patch that differs from what its author sent.
    #[error("cannot use the patch {place}: {damage}{}", .damage.advice().map(|advice| format!("\n{advice}")).unwrap_or_default())]
    Damaged {
        /// The patch.
        place: String,
        /// Where and how.
        damage: Damage,
    },
    /// Patches that are not one whole series.
    #[error("{place} is not a whole series: {reason}")]
    NotASeries {
        /// The file.
        place: String,
        /// What is missing, or too much.
        reason: String,
    },
    /// A range of commits that cannot be turned into patches.
    #[error("cannot take patches from {} in {}: {reason}", foreign(.range), shown(.repository))]
    Range {
        /// The repository.
        repository: PathBuf,
        /// The range.
        range: String,
        /// Why not.
        reason: String,
    },
    /// git could not be started, or the user asked to stop.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl Faulty for SeriesError {
    fn fault(&self) -> Fault {
        match self {
            SeriesError::Run(error) => error.fault(),
            SeriesError::Unreadable { .. }
            | SeriesError::TooLarge { .. }
            | SeriesError::NoPatch { .. }
            | SeriesError::Outside { .. }
            | SeriesError::Damaged { .. }
            | SeriesError::NotASeries { .. }
            | SeriesError::Range { .. } => Fault::BadInput,
        }
    }
}
