//! Why no guest ran to its end.

use crate::host::fault::{Fault, Faulty};
use crate::host::interrupt::Interrupted;
use crate::host::lock::LockError;
use crate::host::process::WaitError;
use std::io;
use std::path::PathBuf;

/// Why no guest ran to an [`Ending`](super::Ending). None of these is the kernel's fault.
#[derive(Debug, thiserror::Error)]
pub enum VmError {
    /// The user asked to stop; nothing is left running.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The run folder's path cannot go through virtme-ng's shell line.
    #[error(
        "the path {path} has characters that virtme-ng's shell line does not survive; set TMPDIR to a folder with a plain name",
        path = .path.display()
    )]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// A socket of QEMU's could not be used.
    #[error("cannot use QEMU's {name} socket: {cause}")]
    Socket {
        /// Which.
        name: &'static str,
        /// Why.
        cause: io::Error,
    },
    /// QEMU ended before it had its sockets, or never made them.
    #[error("QEMU did not start; the last words of {log} are:\n{words}", log = .log.display())]
    NotStarted {
        /// virtme-ng's log.
        log: PathBuf,
        /// Its last lines.
        words: String,
    },
    /// A guest that should show how QEMU maps CXL memory did not.
    #[error("cannot tell whether QEMU maps CXL memory directly: {0}")]
    NotAsked(String),
    /// A guest that should show what its kernel has did not.
    #[error("cannot tell what the kernel has: its guest did not answer; {0}")]
    NoAnswer(String),
    /// The guest could not be saved; it can be booted.
    #[error("{0}")]
    NotSaved(String),
    /// Another run's lock could not be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The host refused a file or a process.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<WaitError> for VmError {
    fn from(error: WaitError) -> VmError {
        match error {
            WaitError::Interrupted(stop) => stop.into(),
            WaitError::Io(cause) => cause.into(),
        }
    }
}

impl Faulty for VmError {
    fn fault(&self) -> Fault {
        match self {
            VmError::Interrupted(stop) => stop.fault(),
            VmError::Lock(error) => error.fault(),
            VmError::Path { .. }
            | VmError::Socket { .. }
            | VmError::NotStarted { .. }
            | VmError::NotAsked(_)
            | VmError::NoAnswer(_)
            | VmError::NotSaved(_)
            | VmError::Io(_) => Fault::Infra,
        }
    }
}
