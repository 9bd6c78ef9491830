//! Why a recording cannot be exported.

use crate::host::fault::{Fault, Faulty};
use crate::host::text::foreign;
use std::io;

/// Why a recording cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The recording does not have what the format is about.
    #[error("the recording has no {what}, which {format} is about; {fix}")]
    Nothing {
        /// The format.
        format: &'static str,
        /// What is missing.
        what: String,
        /// What to do.
        fix: &'static str,
    },
    /// There is no event of that name.
    #[error("the recording has no event '{}'; it has {known}", foreign(.name))]
    NoEvent {
        /// The name that was given.
        name: String,
        /// The events that there are.
        known: String,
    },
    /// The file cannot be written.
    #[error("cannot write the export: {0}")]
    Io(#[from] io::Error),
}

impl Faulty for ExportError {
    fn fault(&self) -> Fault {
        match self {
            ExportError::Nothing { .. } | ExportError::NoEvent { .. } => Fault::BadInput,
            ExportError::Io(cause) => cause.fault(),
        }
    }
}
