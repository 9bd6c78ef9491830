//! Why no guest ran to an ending.

use crate::host::command::RunError;
use crate::host::fault::{Fault, Faulty};
use crate::host::interrupt::Interrupted;
use crate::host::lock::LockError;
use crate::host::process::WaitError;
use crate::host::text::shown;
use std::io;
use std::path::PathBuf;

/// Why no guest ran to an [`Ending`](super::Ending). None of these is the kernel's fault.
#[derive(Debug, thiserror::Error)]
pub enum VmError {
    /// The user asked to stop; nothing is left running.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The path of the run folder is not plain to virtme-ng's shell.
    #[error(
        "the path {path} has characters that virtme-ng's shell would interpret; set TMPDIR to a folder with a plain name",
        path = shown(.path)
    )]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// The path of the run folder leaves no room for that of a socket.
    #[error(
        "the path {path} has {length} bytes, and that of a Unix socket has at most 107 bytes; set TMPDIR to a folder \
         with a shorter path",
        path = shown(.path),
        length = .path.as_os_str().len()
    )]
    LongPath {
        /// The socket's path.
        path: PathBuf,
    },
    /// A socket of QEMU could not be used.
    #[error("cannot use QEMU's {name} socket: {cause}")]
    Socket {
        /// Its name.
        name: &'static str,
        /// The system's error.
        cause: io::Error,
    },
    /// QEMU did not say which features it has.
    #[error("cannot query the features of {qemu}: {cause}{lines}", qemu = shown(.qemu))]
    Query {
        /// The program.
        qemu: PathBuf,
        /// Why no answer came.
        cause: io::Error,
        /// What it printed.
        lines: String,
    },
    /// QEMU ended before it made its sockets, or did not make them in time.
    #[error("QEMU did not start; the last lines of {log} are:\n{lines}", log = shown(.log))]
    NotStarted {
        /// virtme-ng's log.
        log: PathBuf,
        /// Its last lines.
        lines: String,
    },
    /// QEMU ended, and not because of the guest.
    #[error("QEMU ended {how}, {moment}{lines}")]
    QemuEnded {
        /// When.
        moment: &'static str,
        /// How, and by what.
        how: String,
        /// Where its output is, and the end of it; empty if it printed nothing.
        lines: String,
    },
    /// QEMU has stopped the guest for an error of its own.
    #[error("QEMU stopped the guest {moment} for an error of its own: its state is {status}")]
    QemuGaveUp {
        /// When.
        moment: &'static str,
        /// QEMU's state.
        status: String,
    },
    /// A clock has run out, and QEMU's monitor does not answer. A guest that hangs leaves the monitor alone.
    #[error("QEMU hangs {moment}: its monitor does not answer ({cause}), {asked} times in a row")]
    QemuHangs {
        /// When.
        moment: &'static str,
        /// What became of the last command.
        cause: io::Error,
        /// How many commands had no answer.
        asked: usize,
    },
    /// The probe of how QEMU maps CXL memory failed.
    #[error("cannot find out whether QEMU maps CXL memory directly: {0}")]
    CxlProbe(String),
    /// The probe of the kernel's features failed.
    #[error(
        "cannot find out which DAMON features the kernel has: the probe guest sent no usable report; {0}"
    )]
    FeatureProbe(String),
    /// There is no checkpoint; the guest can be booted.
    #[error("{0}")]
    NoCheckpoint(String),
    /// A lock could not be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A program failed.
    #[error(transparent)]
    Program(#[from] RunError),
    /// A file or a process of the host failed.
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
            VmError::Program(error) => error.fault(),
            VmError::Path { .. }
            | VmError::LongPath { .. }
            | VmError::Socket { .. }
            | VmError::Query { .. }
            | VmError::NotStarted { .. }
            | VmError::QemuEnded { .. }
            | VmError::QemuGaveUp { .. }
            | VmError::QemuHangs { .. }
            | VmError::CxlProbe(_)
            | VmError::FeatureProbe(_)
            | VmError::NoCheckpoint(_)
            | VmError::Io(_) => Fault::Infra,
        }
    }
}
