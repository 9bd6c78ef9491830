//! The parts of the kernel that damonlab knows, a folder each. What stands below knows none of them.

pub(crate) mod damon;
mod measure;
mod registry;

pub use measure::{Measure, Quantity, Unit};
pub use registry::measures;
