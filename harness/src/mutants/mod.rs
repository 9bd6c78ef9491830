//! Changed kernels, to measure the checks: bugs that the suite must catch, and changes that it must not notice.
//!
//! [`find`] finds them and reads their headers, [`order()`] says which scenarios come first, a [`Record`] is what came
//! of one and a [`Score`] what all come to, and a [`Bench`] builds each kernel, runs the scenarios, and keeps the
//! results from one call to the next.

mod bench;
mod mutant;
mod order;
mod outcome;
mod store;

pub use bench::{Bench, BenchError};
pub use mutant::{Header, Kind, Mutant, MutantError, find, only};
pub use order::{Order, order};
pub use outcome::{Catch, Outcome, Record, Score, Strength};
pub use store::Suite;
