//! Why nothing, or not everything, could be installed.

use super::sources::SourcesError;
use super::tools::Missing;
use super::venv::VenvError;
use super::version::Version;
use crate::host::command::RunError;
use crate::host::fault::{Fault, Faulty};
use crate::host::lock::LockError;
use std::io;

/// Why nothing, or not everything, could be installed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Installing Debian packages needs root.
    #[error("installing {} needs root; paste this, then try again:\n\n  {command}\n", .packages.join(", "))]
    NeedsRoot {
        /// The packages.
        packages: Vec<String>,
        /// One command that works.
        command: String,
    },
    /// No apt-get here.
    #[error("this machine has no apt-get; install what these Debian packages bring: {}", .packages.join(", "))]
    NoApt {
        /// The packages.
        packages: Vec<String>,
    },
    /// The machine's sources are of no use.
    #[error(transparent)]
    Sources(#[from] SourcesError),
    /// No archive of the machine has a QEMU that is new enough.
    #[error("neither {release} nor {release}-backports has QEMU {wanted} or newer")]
    NoQemu {
        /// The release's codename.
        release: String,
        /// The oldest that would do.
        wanted: Version,
    },
    /// The installation ended well and something is missing all the same.
    #[error("installed, and yet {0}")]
    Still(Missing),
    /// The virtual environment.
    #[error(transparent)]
    Venv(#[from] VenvError),
    /// A program failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Another damonlab holds the setup, or its lock cannot be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file of the cache.
    #[error("cannot prepare the cache: {0}")]
    Io(#[from] io::Error),
}

impl Faulty for SetupError {
    fn fault(&self) -> Fault {
        match self {
            SetupError::Run(error) => error.fault(),
            SetupError::Lock(error) => error.fault(),
            SetupError::Venv(error) => error.fault(),
            SetupError::NeedsRoot { .. }
            | SetupError::NoApt { .. }
            | SetupError::Sources(_)
            | SetupError::NoQemu { .. }
            | SetupError::Still(_)
            | SetupError::Io(_) => Fault::Infra,
        }
    }
}
