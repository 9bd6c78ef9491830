//! Two kernels side by side: the same scenarios with the same seeds on each, and what differs.
//!
//! [`request`] reads the word that names a side, a [`Bench`] runs both, and everything after is pure: a recording
//! becomes [`Seen`] (its verdict, its [`Quantity`]s, its [`Interface`]), and all of them a [`Comparison`]. Of numbers
//! a difference is only claimed outside of what the seeds alone make ([`differs`]).

mod bench;
mod claim;
mod comparison;
mod complaint;
mod interface;
mod measure;
mod pair;
mod seen;
mod word;

#[cfg(test)]
mod tests;

pub use bench::Bench;
pub use claim::{Claim, Group, LEAST_SEEDS, differs};
pub use comparison::{Comparison, Difference, Row, Scenario, Words};
pub use complaint::{Complaint, Standing};
pub use interface::Interface;
pub use measure::{Goal, Measure, Quantity};
pub use pair::{Pair, Side};
pub use seen::Seen;
pub use word::{WordError, request};
