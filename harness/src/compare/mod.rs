//! Two kernels side by side: the same scenarios with the same seeds on each, and what differs.
//!
//! [`request`] reads the word that names a side, a [`Comparer`] runs both, and everything after is pure: a recording
//! becomes [`Observed`] (its verdict, its [`Quantity`]s, its [`Interface`]), and all of them a [`Comparison`]. Of numbers
//! a difference is only significant outside of what the seeds alone make ([`differs`]).

mod comparer;
mod comparison;
mod discrepancy;
mod interface;
mod measure;
mod observed;
mod pair;
mod significance;
mod word;

#[cfg(test)]
mod tests;

pub use comparer::Comparer;
pub use comparison::{Comparison, Difference, Row, Scenario, Words};
pub use discrepancy::{Attribution, Discrepancy};
pub use interface::Interface;
pub use measure::{Goal, Measure, Quantity};
pub use observed::Observed;
pub use pair::{Pair, Side};
pub use significance::{Group, LEAST_SEEDS, Significance, differs};
pub use word::{WordError, request};
