//! DAMON's tracepoints by type.
//!
//! Each entry is a `TP_printk` of Linux 7.3 (`include/trace/events/damon.h`; `damos_node_eligible_mem_bp` from the
//! patch under `patches/`). A new tracepoint is an entry here; where it reports the measurements of a goal metric,
//! it is a row of `goal_events!` too.

use crate::trace::{HexBytes, RecordNames, TypedEvent, event_set};
use damonlab_protocol::units::{BasisPoints, NodeId};

event_set! {
    /// One event of a trace.
    Event
    /// A `node_eligible_mem_bp` goal was measured, once per goal and charge window (`damos_quota_score`).
    NodeEligible "damos_node_eligible_mem_bp" {
        "ctx_idx=" ctx_idx as context_idx: u32,
        " scheme_idx=" scheme_idx: u32,
        " nid=" nid: i32,
        " target_value=" target_value: BasisPoints,
        " current_value=" /** The share of eligible memory that is on the node. */ current_value: BasisPoints,
    }
    /// The effective quota was set, in the first charge window or to another value (`damos_adjust_quota`).
    Esz "damos_esz" {
        "ctx_idx=" ctx_idx as context_idx: u32,
        " scheme_idx=" scheme_idx: u32,
        " esz=" /** The effective quota, in bytes (core addresses). */ esz: u64,
    }
    /// An action is about to be applied to a region (`damos_apply_scheme`).
    BeforeApply "damos_before_apply" {
        "ctx_idx=" ctx_idx as context_idx: u32,
        " scheme_idx=" scheme_idx: u32,
        " target_idx=" target_idx: u64,
        " nr_regions=" /** How many regions the target has. */ nr_regions: u32,
        " " start: u64,
        "-" /** One past the last address. */ end: u64,
        ": " /** The moving sum of accesses (`damon_nr_accesses_mvsum`). */ nr_accesses: u32,
        " " /** The age before the action resets it, in aggregations. */ age: u32,
    }
    /// A scheme's statistics after one pass over the regions (`kdamond_apply_schemes`). All count from
    /// the kdamond's start.
    Stat "damos_stat_after_apply_interval" {
        "ctx_idx=" ctx_idx as context_idx: u32,
        " scheme_idx=" scheme_idx: u32,
        " nr_tried=" /** Regions to which the action was applied, or tried to be. */ nr_tried: u64,
        " sz_tried=" /** Their bytes. */ sz_tried: u64,
        " nr_applied=" /** Regions of which the action affected at least a part. */ nr_applied: u64,
        " sz_applied=" /** Bytes that the action affected. */ sz_applied: u64,
        " sz_ops_filter_passed=" /** Bytes that passed the ops filters. */ sz_ops_filter_passed: u64,
        " qt_exceeds=" /** Charge windows whose quota was used up. */ qt_exceeds: u64,
        " nr_snapshots=" /** Complete passes. */ nr_snapshots: u64,
    }
    /// The sampling interval was tuned (`kdamond_tune_intervals`).
    IntervalsTune "damon_monitor_intervals_tune" {
        "sample_us=" /** The new interval, in microseconds. */ sample_us: u64,
    }
    /// A region at the end of an aggregation, with probes (`kdamond_reset_aggregated`).
    RegionAggregated "damon_region_aggregated" {
        "target_id=" target_id: u64,
        " nr_regions=" /** How many regions the target has. */ nr_regions: u32,
        " " start: u64,
        "-" /** One past the last address. */ end: u64,
        ": " /** Accesses seen in this aggregation. */ nr_accesses: u32,
        " " /** Aggregations without a change. */ age: u32,
        " probe_hits=" /** What each probe counted. */ probe_hits: HexBytes,
    }
    /// A region at the end of an aggregation (`kdamond_reset_aggregated`).
    Aggregated "damon_aggregated" {
        "target_id=" target_id: u64,
        " nr_regions=" /** How many regions the target has. */ nr_regions: u32,
        " " start: u64,
        "-" /** One past the last address. */ end: u64,
        ": " /** Accesses seen in this aggregation. */ nr_accesses: u32,
        " " /** Aggregations without a change. */ age: u32,
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

    /// The phase of an iteration of `kdamond_fn` that emits it: its place and its name.
    pub(crate) fn phase(&self) -> Option<(u8, &'static str)> {
        match self {
            _ if self.measurement().is_some() => Some((0, "quota")),
            Event::Esz(_) => Some((0, "quota")),
            Event::BeforeApply(_) => Some((1, "action")),
            Event::Stat(_) => Some((2, "statistics")),
            Event::IntervalsTune(_) => Some((3, "tuning")),
            Event::Aggregated(_) | Event::RegionAggregated(_) => Some((4, "aggregation")),
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
