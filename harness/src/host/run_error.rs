//! Why a command has no usable output.

use super::fault::{Fault, Faulty};
use super::interrupt::Interrupted;
use super::text;
use damonlab_protocol::units::Bytes;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

/// How many of the last lines of its output an error shows.
pub(super) const SHOWN: usize = 12;

/// Why a command has no usable output.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It could not be started.
    #[error("cannot start {program}: {cause}")]
    Start {
        /// The program's name.
        program: String,
        /// The system's error.
        cause: io::Error,
    },
    /// The user asked to stop while it ran.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// Its output could not be read or used.
    #[error("cannot follow {program}: {cause}")]
    Follow {
        /// The program's name.
        program: String,
        /// The system's error.
        cause: io::Error,
    },
    /// It did not end in time.
    #[error(
        "`{command}` did not end within {}, so damonlab ended it; run it by hand to see what it waits for",
        seconds(.limit)
    )]
    TimedOut {
        /// Program and arguments.
        command: String,
        /// The limit.
        limit: Duration,
    },
    /// It printed too much.
    #[error(
        "`{command}` printed more than {limit}, so damonlab ended it; run it by hand to see what it prints"
    )]
    TooMuchOutput {
        /// Program and arguments.
        command: String,
        /// The limit.
        limit: Bytes,
    },
    /// It ended, but not all that it started.
    #[error(
        "`{command}` ended and left a process behind that has its output open, so damonlab ended that too; run it by \
         hand to see what it leaves"
    )]
    LeftBehind {
        /// Program and arguments.
        command: String,
    },
    /// It ended with another status than 0.
    #[error("{program} failed ({status}){}", last_lines(.stderr))]
    Failed {
        /// The program's name.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// Its output, or its standard error alone.
        stderr: String,
    },
}

impl Faulty for RunError {
    fn fault(&self) -> Fault {
        match self {
            RunError::Interrupted(stop) => stop.fault(),
            RunError::Start { .. }
            | RunError::Follow { .. }
            | RunError::TimedOut { .. }
            | RunError::TooMuchOutput { .. }
            | RunError::LeftBehind { .. }
            | RunError::Failed { .. } => Fault::Infra,
        }
    }
}

fn seconds(limit: &Duration) -> String {
    humantime::format_duration(*limit).to_string()
}

fn last_lines(stderr: &str) -> String {
    match text::last_lines(stderr.trim_end(), SHOWN) {
        lines if lines.is_empty() => String::new(),
        lines => format!(":\n  {}", lines.join("\n  ")),
    }
}
