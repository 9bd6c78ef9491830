//! What a scenario says must come out, as a closed set of typed checks.

use damonlab_guest::units::NodeId;
use std::collections::BTreeMap;

/// One expectation.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// What is computed.
    pub quantity: Quantity,
    /// The bounds that it must keep.
    pub bound: Bound,
    /// Its line in the scenario's file, for findings.
    pub line: u64,
}

/// A number that a recording yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Quantity {
    /// The mean of a field over the last events that match (all, where `last` is absent).
    Mean {
        /// The event, for instance `damos_node_eligible_mem_bp`.
        event: String,
        /// The field, as it stands in the event's text.
        field: String,
        /// Which events count.
        filter: Where,
        /// How many of the last matching events count: one a charge window and goal, for
        /// `damos_node_eligible_mem_bp`.
        last: Option<u64>,
    },
    /// How many events match.
    Count {
        /// The event.
        event: String,
        /// Which events count.
        filter: Where,
    },
    /// How many bytes of a workload are on a node in the last sample.
    Resident {
        /// The workload's name.
        workload: String,
        /// The node.
        node: NodeId,
    },
    /// By how much a `/proc/vmstat` counter grew from the first to the last sample.
    Vmstat {
        /// The counter.
        counter: String,
    },
}

/// Fields of an event and the values that they must have, as text.
pub type Where = BTreeMap<String, String>;

/// A closed interval; an open end is unbounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// The smallest value that passes.
    pub min: Option<f64>,
    /// The largest value that passes.
    pub max: Option<f64>,
}

impl Bound {
    /// Whether `value` is inside.
    pub fn holds(&self, value: f64) -> bool {
        self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max)
    }
}
