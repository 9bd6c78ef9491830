//! Why no guest is stopped for a debugger.

use super::run_error::RunError;
use super::stop_point::END;
use crate::host::fault::{Fault, Faulty};
use crate::host::text::foreign;
use crate::machine::MachineError;
use crate::recording::RecordingError;
use crate::vm::VmError;
use damonlab_protocol::units::Nanos;
use std::io;

/// Why no guest was stopped.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DebugError {
    /// Only a guest that started from a checkpoint repeats to the instruction.
    #[error("{recording} cannot be stopped at the same instruction again: {why}")]
    DoesNotRepeat {
        /// The recording.
        recording: String,
        /// Why not.
        why: &'static str,
    },
    /// The recording has no such event.
    #[error("the trace has {found} events {}, so there is no number {number}", foreign(.name))]
    NoEvent {
        /// The name of the event.
        name: String,
        /// How many there are.
        found: usize,
        /// The number that the user wants.
        number: usize,
    },
    /// The guest time is before the ready point.
    #[error("guest time {} s is before the scenario, which begins at {} s", .wanted.seconds(), .begin.seconds())]
    TooEarly {
        /// The guest time that the user wants.
        wanted: Nanos,
        /// The ready point.
        begin: Nanos,
    },
    /// The guest time is after all that was recorded.
    #[error(
        "guest time {} s is after the recording, whose last event is at {} s", .wanted.seconds(), .end.seconds()
    )]
    TooLate {
        /// The guest time that the user wants.
        wanted: Nanos,
        /// The time of the last event.
        end: Nanos,
    },
    /// The run left no trace.
    #[error(
        "{recording} has no trace, as its run ended without results ({}): give a guest time, or the word {END}",
        foreign(.how)
    )]
    NoTrace {
        /// The recording.
        recording: String,
        /// How the run ended.
        how: String,
    },
    /// Nothing says when the run ended.
    #[error("{recording} does not say when its run ended ({}): give a guest time", foreign(.how))]
    NoEnd {
        /// The recording.
        recording: String,
        /// How the run ended, or that it has no event.
        how: String,
    },
    /// The guest that shows the ready point did not run.
    #[error("cannot find out when the scenario began: {0}")]
    NoReadyPoint(String),
    /// It could not be started.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Run(#[from] RunError),
    /// The host failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The recording cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Recording(#[from] RecordingError),
    /// The machine has no QEMU arguments.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// QEMU failed, or the user asked to stop.
    #[error(transparent)]
    Vm(#[from] VmError),
}

impl Faulty for DebugError {
    fn fault(&self) -> Fault {
        match self {
            DebugError::DoesNotRepeat { .. }
            | DebugError::NoEvent { .. }
            | DebugError::TooEarly { .. }
            | DebugError::TooLate { .. }
            | DebugError::NoTrace { .. }
            | DebugError::NoEnd { .. } => Fault::BadInput,
            DebugError::NoReadyPoint(_) => Fault::Infra,
            DebugError::Run(error) => error.fault(),
            DebugError::Io(error) => error.fault(),
            DebugError::Recording(error) => error.fault(),
            DebugError::Machine(error) => error.fault(),
            DebugError::Vm(error) => error.fault(),
        }
    }
}
