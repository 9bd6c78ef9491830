//! Scenarios that people write: a fresh one to begin with.

mod damo_file;
mod fresh;

pub use damo_file::DamoFile;
pub use fresh::{Fresh, FreshMachine};
