//! Scenarios that nobody wrote: drawn from a seed, run, judged by every rule, and made smaller where they fail.
//!
//! [`draw()`] makes the scenario of a number, an [`Explorer`] runs many, [`Explored`] is what they come to, and [`Shrinking`] makes a
//! scenario that fails smaller.

mod draw;
mod drawn;
mod explorer;
mod grammar;
mod plain;
mod reductions;
mod results;
mod shrink;
mod shrinker;
mod signature;
mod tree;

pub use drawn::{Drawn, NothingValid, draw, name, read};
pub use explorer::{ExploreError, Explorer, NumberResult};
pub use grammar::{Focus, FocusError, Part};
pub use results::{Example, Explored, Group, MergeError, Smallest};
pub use shrink::{Failing, Shrinking};
pub use signature::Signature;
pub use tree::Tree;
