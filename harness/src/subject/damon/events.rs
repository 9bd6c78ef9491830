//! DAMON's tracepoints by type.
//!
//! Each entry is a `TP_printk` of Linux 7.3 (`include/trace/events/damon.h`; `damos_node_eligible_mem_bp` from the
//! patch under `patches/`). A new tracepoint is an entry here; where it reports the measurements of a goal metric,
//! it is a row of [`goal_events`] too.

use crate::trace::{HexBytes, RecordNames, TypedEvent, event_set};
use damonlab_protocol::units::{BasisPoints, NodeId};
use std::fmt;

event_set! {
    /// One event of a trace.
    Event
    /// A `node_eligible_mem_bp` goal was measured, once per goal and charge window (`damos_quota_score`).
    NodeEligible "damos_node_eligible_mem_bp" {
        "ctx_idx=" /// Always 0: a kdamond has one context.
        ctx_idx as context_idx: u32,
        " scheme_idx=" /// The scheme whose goal it is.
        scheme_idx: u32,
        " nid=" /// The goal's node.
        nid: i32,
        " target_value=" /// The target of the goal.
        target_value: BasisPoints,
        " current_value=" /// The share of eligible memory that is on the node.
        current_value: BasisPoints,
    }
    /// The effective quota was set, in the first charge window or to another value (`damos_adjust_quota`).
    Esz "damos_esz" {
        "ctx_idx=" /// Always 0.
        ctx_idx as context_idx: u32,
        " scheme_idx=" /// The scheme.
        scheme_idx: u32,
        " esz=" /// The effective quota, in bytes (core addresses).
        esz: u64,
    }
    /// An action is about to be applied to a region (`damos_apply_scheme`).
    BeforeApply "damos_before_apply" {
        "ctx_idx=" /// Always 0.
        ctx_idx as context_idx: u32,
        " scheme_idx=" /// The scheme.
        scheme_idx: u32,
        " target_idx=" /// The monitoring target.
        target_idx: u64,
        " nr_regions=" /// How many regions the target has.
        nr_regions: u32,
        " " /// The first address.
        start: u64,
        "-" /// One past the last address.
        end: u64,
        ": " /// The moving sum of accesses (`damon_nr_accesses_mvsum`).
        nr_accesses: u32,
        " " /// The age before the action resets it, in aggregations.
        age: u32,
    }
    /// A scheme's statistics after one pass over the regions (`kdamond_apply_schemes`). All count from
    /// the kdamond's start.
    Stat "damos_stat_after_apply_interval" {
        "ctx_idx=" /// Always 0.
        ctx_idx as context_idx: u32,
        " scheme_idx=" /// The scheme.
        scheme_idx: u32,
        " nr_tried=" /// Regions to which the action was applied, or tried to be.
        nr_tried: u64,
        " sz_tried=" /// Their bytes.
        sz_tried: u64,
        " nr_applied=" /// Regions of which the action affected at least a part.
        nr_applied: u64,
        " sz_applied=" /// Bytes that the action affected.
        sz_applied: u64,
        " sz_ops_filter_passed=" /// Bytes that passed the ops filters.
        sz_ops_filter_passed: u64,
        " qt_exceeds=" /// Charge windows whose quota was used up.
        qt_exceeds: u64,
        " nr_snapshots=" /// Complete passes.
        nr_snapshots: u64,
    }
    /// The sampling interval was tuned (`kdamond_tune_intervals`).
    IntervalsTune "damon_monitor_intervals_tune" {
        "sample_us=" /// The new interval, in microseconds.
        sample_us: u64,
    }
    /// A region at the end of an aggregation, with probes (`kdamond_reset_aggregated`).
    RegionAggregated "damon_region_aggregated" {
        "target_id=" /// The target's index.
        target_id: u64,
        " nr_regions=" /// How many regions the target has.
        nr_regions: u32,
        " " /// The first address.
        start: u64,
        "-" /// One past the last address.
        end: u64,
        ": " /// Accesses seen in this aggregation.
        nr_accesses: u32,
        " " /// Aggregations without a change.
        age: u32,
        " probe_hits=" /// What each probe counted.
        probe_hits: HexBytes,
    }
    /// A region at the end of an aggregation (`kdamond_reset_aggregated`).
    Aggregated "damon_aggregated" {
        "target_id=" /// The target's index.
        target_id: u64,
        " nr_regions=" /// How many regions the target has.
        nr_regions: u32,
        " " /// The first address.
        start: u64,
        "-" /// One past the last address.
        end: u64,
        ": " /// Accesses seen in this aggregation.
        nr_accesses: u32,
        " " /// Aggregations without a change.
        age: u32,
    }
}

/// An event that names a scheme.
pub(crate) trait SchemeEvent: TypedEvent<Set = Event> {
    /// The scheme's index.
    fn scheme(&self) -> usize;
}

macro_rules! scheme_events {
    ($($event:ty),+) => {
        $(impl SchemeEvent for $event {
            fn scheme(&self) -> usize {
                self.scheme_idx as usize
            }
        })+
    };
}

scheme_events!(Esz, BeforeApply, Stat);

/// One measurement of a quota goal, whichever tracepoint reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measurement {
    /// The tracepoint.
    pub(crate) event: &'static str,
    pub(crate) ctx_idx: u32,
    pub(crate) scheme: usize,
    pub(crate) nid: i32,
    pub(crate) target: BasisPoints,
    pub(crate) current: BasisPoints,
}

impl Measurement {
    /// The goal's node.
    pub(crate) fn node(&self) -> Option<NodeId> {
        u16::try_from(self.nid).ok().map(NodeId)
    }
}

macro_rules! goal_events {
    ($($metric:literal => $event:ident),+ $(,)?) => {
        scheme_events!($($event),+);

        /// The goal metrics whose measurements are traced, each with its tracepoint.
        pub(crate) const TRACED_METRICS: &[(&str, &str)] = &[$(($metric, $event::NAME)),+];

        impl Event {
            /// What a goal's tracepoint reports.
            pub(crate) fn measurement(&self) -> Option<Measurement> {
                match *self {
                    $(Event::$event($event { ctx_idx, scheme_idx, nid, target_value, current_value }) => {
                        Some(Measurement {
                            event: $event::NAME,
                            ctx_idx,
                            scheme: scheme_idx as usize,
                            nid,
                            target: target_value,
                            current: current_value,
                        })
                    })+
                    _ => None,
                }
            }
        }
    };
}

goal_events! {
    "node_eligible_mem_bp" => NodeEligible,
}

/// The tracepoint that reports the measurements of a goal metric, where it has one.
pub(crate) fn goal_event(metric: &str) -> Option<&'static str> {
    TRACED_METRICS.iter().find(|(name, _)| *name == metric).map(|(_, event)| *event)
}

/// The phases of an iteration of `kdamond_fn`, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Quota,
    Action,
    Statistics,
    Tuning,
    Aggregation,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Quota => "quota",
            Phase::Action => "action",
            Phase::Statistics => "statistics",
            Phase::Tuning => "tuning",
            Phase::Aggregation => "aggregation",
        })
    }
}

/// The name of the event that the migration core emits for each call of `migrate_pages`. It has no type, because its
/// text differs between kernels.
pub(crate) const MIGRATE_PAGES: &str = "mm_migrate_pages";

/// The same with its system. Recorded wherever a scheme migrates.
pub(crate) const MIGRATIONS: &str = "migrate:mm_migrate_pages";

/// The numbers in its text, as the text and as the record name them.
const MIGRATE_PAGES_RECORD: RecordNames = &[
    ("nr_succeeded", "succeeded"),
    ("nr_failed", "failed"),
    ("nr_thp_succeeded", "thp_succeeded"),
    ("nr_thp_failed", "thp_failed"),
    ("nr_thp_split", "thp_split"),
    ("nr_split", "large_folio_split"),
];

impl Event {
    /// The fields of an event, with the names that they have in the record.
    pub(crate) fn record_names(event: &str) -> Option<RecordNames> {
        let untyped = (MIGRATE_PAGES, MIGRATE_PAGES_RECORD);
        let mut all = Event::RECORDS.iter().copied().chain([untyped]);
        all.find(|(name, _)| *name == event).map(|(_, names)| names)
    }

    /// The indices that it names of a context, a scheme and a target; those of a measurement are in
    /// [`Event::measurement`].
    pub(crate) fn indices(&self) -> [Option<u64>; 3] {
        let context = |ctx_idx: u32, scheme_idx: u32| [Some(ctx_idx.into()), Some(scheme_idx.into()), None];
        match self {
            Event::Esz(e) => context(e.ctx_idx, e.scheme_idx),
            Event::Stat(e) => context(e.ctx_idx, e.scheme_idx),
            Event::BeforeApply(e) => [Some(e.ctx_idx.into()), Some(e.scheme_idx.into()), Some(e.target_idx)],
            Event::Aggregated(e) => [None, None, Some(e.target_id)],
            Event::RegionAggregated(e) => [None, None, Some(e.target_id)],
            _ => [None; 3],
        }
    }

    /// The phase of an iteration that emits it.
    pub(crate) fn phase(&self) -> Option<Phase> {
        match self {
            _ if self.measurement().is_some() => Some(Phase::Quota),
            Event::Esz(_) => Some(Phase::Quota),
            Event::BeforeApply(_) => Some(Phase::Action),
            Event::Stat(_) => Some(Phase::Statistics),
            Event::IntervalsTune(_) => Some(Phase::Tuning),
            Event::Aggregated(_) | Event::RegionAggregated(_) => Some(Phase::Aggregation),
            _ => None,
        }
    }

    /// Whether it is one of DAMON's.
    pub(crate) fn is_damons(&self) -> bool {
        !matches!(self, Event::Other(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Line;
    use crate::trace::EventSet;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_event_prints_back_to_itself(numbers in proptest::collection::vec(any::<u64>(), 1..50)) {
            let mut numbers = numbers.iter().copied().cycle();
            for event in Event::samples(|| numbers.next().unwrap_or_default()) {
                let text = event.to_string();
                let (name, body) = text.split_once(": ").unwrap();
                prop_assert_eq!(Event::scan(name, body).unwrap(), event);
            }
        }
    }

    #[test]
    fn a_field_without_a_name_in_the_text_has_the_tracepoints() {
        let text = "ctx_idx=0 scheme_idx=1 target_idx=0 nr_regions=12 4096-8192: 3 7";
        let event = Event::scan(BeforeApply::NAME, text).unwrap();
        assert_eq!(event.field("age").unwrap().number(), Some(7.0));
        assert_eq!(event.field_names().len(), 8);
    }

    #[test]
    fn a_line_is_small_enough_for_a_million_of_them() {
        assert!(size_of::<Event>() <= 72, "{}", size_of::<Event>());
        assert!(size_of::<Line>() <= 128, "{}", size_of::<Line>());
    }

    #[test]
    fn a_goals_tracepoint_reports_a_measurement() {
        let text = "ctx_idx=0 scheme_idx=1 nid=1 target_value=3000 current_value=10000";
        for (metric, event) in TRACED_METRICS {
            let measurement = Event::scan(event, text).unwrap().measurement().unwrap();
            assert_eq!((goal_event(metric), measurement.event), (Some(*event), *event));
            assert_eq!((measurement.scheme, measurement.node()), (1, Some(NodeId(1))));
            assert_eq!((measurement.target, measurement.current), (BasisPoints(3000), BasisPoints(10_000)));
        }
    }
}
