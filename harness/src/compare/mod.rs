//! Compares two kernels: the same scenarios with the same seeds on each, and what differs.
//!
//! [`request`] reads the argument that names a side, and a [`Comparer`] runs the scenarios on both. The rest is pure: a
//! recording becomes [`Observed`] (its verdict, each [`crate::subject::Quantity`], the [`Interface`]), and all of them a [`Comparison`]. A
//! difference between numbers is significant only if the seeds do not explain it ([`differs`]).

mod comparer;
mod comparison;
mod discrepancy;
mod interface;
mod observed;
mod pair;
mod side_argument;
mod significance;

#[cfg(test)]
mod tests;

pub use comparer::Comparer;
pub use comparison::{Comparison, Difference, Row, Scenario, SeedVerdicts};
pub use discrepancy::{Attribution, Discrepancy};
pub use interface::Interface;
pub use observed::Observed;
pub use pair::{Pair, Side};
pub use side_argument::{SideError, request};
pub use significance::{Group, LEAST_SEEDS, Significance, differs};
