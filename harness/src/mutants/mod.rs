//! Changed kernels, to measure the checks: bugs that the suite must catch, and changes that it must not notice.
//!
//! [`find`] finds them and reads their headers, [`order()`] says which scenarios come first, a [`Record`] is what came
//! of one and a [`Score`] what all come to, and a [`MutantRunner`] builds each kernel, runs the scenarios, and keeps the
//! results from one call to the next.

mod mutant;
mod order;
mod result;
mod runner;
mod store;

pub use mutant::{Header, Kind, Mutant, MutantError, find, only};
pub use order::{Order, order};
pub use result::{Catch, MutantResult, Record, Score, Strength};
pub use runner::{MutantRunError, MutantRunner};
pub use store::Suite;
