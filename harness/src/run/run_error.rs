//! Why a run has no verdict.

use super::unsupported_kernel::UnsupportedKernel;
use crate::host::fault::{Fault, Faulty};
use crate::host::interrupt::Interrupted;
use crate::host::lock::LockError;
use crate::kernel::KernelError;
use crate::machine::MachineError;
use crate::scenario::ScenarioError;
use crate::vm::VmError;
use std::io;

/// Why a run has no verdict, not even [`crate::check::Verdict::Infra`].
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RunError {
    /// The user asked to stop. The unfinished recording is removed.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The machine has no QEMU arguments.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The kernel has no DAMON. The recording is removed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    UnsupportedKernel(#[from] UnsupportedKernel),
    /// The scenario needs what this host or this QEMU does not have.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scenario(#[from] Box<ScenarioError>),
    /// The small guest failed that finds out what this QEMU does.
    #[error(transparent)]
    Probe(VmError),
    /// The free memory of this host is unknown.
    #[error("cannot find out how much memory this host has: {0}")]
    Memory(io::Error),
    /// The results cannot be read or written.
    #[error("cannot write results: {0}")]
    Results(io::Error),
    /// The lock of a slot failed.
    #[error("cannot get a slot for a guest: {0}")]
    Slot(LockError),
}

impl From<VmError> for RunError {
    fn from(error: VmError) -> RunError {
        if error.is_interrupt() { Interrupted.into() } else { RunError::Probe(error) }
    }
}

impl Faulty for RunError {
    fn fault(&self) -> Fault {
        match self {
            RunError::Interrupted(error) => error.fault(),
            RunError::Machine(_) | RunError::UnsupportedKernel(_) | RunError::Scenario(_) => Fault::BadInput,
            RunError::Probe(error) => error.fault(),
            RunError::Memory(error) | RunError::Results(error) => error.fault(),
            RunError::Slot(error) => error.fault(),
        }
    }
}

/// Why a kernel that is built to be run has no result: for those who build many kernels and run scenarios on each.
#[derive(Debug, thiserror::Error)]
pub enum KernelRunError {
    /// The kernel cannot be built here, or a patch is not one.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// A scenario cannot be run here.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The results cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Faulty for KernelRunError {
    fn fault(&self) -> Fault {
        match self {
            KernelRunError::Kernel(error) => error.fault(),
            KernelRunError::Run(error) => error.fault(),
            KernelRunError::Io(error) => error.fault(),
        }
    }
}
