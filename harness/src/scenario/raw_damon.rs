//! The shape of damo's kdamonds format, with this project's two additions: `node: N` in place of an
//! address range, and `pid: {workload: NAME}`.
//!
//! The keys are those that damo writes (`to_kvpairs` in its `src/_damon.py`), so that its output can
//! be pasted. What damo reports rather than configures (`state`, `stats`, measured regions) is let in
//! and not read. Keys of 7.3 that damo lacks carry the name of their sysfs file.

use super::raw::At;
use super::units::{Accesses, Age, Bp, DamoSize, Flag, Micros, Millis, Node, Number, Permil, Signed, Word};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKdamond {
    #[serde(default, rename = "state")]
    _state: IgnoredAny,
    #[serde(default, rename = "pid")]
    _pid: IgnoredAny,
    pub refresh_ms: Option<At<Millis>>,
    pub contexts: At<Vec<RawContext>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawContext {
    pub ops: At<Word>,
    pub addr_unit: Option<At<DamoSize>>,
    pub pause: Option<At<Flag>>,
    pub targets: At<Vec<At<RawTarget>>>,
    pub intervals: Option<RawIntervals>,
    pub nr_regions: Option<RawCounts>,
    #[serde(default)]
    pub probes: Vec<At<RawProbe>>,
    pub sample_control: Option<RawSampleControl>,
    #[serde(default)]
    pub schemes: Vec<RawScheme>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIntervals {
    pub sample_us: Option<At<Micros>>,
    pub aggr_us: Option<At<Micros>>,
    #[serde(alias = "update_us")]
    pub ops_update_us: Option<At<Micros>>,
    pub intervals_goal: Option<RawIntervalsGoal>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIntervalsGoal {
    pub access_bp: At<Bp>,
    pub aggrs: At<Number>,
    pub min_sample_us: At<Micros>,
    pub max_sample_us: At<Micros>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCounts {
    pub min: At<Number>,
    pub max: At<Number>,
}

/// damo writes this for a kernel that is not upstream; only what changes nothing is let in.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSampleControl {
    pub primitives_enabled: Option<RawPrimitives>,
    pub sample_filters: Option<At<Vec<IgnoredAny>>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPrimitives {
    pub page_table: At<Flag>,
    pub page_fault: At<Flag>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProbe {
    #[serde(default)]
    pub preps: Vec<At<IgnoredAny>>,
    pub weight: Option<At<Number>>,
    #[serde(default)]
    pub filters: Vec<At<RawProbeFilter>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProbeFilter {
    pub filter_type: At<Word>,
    pub matching: At<Flag>,
    pub allow: Option<At<Flag>>,
    pub path: Option<At<Word>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTarget {
    pub pid: Option<At<RawPid>>,
    pub obsolete: Option<At<Flag>>,
    #[serde(default)]
    pub regions: Vec<At<RawRegion>>,
}

/// A pid as damo has it, or a workload of ours.
#[derive(Debug)]
pub(super) enum RawPid {
    Number(i64),
    Workload(At<Word>),
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

/// `{start, end}`, or `{node: N}`. damo adds what it measured.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRegion {
    pub node: Option<At<Node>>,
    pub start: Option<At<DamoSize>>,
    pub end: Option<At<DamoSize>>,
    #[serde(default, rename = "nr_accesses")]
    _nr_accesses: IgnoredAny,
    #[serde(default, rename = "age")]
    _age: IgnoredAny,
    #[serde(default, rename = "probe_hits")]
    _probe_hits: IgnoredAny,
    #[serde(default, rename = "sz_filter_passed")]
    _sz_filter_passed: IgnoredAny,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawScheme {
    pub action: Option<At<Word>>,
    pub target_nid: Option<At<Signed>>,
    #[serde(default)]
    pub dests: Vec<RawDest>,
    pub access_pattern: Option<RawPattern>,
    pub apply_interval_us: Option<At<Micros>>,
    pub quotas: Option<RawQuotas>,
    pub watermarks: Option<RawWatermarks>,
    #[serde(default)]
    pub filters: Vec<At<RawFilter>>,
    #[serde(default)]
    pub core_filters: Vec<At<RawFilter>>,
    #[serde(default)]
    pub ops_filters: Vec<At<RawFilter>>,
    pub stats: Option<RawStats>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDest {
    pub id: At<Number>,
    pub weight: At<Number>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPattern {
    pub sz_bytes: Option<At<RawEnds<DamoSize>>>,
    pub nr_accesses: Option<At<RawEnds<Accesses>>>,
    pub age: Option<At<RawEnds<Age>>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEnds<T> {
    pub min: At<T>,
    pub max: At<T>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawQuotas {
    pub time_ms: Option<At<Millis>>,
    pub sz_bytes: Option<At<DamoSize>>,
    pub reset_interval_ms: Option<At<Millis>>,
    #[serde(default)]
    pub goals: Vec<At<RawGoal>>,
    pub goal_tuner: Option<At<Word>>,
    pub weights: Option<RawWeights>,
    pub fail_charge_num: Option<At<Number>>,
    pub fail_charge_denom: Option<At<Number>>,
    #[serde(default, rename = "effective_sz_bytes")]
    _effective_sz_bytes: IgnoredAny,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGoal {
    pub metric: At<Word>,
    pub target_value: At<Word>,
    pub current_value: Option<At<Number>>,
    pub nid: Option<At<Signed>>,
    pub memcg_path: Option<At<Word>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWeights {
    pub sz_permil: Option<At<Permil>>,
    pub nr_accesses_permil: Option<At<Permil>>,
    pub age_permil: Option<At<Permil>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWatermarks {
    pub metric: At<Word>,
    pub interval_us: Option<At<Micros>>,
    pub high_permil: Option<At<Permil>>,
    pub mid_permil: Option<At<Permil>>,
    pub low_permil: Option<At<Permil>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFilter {
    pub filter_type: At<Word>,
    pub matching: At<Flag>,
    #[serde(alias = "filter_pass")]
    pub allow: Option<At<Flag>>,
    pub memcg_path: Option<At<Word>>,
    pub address_range: Option<At<RawRegion>>,
    pub damon_target_idx: Option<At<Number>>,
    pub hugepage_size: Option<At<Vec<At<DamoSize>>>>,
    pub probe_hits_wsum_range: Option<At<IgnoredAny>>,
}

/// damo's statistics of a scheme; only the limit configures anything.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStats {
    pub max_nr_snapshots: Option<At<Number>>,
    #[serde(default, rename = "nr_tried")]
    _nr_tried: IgnoredAny,
    #[serde(default, rename = "sz_tried")]
    _sz_tried: IgnoredAny,
    #[serde(default, rename = "nr_applied")]
    _nr_applied: IgnoredAny,
    #[serde(default, rename = "sz_applied")]
    _sz_applied: IgnoredAny,
    #[serde(default, rename = "sz_ops_filter_passed")]
    _sz_ops_filter_passed: IgnoredAny,
    #[serde(default, rename = "qt_exceeds")]
    _qt_exceeds: IgnoredAny,
    #[serde(default, rename = "nr_snapshots")]
    _nr_snapshots: IgnoredAny,
}
