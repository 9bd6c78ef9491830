//! Scenarios that people write: a fresh one to begin with, and a tidy one.

mod damo_file;
mod fresh;
mod tidy;

pub use damo_file::DamoFile;
pub use fresh::{Fresh, FreshMachine};
pub use tidy::{Untidy, tidy};
