//! What one guest is started with, and what it comes to.

use super::checkpoint::Store;
use super::timing::Timing;
use super::watch::Ending;
use crate::machine::Argv;
use crate::scenario::Clocks;
use crate::setup::Tools;
use damonlab_protocol::plan::Plan;
use std::path::Path;

/// What one guest is made of.
#[derive(Debug)]
pub struct Launch<'a> {
    /// QEMU, virtme-ng and their environment.
    pub tools: &'a Tools,
    /// The kernel.
    pub bzimage: &'a Path,
    /// The guest's `/init`; [`AGENT`](super::AGENT) but in tests of guests that fail.
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
