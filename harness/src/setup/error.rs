//! Why an installation failed.

use super::sources::SourcesError;
use super::tools::Missing;
use super::venv::VenvError;
use super::version::Version;
use crate::host::command::RunError;
use crate::host::fault::{Fault, Faulty};
use crate::host::lock::LockError;
use crate::host::text::foreign;
use std::io;

/// Why an installation failed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// To install packages needs root.
    #[error("installing {} needs root; paste this, then try again:\n\n  {command}\n", .packages.join(", "))]
    NeedsRoot {
        /// The packages.
        packages: Vec<String>,
        /// A command that works.
        command: String,
    },
    /// The distribution's package manager is not there.
    #[error("{} has no {manager} in PATH; install these packages, then try again: {}", foreign(.distribution), .packages.join(", "))]
    NoManager {
        /// What the distribution calls itself.
        distribution: String,
        /// The program.
        manager: &'static str,
        /// The packages.
        packages: Vec<String>,
    },
    /// The distribution keeps packages for a shell.
    #[error(
        "{} installs nothing into the system; start this shell, then try again in it:\n\n  {command}\n", foreign(.distribution)
    )]
    PerShell {
        /// What the distribution calls itself.
        distribution: String,
        /// A command that works.
        command: String,
    },
    /// The distribution is not one that damonlab knows.
    #[error("damonlab does not know the packages of {}", foreign(.0))]
    UnknownDistribution(String),
    /// Something is missing that no package of the distribution is known to have.
    #[error(
        "damonlab knows no package of {} with {}; install that by other means (QEMU builds from its source), then try again",
        foreign(.distribution), .what.join(", ")
    )]
    NoPackage {
        /// What the distribution calls itself.
        distribution: String,
        /// The programs and libraries.
        what: Vec<String>,
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
            | SetupError::NoManager { .. }
            | SetupError::PerShell { .. }
            | SetupError::UnknownDistribution(_)
            | SetupError::NoPackage { .. }
            | SetupError::Sources(_)
            | SetupError::NoQemu { .. }
            | SetupError::StillMissing(_)
            | SetupError::Io(_) => Fault::Infra,
        }
    }
}
