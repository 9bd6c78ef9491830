//! The rules that a scenario states, or a file of `--rules`, judged on a recording.
//!
//! Each form of a rule is a file; `judge` decides whether a rule applies, and `events` gives the values of its names.

mod events;
mod forms;
mod judge;
mod result;
mod steps;
mod windows;

pub(crate) use judge::judge;
pub use result::{MissingEvent, StatedResult, StatedStatus};
