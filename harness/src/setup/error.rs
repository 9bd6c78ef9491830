//! Why an installation failed.

use super::sources::SourcesError;
use super::tools::Missing;
use super::venv::VenvError;
use super::version::Version;
use crate::host::command::RunError;
use crate::host::fault::{Fault, Faulty};
use crate::host::lock::LockError;
use std::io;

/// Why an installation failed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// To install Debian packages needs root.
    #[error("installing {} needs root; paste this, then try again:\n\n  {command}\n", .packages.join(", "))]
    NeedsRoot {
        /// The packages.
        packages: Vec<String>,
        /// A command that works.
        command: String,
    },
    /// There is no apt-get.
    #[error("this machine has no apt-get; install the content of these Debian packages: {}", .packages.join(", "))]
    NoApt {
        /// The packages.
        packages: Vec<String>,
    },
    /// The machine's apt sources cannot be used.
    #[error(transparent)]
    Sources(#[from] SourcesError),
    /// No archive of the machine has a QEMU that is new enough.
    #[error("neither {release} nor {release}-backports has QEMU {wanted} or newer")]
    NoQemu {
        /// The release's codename.
        release: String,
        /// The oldest version that is sufficient.
        wanted: Version,
    },
    /// The installation succeeded, but something is still missing.
    #[error("the installation succeeded, but {0}")]
    StillMissing(Missing),
    /// The virtual environment could not be made.
    #[error(transparent)]
    Venv(#[from] VenvError),
    /// A program failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The lock of the setup could not be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file of the cache cannot be used.
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
            | SetupError::StillMissing(_)
            | SetupError::Io(_) => Fault::Infra,
        }
    }
}
