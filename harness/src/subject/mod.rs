//! The parts of the kernel that damonlab knows, a folder each. What stands below knows none of them.

pub(crate) mod damon;
mod measure;
mod registry;

pub use measure::{Measure, Quantity, Unit};
pub(crate) use registry::{SubjectResults, judge, rules};
pub use registry::{behaviour, formulas, functions_before_events, measures, scenario_key, variant_meaning};
