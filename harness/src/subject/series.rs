//! What a recording shows over guest time, whatever the subject: series of numbers, regions of aggregations, passes of schemes.
//!
//! Plots, tables and exports read these. [`super::registry`] extracts them.

use super::measure::Unit;
use damonlab_protocol::units::{Bytes, Nanos, NodeId};
use serde::Serialize;
use std::fmt;

/// How many windows in a row form a mean: the temporal tuner swings around its target by design.
pub const WINDOWS_IN_A_ROW: usize = 8;

/// The mean of each [`WINDOWS_IN_A_ROW`] windows, at the last of them.
pub fn windowed_means<T: Copy>(windows: &[(T, f64)]) -> impl DoubleEndedIterator<Item = (T, f64)> {
    windows.windows(WINDOWS_IN_A_ROW).filter_map(|row| {
        let sum: f64 = row.iter().map(|(_, value)| value).sum();
        Some((row.last()?.0, sum / row.len() as f64))
    })
}

/// A number over guest time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What it is a number of.
    pub of: SeriesOf,
    /// Its unit.
    pub unit: Unit,
    /// Its values in the order of time. Each holds until the next.
    pub points: Vec<Point>,
    /// Of a goal, its target value, wherever that changes.
    pub target: Vec<Point>,
}

/// What a series is a number of. The order is that of reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeriesOf {
    /// The current value of a quota goal, a point for each charge window.
    Goal {
        /// The kdamond's index.
        kdamond: usize,
        /// The scheme's index.
        scheme: usize,
        /// The tracepoint that reports it.
        event: &'static str,
        /// The node of the goal, as the kernel prints it.
        nid: i32,
    },
    /// The effective quota of a scheme.
    Quota {
        /// The kdamond's index.
        kdamond: usize,
        /// The scheme's index.
        scheme: usize,
    },
    /// What a scheme has been applied to since its kdamond started.
    Applied {
        /// The kdamond's index.
        kdamond: usize,
        /// The scheme's index.
        scheme: usize,
    },
    /// Where the memory of a workload is.
    Workload {
        /// The workload's name.
        name: String,
        /// The node.
        node: NodeId,
    },
    /// The free memory of a node.
    Free {
        /// The node.
        node: NodeId,
    },
    /// What a kdamond has executed since it started; on the real clock, the time that it took.
    Cpu {
        /// The kdamond's index.
        kdamond: usize,
    },
    /// A counter of `/proc/vmstat`.
    Vmstat {
        /// Its name.
        counter: String,
    },
}

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Guest time, CLOCK_MONOTONIC.
    pub time: Nanos,
    /// In the unit of its series.
    pub value: f64,
}

/// The regions of one target at the end of an aggregation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregation {
    /// The kdamond's index.
    pub kdamond: usize,
    /// The target's index.
    pub target: u64,
    /// When its last region was reported.
    pub time: Nanos,
    /// In the order of their addresses.
    pub regions: Vec<Region>,
}

/// A region of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Region {
    /// Its first address.
    pub start: u64,
    /// One past its last address.
    pub end: u64,
    /// Accesses seen in the aggregation.
    pub nr_accesses: u32,
    /// Aggregations without a change.
    pub age: u32,
}

/// One pass of a scheme over the regions: from the first action to the report of its statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// The kdamond's index.
    pub kdamond: usize,
    /// The scheme's index.
    pub scheme: usize,
    /// The first action that was reported; without one, the end.
    pub begin: Nanos,
    /// The report of the statistics.
    pub end: Nanos,
    /// Regions to which the action was applied, or tried to be.
    pub tried: u64,
    /// Their size.
    pub tried_bytes: Bytes,
    /// What the action affected.
    pub applied_bytes: Bytes,
}

impl fmt::Display for SeriesOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SeriesOf::Goal { kdamond, scheme, nid, .. } => {
                write!(f, "kdamond {kdamond} scheme {scheme} node {nid}")
            }
            SeriesOf::Quota { kdamond, scheme } => {
                write!(f, "kdamond {kdamond} scheme {scheme} effective quota")
            }
            SeriesOf::Applied { kdamond, scheme } => write!(f, "kdamond {kdamond} scheme {scheme} applied"),
            SeriesOf::Workload { name, node } => write!(f, "{name} on {node}"),
            SeriesOf::Free { node } => write!(f, "free on {node}"),
            SeriesOf::Cpu { kdamond } => write!(f, "kdamond {kdamond} cpu"),
            SeriesOf::Vmstat { counter } => f.write_str(counter),
        }
    }
}

impl SeriesOf {
    /// What kind of number it is, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            SeriesOf::Goal { .. } => "goal",
            SeriesOf::Quota { .. } => "quota",
            SeriesOf::Applied { .. } => "applied",
            SeriesOf::Workload { .. } => "workload",
            SeriesOf::Free { .. } => "free",
            SeriesOf::Cpu { .. } => "cpu",
            SeriesOf::Vmstat { .. } => "vmstat",
        }
    }

    /// The kdamond that it is about, if it is about one.
    pub fn kdamond(&self) -> Option<usize> {
        match self {
            SeriesOf::Goal { kdamond, .. }
            | SeriesOf::Quota { kdamond, .. }
            | SeriesOf::Applied { kdamond, .. }
            | SeriesOf::Cpu { kdamond } => Some(*kdamond),
            SeriesOf::Workload { .. } | SeriesOf::Free { .. } | SeriesOf::Vmstat { .. } => None,
        }
    }
}

impl Series {
    /// The target value in force at a time.
    pub fn target_at(&self, time: Nanos) -> Option<f64> {
        let next = self.target.partition_point(|point| point.time <= time);
        Some(self.target[next.checked_sub(1)?].value)
    }

    /// The last value.
    pub fn last(&self) -> Option<f64> {
        self.points.last().map(|point| point.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_of_eight_windows_in_a_row() {
        let points: Vec<_> = (0..9).map(|at| (f64::from(at), if at < 4 { 0.0 } else { 8.0 })).collect();
        assert_eq!(windowed_means(&points).collect::<Vec<_>>(), [(7.0, 4.0), (8.0, 5.0)]);
    }
}
