//! One guest from start to end: virtme-ng in its own process group, the console, the results, and
//! clocks with names.
//!
//! [`run`] boots a kernel on a machine, or starts it from a [`checkpoint`], lets the agent carry out a
//! plan, and leaves what came back in a folder. It judges nothing: [`Ending`] says how the guest ended, and
//! the files say the rest. A guest stops itself at its ready point; the first of its kind is saved and ended
//! there, and all that follow, its own run among them, start from what was saved.

mod accel;
mod capability;
pub mod checkpoint;
mod command;
mod console;
mod cxl_mapping;
mod debug;
mod folder;
mod gdb;
mod guest;
mod initramfs;
mod machine_check;
mod missing_features;
mod plan;
mod probe;
mod probe_cache;
mod qmp;
mod ram;
mod results;
mod save;
#[cfg(test)]
mod shell_text;
mod start;
#[cfg(test)]
pub(crate) mod testkit;
mod watch;

pub use accel::{Accelerator, Timing, choose as choose_accelerator, kvm_note};
pub use capability::{Capabilities, MissingQemuFeature, capabilities, machines_note};
pub use cxl_mapping::emulated_windows;
pub use debug::{Stopped, stop_after};
pub use guest::run;
pub use initramfs::{AGENT, archive as initramfs_archive};
pub use machine_check::{MachineCheck, Refusal, try_machine};
pub use missing_features::missing_features;
pub use watch::{Clock, Ending};

use crate::host::fault::{Fault, Faulty};
use crate::host::interrupt::Interrupted;
use crate::host::lock::LockError;
use crate::host::process::WaitError;
use crate::machine::Argv;
use crate::scenario::Clocks;
use crate::setup::Tools;
use checkpoint::Store;
use damonlab_protocol::plan::Plan;
use std::io;
use std::path::{Path, PathBuf};

/// The console's whole text, in the recording.
pub const CONSOLE_LOG: &str = "console.txt";
/// What virtme-ng and QEMU said; it names host paths, so nothing compares it.
pub const VNG_LOG: &str = "vng.log";
/// virtme-ng's command line, a word a line, of a guest that was booted.
pub const VNG_ARGV: &str = "vng.argv";
/// QEMU's command line, a word a line.
pub const QEMU_ARGV: &str = "qemu.argv";

/// What one guest is made of.
#[derive(Debug)]
pub struct Launch<'a> {
    /// QEMU, virtme-ng and their environment.
    pub tools: &'a Tools,
    /// The kernel.
    pub bzimage: &'a Path,
    /// The guest's `/init`; [`AGENT`] but in tests of guests that fail.
    pub agent: &'a [u8],
    /// The machine.
    pub machine: &'a Argv,
    /// What makes time pass.
    pub timing: Timing,
    /// What the guest does.
    pub plan: &'a Plan,
    /// How long it may take, in wall time.
    pub clocks: &'a Clocks,
    /// Where logs and results go.
    pub results: &'a Path,
    /// Saved guests, to start from and to add to; none boots and saves nothing.
    pub checkpoints: Option<&'a Store>,
    /// What a checkpoint is called in a list: the kernel, for people.
    pub describe: &'a str,
}

/// A guest that is over.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub ending: Ending,
    /// What went another way than usual: for people.
    pub notes: Vec<String>,
    /// It was booted, and not started from a checkpoint.
    pub booted: bool,
}

/// Why no guest ran to an [`Ending`]. None of these is the kernel's fault.
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
