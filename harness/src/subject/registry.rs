//! The subjects that damonlab knows, and what each of them adds. No other module outside of a subject names one.

use super::damon;
use super::measure::{Measure, Quantity};
use crate::recording::Recording;

/// The quantities that a recording has, in the order of reports.
pub fn measures(recording: &Recording) -> Vec<(Quantity, Measure)> {
    damon::measures::measures(recording)
}
