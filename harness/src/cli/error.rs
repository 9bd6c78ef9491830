//! Why a command ends without a verdict. Whose fault an error is decides the exit status.

use crate::authoring::Untidy;
use crate::bisect::EndpointError;
use crate::bundled::{ExportError as ExportDataError, UnpackError};
use crate::compare::SideError;
use crate::explore::{CorpusError, ExploreError};
use crate::export::ExportError;
use crate::host::fault::{Fault, Faulty};
use crate::host::interrupt::Interrupted;
use crate::host::text::{foreign, shown};
use crate::host::variables::BadVariable;
use crate::kernel::KernelError;
use crate::line_coverage::LineCoverageError;
use crate::machine::MachineError;
use crate::mutants::MutantError;
use crate::recording::RecordingError;
use crate::run::debug::DebugError;
use crate::run::replay::ImageNotFound;
use crate::run::{KernelRunError, RunError};
use crate::scenario::ScenarioError;
use crate::setup::{Missing, SetupError};
use crate::shards::MergeError;
use crate::vm::{MissingQemuFeature, Refusal, VmError};
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// The exit status of a verb that came to an end.
pub(super) type VerbResult = Result<u8, CliError>;

/// Why a command ended without a verdict.
#[derive(Debug, Error, miette::Diagnostic)]
pub(super) enum CliError {
    #[error("there is no {kind} named '{}'", foreign(.name))]
    #[diagnostic(help("{help}"))]
    Unknown { kind: &'static str, name: String, help: String },
    #[error(
        "'{0}' needs several CPUs, and on virtual time a machine has one; use --clock real, or a machine with one CPU"
    )]
    ManyCpus(String),
    #[error(
        "'{0}' runs on the real clock, where no run repeats; --seeds, --repeat, replay and bisect need virtual time \
         (--clock virtual)"
    )]
    NeverRepeats(String),
    #[error(
        "'{0}' shows the guest the host's files, which are read at the host's pace: it needs --clock real"
    )]
    HostFiles(String),
    #[error(
        "{} is a run on virtual time, which passes as fast as this host computes it: there is nothing to follow. \
         `damonlab show` without --follow shows it once it has ended",
        shown(.0)
    )]
    NothingToFollow(PathBuf),
    #[error("{option} has no effect on {on}; leave it out")]
    NoEffect { option: &'static str, on: String },
    #[error("{0} has no effect on a kernel without patches of yours; add --series or --patch")]
    NeedsPatch(&'static str),
    #[error(
        "the second '{0}' has no effect on the run: a scenario runs once; `run --repeat N` runs it several times, and --seeds \
         with several seeds"
    )]
    GivenTwice(String),
    #[error("{0}")]
    NoListing(io::Error),
    #[error("standard output was closed")]
    ClosedPipe,
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    #[error("cannot write the report {}: {cause}; give --report another FILE", shown(.path))]
    ReportFile { path: PathBuf, cause: io::Error },
    #[error("cannot write the new file {}: {cause}; give another NAME", shown(.path))]
    NewFile { path: PathBuf, cause: io::Error },
    #[error("cannot start the pager {}: {cause}; set PAGER to another one, or to nothing", foreign(.pager))]
    Pager { pager: String, cause: io::Error },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Untidy(#[from] Untidy),
    #[error("cannot write manual pages into {}: {cause}; give another DIR", shown(.dir))]
    ManPages { dir: PathBuf, cause: io::Error },
    #[error(transparent)]
    Variable(#[from] BadVariable),
    #[error(transparent)]
    Unpack(&'static UnpackError),
    #[error(transparent)]
    ExportData(#[from] ExportDataError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scenario(#[from] Box<ScenarioError>),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Recording(#[from] RecordingError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Debug(#[from] DebugError),
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
    LineCoverage(#[from] LineCoverageError),
    #[error(transparent)]
    Explore(#[from] ExploreError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Corpus(#[from] CorpusError),
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error(transparent)]
    Mutant(#[from] MutantError),
    #[error(transparent)]
    Side(#[from] SideError),
    #[error(transparent)]
    Ends(#[from] EndpointError),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
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

impl Faulty for CliError {
    fn fault(&self) -> Fault {
        match self {
            CliError::Unknown { .. }
            | CliError::ManyCpus(_)
            | CliError::NeverRepeats(_)
            | CliError::HostFiles(_)
            | CliError::NothingToFollow(_)
            | CliError::NoEffect { .. }
            | CliError::NeedsPatch(_)
            | CliError::GivenTwice(_)
            | CliError::NoListing(_) => Fault::BadInput,
            CliError::NewFile { cause, .. } if cause.kind() == io::ErrorKind::AlreadyExists => {
                Fault::BadInput
            }
            CliError::ClosedPipe => Fault::Interrupted,
            CliError::Untidy(error) => error.fault(),
            CliError::Variable(error) => error.fault(),
            CliError::Unpack(error) => error.fault(),
            CliError::ExportData(error) => error.fault(),
            CliError::Scenario(error) => error.fault(),
            CliError::Recording(error) => error.fault(),
            CliError::Export(error) => error.fault(),
            CliError::Debug(error) => error.fault(),
            CliError::ImageNotFound(error) => error.fault(),
            CliError::Kernel(error) => error.fault(),
            CliError::Setup(error) => error.fault(),
            CliError::Missing(error) => error.fault(),
            CliError::Run(error) => error.fault(),
            CliError::Machine(error) => error.fault(),
            CliError::Refused(error) => error.fault(),
            CliError::MissingQemuFeature(error) => error.fault(),
            CliError::Vm(error) => error.fault(),
            CliError::LineCoverage(error) => error.fault(),
            CliError::Explore(error) => error.fault(),
            CliError::Corpus(error) => error.fault(),
            CliError::Merge(error) => error.fault(),
            CliError::Mutant(error) => error.fault(),
            CliError::Side(error) => error.fault(),
            CliError::Ends(error) => error.fault(),
            CliError::Interrupted(stop) => stop.fault(),
            CliError::Signals(error) | CliError::Output(error) | CliError::Io(error) => error.fault(),
            CliError::NewFile { cause, .. }
            | CliError::Pager { cause, .. }
            | CliError::ReportFile { cause, .. }
            | CliError::ManPages { cause, .. } => cause.fault(),
        }
    }
}

impl CliError {
    /// Standard output could not be written.
    pub(super) fn of_output(cause: io::Error) -> CliError {
        match cause.kind() {
            io::ErrorKind::BrokenPipe => CliError::ClosedPipe,
            io::ErrorKind::Unsupported => CliError::NoListing(cause),
            _ => CliError::Output(cause),
        }
    }

    /// 2 bad input, 3 the host or QEMU, 130 interrupted (as shells say it, 128 + SIGINT), and 141, 128 + SIGPIPE, where
    /// whoever reads has what they wanted, as in `damonlab list | head -1`: what was not printed may be a failure.
    pub(super) fn exit_status(&self) -> u8 {
        match self.fault() {
            _ if matches!(self, CliError::ClosedPipe) => 141,
            Fault::BadInput => 2,
            Fault::Infra => 3,
            Fault::Interrupted => 130,
        }
    }
}
