//! One run, as far as two kernels are compared by it.

use super::{Interface, Measure, Quantity, measure};
use crate::check::Verdict;
use crate::recording::Recording;
use std::collections::BTreeMap;

/// What one run showed.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The verdict on it.
    pub verdict: Verdict,
    /// What was measured in its recording.
    pub measures: BTreeMap<Quantity, Measure>,
    /// The interface, where there is a recording.
    pub interface: Option<Interface>,
}

impl Observed {
    /// Of a verdict, and the recording, where one came.
    pub fn of(verdict: Verdict, recording: Option<&Recording>) -> Observed {
        Observed {
            verdict,
            measures: recording.map(measure::measures).unwrap_or_default(),
            interface: recording.map(Interface::of),
        }
    }
}
