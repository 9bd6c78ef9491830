//! The shape of damo's kdamonds format, with this project's additions: `node: N` in place of an address range,
//! `pid: {workload: NAME}`, and `sysfs: {FILE: VALUE}` wherever the format has a folder of sysfs.
//!
//! The keys are those that damo writes (`to_kvpairs` in its `src/_damon.py`), so that its output can
//! be pasted. What damo reports rather than configures (`state`, `stats`, measured regions) is accepted
//! and not read. Keys of 7.3 that damo does not have carry the name of their sysfs file.

use super::damo_scalar::{Accesses, Age, DamoSize, Micros, Millis, OrNull};
use super::raw_files::RawFiles;
use crate::grammar::{At, Bp, Flag, Node, Number, Permil, Scalar, Signed, shapes};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
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
        sample_us: Option<At<Micros>>,
        aggr_us: Option<At<Micros>>,
        #[serde(alias = "update_us")]
        ops_update_us: Option<At<Micros>>,
        intervals_goal: Option<RawIntervalsGoal>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawIntervalsGoal {
        access_bp: At<Bp>,
        aggrs: At<Number>,
        min_sample_us: At<Micros>,
        max_sample_us: At<Micros>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawCounts {
        min: At<Number>,
        max: At<Number>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    /// damo writes this always; Linux 7.3 does not have it.
    RawSampleControl {
        primitives_enabled: Option<RawPrimitives>,
        #[serde(default)]
        sample_filters: Vec<RawSampleFilter>,
    }

    RawSampleFilter {
        filter_type: At<Scalar>,
        matching: At<Flag>,
        allow: Option<At<Flag>>,
        cpumask: Option<At<Scalar>>,
        tid_arr: Option<At<Scalar>>,
    }

    RawPrimitives {
        page_table: At<Flag>,
        page_fault: At<Flag>,
    }

    RawProbe {
        #[serde(default)]
        preps: Vec<RawPrep>,
        weight: Option<At<Number>>,
        #[serde(default)]
        filters: Vec<At<RawProbeFilter>>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawPrep {
        prep_action: At<Scalar>,
    }

    RawProbeFilter {
        filter_type: At<Scalar>,
        matching: At<Flag>,
        allow: Option<At<Flag>>,
        path: Option<At<Scalar>>,
        range_min: Option<At<DamoSize>>,
        range_max: Option<At<DamoSize>>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawTarget {
        pid: Option<At<RawPid>>,
        obsolete: Option<At<Flag>>,
        #[serde(default)]
        regions: Vec<At<RawRegion>>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    /// `{start, end}`, or `{node: N}`. damo adds what it measured.
    RawRegion {
        node: Option<At<Node>>,
        start: Option<At<DamoSize>>,
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
        access_pattern: Option<RawPattern>,
        apply_interval_us: Option<At<Micros>>,
        quotas: Option<RawQuotas>,
        watermarks: Option<RawWatermarks>,
        #[serde(default)]
        filters: Vec<At<RawFilter>>,
        #[serde(default)]
        core_filters: Vec<At<RawFilter>>,
        #[serde(default)]
        ops_filters: Vec<At<RawFilter>>,
        stats: Option<RawStats>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawDest {
        id: At<Number>,
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
        metric: At<Scalar>,
        complement: Option<At<Flag>>,
        target_value: At<Scalar>,
        current_value: Option<At<Number>>,
        #[serde(default)]
        nid: OrNull<At<Signed>>,
        memcg_path: Option<At<Scalar>>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    #[derive(Default)]
    RawWeights {
        sz_permil: Option<At<Permil>>,
        nr_accesses_permil: Option<At<Permil>>,
        age_permil: Option<At<Permil>>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawWatermarks {
        metric: At<Scalar>,
        interval_us: Option<At<Micros>>,
        high_permil: Option<At<Permil>>,
        mid_permil: Option<At<Permil>>,
        low_permil: Option<At<Permil>>,
        #[serde(default)]
        sysfs: RawFiles,
    }

    RawFilter {
        filter_type: At<Scalar>,
        matching: At<Flag>,
        #[serde(alias = "filter_pass")]
        allow: Option<At<Flag>>,
        memcg_path: Option<At<Scalar>>,
        address_range: Option<At<RawRegion>>,
        damon_target_idx: Option<At<Number>>,
        hugepage_size: Option<At<Vec<At<DamoSize>>>>,
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

impl<'de> Deserialize<'de> for RawPid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PidVisitor)
    }
}
