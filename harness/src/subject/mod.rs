//! The parts of the kernel that damonlab knows, a folder each. What stands below knows none of them.

pub(crate) mod damon;
mod heat;
mod measure;
mod registry;
mod samples;
mod series;

pub use heat::Heat;
pub use measure::{Measure, Quantity, Unit};
pub(crate) use registry::{SubjectResults, judge, rules};
pub use registry::{
    aggregation_event, aggregations, behaviour, formulas, functions_before_events, kdamond_pids,
    listed_system, measures, passes, plots, record_names, scenario_key, series, steps, variant_meaning,
};
pub use series::{Aggregation, Pass, Point, Region, Series, SeriesOf, WINDOWS_IN_A_ROW, windowed_means};
