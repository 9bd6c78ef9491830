//! Why there is no series.

use super::damage::Damage;
use crate::host::command::RunError;
use crate::host::fault::{Fault, Faulty};
use std::io;
use std::path::PathBuf;

/// Why there is no series. Each is the user's to mend, but for [`SeriesError::Run`].
#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    /// Nothing is there, or it cannot be read.
    #[error(
        "cannot read the patches in {}: {cause}; wanted: a mail, an mbox, a maildir, a folder of .patch files, or \
         REPOSITORY:BASE..TOPIC", .path.display()
    )]
    Unreadable {
        /// What was asked for.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// More than damonlab keeps in memory.
    #[error("{what} has {size} MiB; damonlab reads at most {limit} MiB of {kind}")]
    TooLarge {
        /// The file or the message.
        what: String,
        /// How much it has, in MiB.
        size: u64,
        /// How much it may have, in MiB.
        limit: u64,
        /// What is bounded.
        kind: &'static str,
    },
    /// A file that no patch can be taken from.
    #[error("cannot use the patch {}: {reason}", .path.display())]
    NoPatch {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A patch that names a file which is none of the tree.
    #[error("cannot use the patch {place}: it names a file that it must not touch: {name}: {why}")]
    Outside {
        /// The patch.
        place: String,
        /// The name.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// A patch that is not what its author made.
    #[error("cannot use the patch {place}: {damage}{}", .damage.advice().map(|advice| format!("\n{advice}")).unwrap_or_default())]
    Damaged {
        /// The patch.
        place: String,
        /// Where and how.
        damage: Damage,
    },
    /// Patches that are not one series.
    #[error("{place} is not a whole series: {reason}")]
    NotASeries {
        /// The file.
        place: String,
        /// What is missing, or one too many.
        reason: String,
    },
    /// A range of commits that cannot be made patches of.
    #[error("no patches come from {range} in {}: {reason}", .repository.display())]
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
