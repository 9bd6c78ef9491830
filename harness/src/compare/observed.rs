//! What a comparison takes from one run.

use super::Interface;
use crate::check::Verdict;
use crate::recording::Recording;
use crate::subject::{self, Measure, Quantity};

/// What one run showed.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The verdict.
    pub verdict: Verdict,
    /// The quantities in the recording.
    pub measures: Vec<(Quantity, Measure)>,
    /// The interface in the recording; none without a recording.
    pub interface: Option<Interface>,
}

impl Observed {
    /// What a run with this verdict and this recording showed.
    pub fn of(verdict: Verdict, recording: Option<&Recording>) -> Observed {
        Observed {
            verdict,
            measures: recording.map(subject::measures).unwrap_or_default(),
            interface: recording.map(Interface::of),
        }
    }
}
