//! What a user reads when a command cannot answer, and the exit status that goes with it.

use crate::bisect::EndpointError;
use crate::compare::SideError;
use crate::host::fault::{Fault, Faulty};
use crate::host::interrupt::Interrupted;
use crate::kernel::KernelError;
use crate::machine::MachineError;
use crate::mutants::MutantError;
use crate::recording::RecordingError;
use crate::run::debug::DebugError;
use crate::run::replay::ImageNotFound;
use crate::run::{KernelRunError, RunError};
use crate::scenario::ScenarioError;
use crate::setup::{Missing, SetupError};
use crate::vm::{MissingQemuFeature, Refusal, VmError};
use std::io;
use thiserror::Error;

const BAD_INPUT: u8 = 2;
const INFRA: u8 = 3;
/// As shells say it: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

/// Why a command ended without a verdict.
#[derive(Debug, Error, miette::Diagnostic)]
pub(super) enum CliError {
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scenario(#[from] Box<ScenarioError>),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Recording(#[from] RecordingError),
    #[error("there is no {kind} named '{name}'")]
    #[diagnostic(help("{help}"))]
    Unknown { kind: &'static str, name: String, help: String },
    #[error("there is no scenario named '{name}'; there are {known}")]
    NoScenario { name: String, known: String },
    #[error("there is no machine and no scenario named '{name}'")]
    #[diagnostic(help("machines: {help}\nscenarios: {known}"))]
    NoMachine { name: String, help: String, known: String },
    #[error(
        "'{0}' would run on several CPUs, and on virtual time a machine has one; take --clock real, or a machine with \
         one CPU"
    )]
    ManyCpus(String),
    #[error(
        "'{0}' runs on the real clock, where no run repeats; --seeds, --repeat, replay and bisect need virtual time \
         (--clock virtual)"
    )]
    NeverRepeats(String),
    #[error(
        "QEMU steps backwards only in a replay of its own, from a snapshot on a disk, and a damonlab guest has \
         none; `--gdb` with an earlier place comes by the same instructions again"
    )]
    NoReverse,
    #[error("'{0}' shows the guest the host's files, which answer at the host's pace: it needs --clock real")]
    HostFiles(String),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Debug(#[from] DebugError),
    #[error("there is nothing called '{0}' in the kernel cache; `damonlab kernel list` shows what is there")]
    NoKernel(String),
    #[error(transparent)]
    #[diagnostic(transparent)]
    ImageNotFound(#[from] ImageNotFound),
    #[error(transparent)]
    Kernel(#[from] KernelError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Machine(#[from] MachineError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    #[diagnostic(transparent)]
    MissingQemuFeature(#[from] MissingQemuFeature),
    #[error(transparent)]
    Vm(#[from] VmError),
    #[error(transparent)]
    Mutant(#[from] MutantError),
    #[error("{0}")]
    Side(String),
    #[error(transparent)]
    Ends(#[from] EndpointError),
    #[error("cannot listen for Ctrl-C: {0}")]
    Signals(io::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<KernelRunError> for CliError {
    fn from(error: KernelRunError) -> CliError {
        match error {
            KernelRunError::Kernel(error) => error.into(),
            KernelRunError::Run(error) => error.into(),
            KernelRunError::Io(error) => error.into(),
        }
    }
}

impl From<SideError> for CliError {
    fn from(error: SideError) -> CliError {
        match error {
            SideError::Kernel(error) => error.into(),
            error => CliError::Side(error.to_string()),
        }
    }
}

impl CliError {
    pub(super) fn exit_status(&self) -> u8 {
        match self {
            CliError::Scenario(_)
            | CliError::Recording(_)
            | CliError::Unknown { .. }
            | CliError::NoScenario { .. }
            | CliError::NoMachine { .. }
            | CliError::NoKernel(_)
            | CliError::ManyCpus(_)
            | CliError::HostFiles(_)
            | CliError::NoReverse
            | CliError::NeverRepeats(_)
            | CliError::ImageNotFound(_)
            | CliError::Machine(_)
            | CliError::Refused(_)
            | CliError::MissingQemuFeature(_)
            | CliError::Mutant(_)
            | CliError::Side(_)
            | CliError::Ends(_)
            | CliError::Run(
                RunError::Machine(_)
                | RunError::Slots(_)
                | RunError::UnsupportedKernel(_)
                | RunError::Scenario(_),
            ) => BAD_INPUT,
            CliError::Kernel(error) => match error.fault() {
                Fault::BadInput => BAD_INPUT,
                Fault::Infra => INFRA,
                Fault::Interrupted => INTERRUPTED,
            },
            CliError::Setup(error) if error.is_interrupt() => INTERRUPTED,
            CliError::Run(RunError::Interrupted(Interrupted)) => INTERRUPTED,
            CliError::Debug(DebugError::Vm(error)) if error.is_interrupt() => INTERRUPTED,
            CliError::Vm(error) if error.is_interrupt() => INTERRUPTED,
            CliError::Debug(DebugError::Vm(_)) | CliError::Vm(_) => INFRA,
            CliError::Debug(_) => BAD_INPUT,
            CliError::Setup(_)
            | CliError::Missing(_)
            | CliError::Run(
                RunError::Results(_) | RunError::Slot(_) | RunError::Memory(_) | RunError::Probe(_),
            )
            | CliError::Signals(_)
            | CliError::Io(_) => INFRA,
        }
    }
}
