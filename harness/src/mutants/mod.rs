//! Kernels with one deliberate change, to measure the checks: bugs that the suite must catch, and changes that it must
//! not notice.
//!
//! [`find`] loads the mutants, [`order()`] says which scenarios run first on one, and a [`MutantRunner`] builds its
//! kernel, runs the scenarios and stores the [`Record`]. [`SeedCatches`] say whether a catch hangs on its seed, and a
//! [`Generator`] measures what scenarios catch that nobody wrote. A [`Score`] counts the results of all mutants.

mod catch;
mod examine;
mod generated;
mod generated_run;
mod generator;
mod mutant;
mod order;
mod result;
mod runner;
mod score;
mod seed_catches;
mod seed_run;
mod store;
mod suite_run;

pub use catch::{Catch, Strength};
pub use generated::{Generated, GeneratedCatch};
pub use generator::Generator;
pub use mutant::{Header, Kind, Mutant, MutantError, find, only};
pub use order::{Order, order, seed_order};
pub use result::{MutantResult, Record};
pub use runner::MutantRunner;
pub use score::{GeneratedScore, Score, SeedScore};
pub use seed_catches::{SeedCatches, SeedCount};
pub use store::SuiteKey;
