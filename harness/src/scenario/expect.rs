//! What must come out of a scenario, as a closed set of typed checks.

use damonlab_protocol::units::NodeId;
use std::collections::BTreeMap;
use std::fmt;

/// One expectation.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// What is computed.
    pub quantity: Quantity,
    /// The bounds that it must keep.
    pub bound: Bound,
    /// What must keep them.
    pub over: Over,
    /// Which of the plan's runs it is about, counted from 0; all of the recording where there is none.
    pub during: Option<usize>,
    /// The stretches of the trace that it is about: from the first of these events to the next of the second.
    pub between: Option<(String, String)>,
    /// Its line in the scenario's file, for findings.
    pub line: u64,
}

impl Expectation {
    /// The quantity as text, with the run that it is about.
    pub fn what(&self) -> String {
        let mut what = self.quantity.to_string();
        if let Some((from, to)) = &self.between {
            what.push_str(&format!(" between {from} and {to}"));
        }
        match (self.during, &self.quantity) {
            (None, Quantity::Resident { .. }) => format!("{what} at the end"),
            (None, _) => what,
            (Some(run), Quantity::Resident { .. }) => format!("{what} at the end of run {}", run + 1),
            (Some(run), _) => format!("{what} during run {}", run + 1),
        }
    }

    /// The bounds of the quantity, as text: `to be in 6500..7500`.
    pub fn wanted(&self) -> String {
        match self.over {
            Over::Run => self.bound.to_string(),
            Over::Seeds { spread: None } => format!("{} on average over seeds", self.bound),
            Over::Seeds { spread: Some(most) } => {
                format!("{} on average over seeds, with a spread of at most {most}", self.bound)
            }
        }
    }
}

/// What has to keep the bounds of an expectation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Over {
    /// Each run by itself.
    Run,
    /// The mean over the runs of several seeds; one run does not decide it.
    Seeds {
        /// The largest standard deviation between the seeds that passes, in the quantity's own unit.
        spread: Option<f64>,
    },
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
    /// Another number made of a field of the events that match.
    Statistic {
        /// Which one.
        statistic: Statistic,
        /// The event.
        event: String,
        /// The field.
        field: String,
        /// Which events count.
        filter: Where,
    },
    /// The time from the first event of one name to the first of another, in seconds; the second must not come first.
    Ordered {
        /// The event that must come first.
        first: String,
        /// The event that must come after it.
        then: String,
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

/// A number made of several values, other than their mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// The smallest one.
    Min,
    /// The largest one.
    Max,
    /// The one of the last event.
    Final,
    /// The smallest one that this many of 100 values do not exceed.
    Percentile(u8),
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Statistic::Min => f.write_str("smallest"),
            Statistic::Max => f.write_str("largest"),
            Statistic::Final => f.write_str("final"),
            Statistic::Percentile(percent) => write!(f, "p{percent} of"),
        }
    }
}

impl Quantity {
    /// The events that it names.
    pub fn events(&self) -> Vec<&str> {
        match self {
            Quantity::Mean { event, .. }
            | Quantity::Statistic { event, .. }
            | Quantity::Count { event, .. } => {
                vec![event]
            }
            Quantity::Ordered { first, then } => vec![first, then],
            Quantity::Resident { .. } | Quantity::Vmstat { .. } => Vec::new(),
        }
    }

    /// A value of this quantity, short.
    pub fn amount(&self, value: f64) -> String {
        match self {
            Quantity::Count { .. } | Quantity::Vmstat { .. } if value.fract() == 0.0 => value.to_string(),
            Quantity::Mean { .. } | Quantity::Count { .. } | Quantity::Vmstat { .. } => format!("{value:.2}"),
            Quantity::Statistic { .. } if value.fract() == 0.0 => value.to_string(),
            Quantity::Statistic { .. } => format!("{value:.2}"),
            Quantity::Ordered { .. } => format!("{value:.6} s"),
            Quantity::Resident { .. } => format!("{:.2} MiB", value / f64::from(1 << 20)),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quantity::Mean { event, field, filter, last: Some(last) } => {
                write!(f, "the mean of {field} of the last {last} {}", events(event, filter))
            }
            Quantity::Mean { event, field, filter, last: None } => {
                write!(f, "the mean of {field} of {}", events(event, filter))
            }
            Quantity::Statistic { statistic, event, field, filter } => {
                write!(f, "the {statistic} {field} of {}", events(event, filter))
            }
            Quantity::Ordered { first, then } => {
                write!(f, "the time from the first {first} to the first {then}")
            }
            Quantity::Count { event, filter } => write!(f, "the count of {}", events(event, filter)),
            Quantity::Resident { workload, node } => {
                write!(f, "the bytes of '{workload}' on {node}")
            }
            Quantity::Vmstat { counter } => write!(f, "the growth of {counter}"),
        }
    }
}

/// `damos_esz where scheme_idx=0 esz=0`.
fn events(event: &str, filter: &Where) -> String {
    let fields: Vec<String> = filter.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if fields.is_empty() { event.to_owned() } else { format!("{event} where {}", fields.join(" ")) }
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

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (Some(min), Some(max)) if min == max => write!(f, "to be {min}"),
            (Some(min), Some(max)) => write!(f, "to be in {min}..{max}"),
            (Some(min), None) => write!(f, "to be at least {min}"),
            (None, Some(max)) => write!(f, "to be at most {max}"),
            (None, None) => f.write_str("to be there"),
        }
    }
}
