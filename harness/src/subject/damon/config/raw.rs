//! The shape of damo's kdamonds format, with this project's additions: `node: N` in place of an address range,
//! `pid: {workload: NAME}`, and `sysfs: {FILE: VALUE}` wherever the format has a folder of sysfs.
//!
//! The keys are those that damo writes (`to_kvpairs` in its `src/_damon.py`), so that its output can
//! be pasted. What damo reports rather than configures (`state`, `stats`, measured regions) is accepted
//! and not read. Keys of 7.3 that damo does not have carry the name of their sysfs file.

use super::damo_scalar::{Accesses, Age, DamoSize, Micros, Millis, OrNull};
use super::raw_files::RawFiles;
use crate::grammar::{
    At, Bp, Definitions, Described, Flag, Node, Number, Permil, Scalar, Signed, shapes, text,
};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, json};
use std::fmt;

shapes! {
    /// `damon:` of a scenario, and what damo takes.
    #[derive(Default)]
    #[serde(default)]
    RawDamon {
        kdamonds: Vec<At<RawKdamond>>,
    }

    RawKdamond {
        #[serde(default, rename = "state")]
        _state: IgnoredAny,
        #[serde(default, rename = "pid")]
        _pid: IgnoredAny,
        refresh_ms: Option<At<Millis>>,
        /// One context: the kernel refuses a second.
        contexts: At<Vec<RawContext>>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawContext {
        ops: At<Scalar>,
        addr_unit: Option<At<DamoSize>>,
        pause: Option<At<Flag>>,
        targets: At<Vec<At<RawTarget>>>,
        intervals: Option<RawIntervals>,
        nr_regions: Option<RawCounts>,
        #[serde(default)]
        probes: Vec<At<RawProbe>>,
        sample_control: Option<RawSampleControl>,
        #[serde(default)]
        schemes: Vec<RawScheme>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    #[derive(Default)]
    RawIntervals {
        /// Between two samples.
        sample_us: Option<At<Micros>>,
        /// Between two aggregations.
        aggr_us: Option<At<Micros>>,
        /// Between two updates of what the operations set monitors.
        #[serde(alias = "update_us")]
        ops_update_us: Option<At<Micros>>,
        /// Lets DAMON tune its intervals.
        intervals_goal: Option<RawIntervalsGoal>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawIntervalsGoal {
        /// The share of accesses to aim at.
        access_bp: At<Bp>,
        /// How many aggregations between two changes.
        aggrs: At<Number>,
        /// The shortest sampling interval.
        min_sample_us: At<Micros>,
        /// The longest sampling interval.
        max_sample_us: At<Micros>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawCounts {
        /// The fewest regions.
        min: At<Number>,
        /// The most regions.
        max: At<Number>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    /// damo writes this always; Linux 7.3 does not have it.
    RawSampleControl {
        /// What tells DAMON of an access.
        primitives_enabled: Option<RawPrimitives>,
        /// Which accesses count.
        #[serde(default)]
        sample_filters: Vec<RawSampleFilter>,
    }

    RawSampleFilter {
        /// What it compares.
        filter_type: At<Scalar>,
        /// Whether it is about accesses that match.
        matching: At<Flag>,
        /// Whether those count.
        allow: Option<At<Flag>>,
        /// For `cpumask`.
        cpumask: Option<At<Scalar>>,
        /// For `threads`.
        tid_arr: Option<At<Scalar>>,
    }

    RawPrimitives {
        /// Accessed bits of page tables.
        page_table: At<Flag>,
        /// Page faults.
        page_fault: At<Flag>,
    }

    RawProbe {
        /// What is done to a page before it is probed.
        #[serde(default)]
        preps: Vec<RawPrep>,
        /// Its weight in the sum over probes.
        weight: Option<At<Number>>,
        /// Which pages are a hit.
        #[serde(default)]
        filters: Vec<At<RawProbeFilter>>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawPrep {
        /// The preparation.
        prep_action: At<Scalar>,
    }

    RawProbeFilter {
        /// What it compares.
        filter_type: At<Scalar>,
        /// Whether it is about pages that match.
        matching: At<Flag>,
        /// Whether those are a hit.
        allow: Option<At<Flag>>,
        /// The memory cgroup of `memcg`.
        path: Option<At<Scalar>>,
        /// The smallest size of `hugepage_size`.
        range_min: Option<At<DamoSize>>,
        /// The largest size of `hugepage_size`.
        range_max: Option<At<DamoSize>>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawTarget {
        /// The process, for `vaddr` and `fvaddr`: `{workload: NAME}`.
        pid: Option<At<RawPid>>,
        /// A commit removes this target.
        obsolete: Option<At<Flag>>,
        /// What is monitored at first.
        #[serde(default)]
        regions: Vec<At<RawRegion>>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    /// `{start, end}`, or `{node: N}`. damo adds what it measured.
    RawRegion {
        /// All memory of a node, in place of `start` and `end`.
        node: Option<At<Node>>,
        /// The first address.
        start: Option<At<DamoSize>>,
        /// One past the last address.
        end: Option<At<DamoSize>>,
        #[serde(default, rename = "nr_accesses")]
        _nr_accesses: IgnoredAny,
        #[serde(default, rename = "age")]
        _age: IgnoredAny,
        #[serde(default, rename = "probe_hits")]
        _probe_hits: IgnoredAny,
        #[serde(default, rename = "sz_filter_passed")]
        _sz_filter_passed: IgnoredAny,
    }

    RawScheme {
        action: Option<At<Scalar>>,
        target_nid: Option<At<Signed>>,
        #[serde(default)]
        dests: Vec<RawDest>,
        /// Which regions it is about.
        access_pattern: Option<RawPattern>,
        apply_interval_us: Option<At<Micros>>,
        /// How much it does.
        quotas: Option<RawQuotas>,
        watermarks: Option<RawWatermarks>,
        #[serde(default)]
        filters: Vec<At<RawFilter>>,
        #[serde(default)]
        core_filters: Vec<At<RawFilter>>,
        #[serde(default)]
        ops_filters: Vec<At<RawFilter>>,
        /// What it did.
        stats: Option<RawStats>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawDest {
        /// A node.
        id: At<Number>,
        /// Its share of what is migrated.
        weight: At<Number>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    #[derive(Default)]
    RawPattern {
        sz_bytes: Option<At<RawEnds<DamoSize>>>,
        nr_accesses: Option<At<RawEnds<Accesses>>>,
        age: Option<At<RawEnds<Age>>>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawEnds<T> {
        min: At<T>,
        max: At<T>,
    }

    #[derive(Default)]
    RawQuotas {
        time_ms: Option<At<Millis>>,
        sz_bytes: Option<At<DamoSize>>,
        reset_interval_ms: Option<At<Millis>>,
        #[serde(default)]
        goals: Vec<At<RawGoal>>,
        goal_tuner: Option<At<Scalar>>,
        weights: Option<RawWeights>,
        fail_charge_num: Option<At<Number>>,
        fail_charge_denom: Option<At<Number>>,
        #[serde(default, rename = "effective_sz_bytes")]
        _effective_sz_bytes: IgnoredAny,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawGoal {
        /// What is measured.
        metric: At<Scalar>,
        /// Whether the rest of the whole is meant.
        complement: Option<At<Flag>>,
        /// The value to reach.
        target_value: At<Scalar>,
        /// For `user_input`.
        current_value: Option<At<Number>>,
        /// The node of the metric.
        #[serde(default)]
        nid: OrNull<At<Signed>>,
        /// The memory cgroup of the metric.
        memcg_path: Option<At<Scalar>>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    #[derive(Default)]
    RawWeights {
        /// Of the size.
        sz_permil: Option<At<Permil>>,
        /// Of the accesses.
        nr_accesses_permil: Option<At<Permil>>,
        /// Of the age.
        age_permil: Option<At<Permil>>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawWatermarks {
        /// What is measured.
        metric: At<Scalar>,
        /// Between two measurements.
        interval_us: Option<At<Micros>>,
        /// Above it the scheme is off.
        high_permil: Option<At<Permil>>,
        /// Below it the scheme is on.
        mid_permil: Option<At<Permil>>,
        /// Below it the scheme is off.
        low_permil: Option<At<Permil>>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawFilter {
        /// What it compares.
        filter_type: At<Scalar>,
        /// Whether it is about memory that matches.
        matching: At<Flag>,
        /// Whether that passes.
        #[serde(alias = "filter_pass")]
        allow: Option<At<Flag>>,
        /// For `memcg`.
        memcg_path: Option<At<Scalar>>,
        /// For `addr`.
        address_range: Option<At<RawRegion>>,
        /// For `target`.
        damon_target_idx: Option<At<Number>>,
        /// For `hugepage_size`: the smallest and the largest.
        hugepage_size: Option<At<Vec<At<DamoSize>>>>,
        /// For `probe_hits_wsum`: the smallest and the largest.
        probe_hits_wsum_range: Option<At<Vec<At<Number>>>>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    /// damo's statistics of a scheme; only the limit configures anything.
    #[derive(Default)]
    #[serde(default)]
    RawStats {
        max_nr_snapshots: Option<At<Number>>,
        #[serde(rename = "nr_tried")]
        _nr_tried: IgnoredAny,
        #[serde(rename = "sz_tried")]
        _sz_tried: IgnoredAny,
        #[serde(rename = "nr_applied")]
        _nr_applied: IgnoredAny,
        #[serde(rename = "sz_applied")]
        _sz_applied: IgnoredAny,
        #[serde(rename = "sz_ops_filter_passed")]
        _sz_ops_filter_passed: IgnoredAny,
        #[serde(rename = "qt_exceeds")]
        _qt_exceeds: IgnoredAny,
        #[serde(rename = "nr_snapshots")]
        _nr_snapshots: IgnoredAny,
        sysfs: RawFiles,
    }
}

/// A pid as damo has it, or a workload of ours.
#[derive(Debug)]
pub(crate) enum RawPid {
    Number(i64),
    Workload(At<Scalar>),
}

struct PidVisitor;

impl<'de> Visitor<'de> for PidVisitor {
    type Value = RawPid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pid or {workload: NAME}")
    }

    fn visit_i64<E: de::Error>(self, pid: i64) -> Result<RawPid, E> {
        Ok(RawPid::Number(pid))
    }

    fn visit_u64<E: de::Error>(self, pid: u64) -> Result<RawPid, E> {
        i64::try_from(pid).map(RawPid::Number).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RawPid, E> {
        let pid = text.parse().map_err(|_| E::custom("a pid is a number, or {workload: NAME}"));
        pid.map(RawPid::Number)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawPid, A::Error> {
        match map.next_key::<String>()?.as_deref() {
            Some("workload") => {}
            other => return Err(de::Error::unknown_field(other.unwrap_or(""), &["workload"])),
        }
        let name = map.next_value()?;
        match map.next_key::<String>()? {
            None => Ok(RawPid::Workload(name)),
            Some(second) => Err(de::Error::unknown_field(&second, &["workload"])),
        }
    }
}

impl Described for RawPid {
    fn schema(all: &mut Definitions) -> Value {
        let workload = json!({
            "type": "object",
            "properties": {"workload": Scalar::schema(all)},
            "required": ["workload"],
            "additionalProperties": false,
        });
        json!({"anyOf": [{"type": "integer"}, text("[-+]?[0-9]+"), workload]})
    }
}

impl<'de> Deserialize<'de> for RawPid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PidVisitor)
    }
}
