//! A recording in the formats of other programs, one file or folder a format: pure functions from a [`Recording`] to bytes.
//!
//! What a recording does not have for a format is an error that names it. What a format cannot hold is a note.
//!
//! [`Recording`]: crate::recording::Recording

mod csv;
mod damo;
mod error;
mod format;
mod perfetto;
mod trace_dat;

pub use error::ExportError;
pub(crate) use format::everything;
pub use format::{Exported, Format};
