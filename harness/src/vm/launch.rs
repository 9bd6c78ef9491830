//! The inputs of one guest, and its result.

use super::checkpoint::Store;
use super::sandbox::Sandbox;
use super::timing::Timing;
use super::watch::Ending;
use crate::machine::Argv;
use crate::recording::HostLoad;
use crate::scenario::Clocks;
use crate::setup::Tools;
use damonlab_protocol::plan::Plan;
use std::path::{Path, PathBuf};

/// The inputs of one guest.
#[derive(Debug)]
pub struct Launch<'a> {
    /// QEMU, virtme-ng and their environment.
    pub tools: &'a Tools,
    /// The kernel.
    pub bzimage: &'a Path,
    /// Its `System.map`, if there is one: with it a guest that hangs is explained.
    pub system_map: Option<PathBuf>,
    /// The guest's `/init`: [`AGENT`](super::AGENT), except in tests of guests that fail.
    pub agent: &'a [u8],
    /// The machine.
    pub machine: &'a Argv,
    /// The clock of the guest.
    pub timing: Timing,
    /// Whether QEMU confines itself.
    pub sandbox: Sandbox,
    /// The plan of the guest.
    pub plan: &'a Plan,
    /// The limits of each phase, in wall time.
    pub clocks: &'a Clocks,
    /// The folder for logs and results.
    pub results: &'a Path,
    /// The store of checkpoints; without it the guest is booted and not saved.
    pub checkpoints: Option<&'a Store>,
    /// The description of the kernel in the list of checkpoints.
    pub describe: &'a str,
}

/// A guest that has ended.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub ending: Ending,
    /// Notes about anything unusual, for users.
    pub notes: Vec<String>,
    /// Whether it was booted, and not started from a checkpoint.
    pub booted: bool,
    /// What the host gave it while its plan ran; none if it did not get there.
    pub load: Option<HostLoad>,
}
