//! Scenarios that nobody wrote: drawn from a seed, run, judged by every rule, and made smaller where they fail.

mod draw;
mod drawn;
mod grammar;
mod signature;
mod tree;

pub use drawn::{Drawn, NothingValid, draw, name, read};
pub use grammar::{Focus, FocusError, Part};
pub use signature::Signature;
pub use tree::Tree;
