//! Changed kernels, to measure the checks: bugs that the suite must catch, and changes that it must not notice.
//!
//! [`mutant`] finds them and reads their headers, [`order`] says which scenarios come first, [`outcome`] what can
//! come of one and what all come to, [`store`] keeps results from one call to the next, and [`bench`] builds
//! a kernel and runs the scenarios.

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
