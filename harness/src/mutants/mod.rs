//! Kernels with one deliberate change, to measure the checks: bugs that the suite must catch, and changes that it must
//! not notice.
//!
//! [`find`] loads the mutants, [`order()`] says which scenarios run first on one, and a [`MutantRunner`] builds its
//! kernel, runs the scenarios and stores the [`Record`]. A [`Score`] counts the results of all mutants.

mod mutant;
mod order;
mod result;
mod runner;
mod store;

pub use mutant::{Header, Kind, Mutant, MutantError, find, only};
pub use order::{Order, order};
pub use result::{Catch, MutantResult, Record, Score, Strength};
pub use runner::MutantRunner;
pub use store::SuiteKey;
