//! Scenarios that nobody wrote: drawn from a seed, run, judged by every rule, and made smaller where they fail.
//!
//! [`draw()`] makes the scenario of a number, an [`Explorer`] runs many, [`Explored`] is what they come to, and [`Shrinking`] makes a
//! scenario that fails smaller. [`Guided`] varies what reached new lines of the kernel, which a [`Corpus`] keeps.

mod corpus;
mod drawn;
mod explorer;
mod grammar;
mod guided;
mod place;
mod plain;
mod reductions;
mod results;
mod shrink;
mod shrinker;
mod signature;
mod step_reductions;
mod tree;
mod vary;

pub use corpus::{Corpus, CorpusError, Kept, NewLines, Reached};
pub use drawn::{Drawn, NothingValid, draw, name, read};
pub use explorer::{ExploreError, Explorer, NumberResult, Unfit};
pub use grammar::{Focus, FocusError, Part};
pub use guided::{Guided, Kernel, Known, Yield};
pub use results::{Example, Explored, Group, Smallest};
pub use shrink::{Failing, Shrinking};
pub use signature::Signature;
pub use tree::Tree;
