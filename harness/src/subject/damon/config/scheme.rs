//! One scheme: from damo's keywords and units to the kernel's.

use super::damo_scalar::{Accesses, Age, DamoSize, Micros, OrNull};
use super::filter::{self, Folder};
use super::introduced::WordKind;
use super::keywords::{ACTIONS, METRICS, Metric, MetricUnit, TUNERS, WATERMARK_METRICS};
use super::raw::{RawDest, RawEnds, RawFilter, RawGoal, RawPattern, RawQuotas, RawScheme, RawWatermarks};
use super::vocabulary::Vocabulary;
use crate::grammar::{At, Bp, Checked, Fault, Given, Leaf, Names, Number, Scalar, Signed};
use damonlab_protocol::damon::{
    Dest, Goal, GoalTuner, Intervals, Keyword, Ops, Quota, Range, Scheme, Watermarks,
};

/// `access_pattern` counts accesses and age in `unsigned int`.
const MAX_COUNT: u64 = u32::MAX as u64;

/// The metric whose node damo does not write.
pub(super) const LOST_NID: &str = "node_eligible_mem_bp";

/// What the checks of a scheme need of its context.
pub(super) struct Around<'a> {
    pub(super) ops: &'a Keyword<Ops>,
    pub(super) intervals: &'a Intervals,
    pub(super) targets: usize,
}

pub(super) fn scheme(raw: &RawScheme, around: &Around<'_>, words: &Vocabulary<'_>) -> Checked<Scheme> {
    let names = words.names;
    let action =
        raw.action.as_ref().map_or(Ok("stat"), |action| known(action, ACTIONS, WordKind::Action, words))?;
    let target_nid = raw.target_nid.as_ref().map(|nid| target_nid(nid, names)).transpose()?;
    let dests = raw.dests.iter().map(|dest| self::dest(dest, names)).collect::<Checked<Vec<_>>>()?;
    let filters = |raw: &[At<RawFilter>], folder| filter::filters(raw, folder, around.targets, words);
    let pattern = raw.access_pattern.as_ref();
    Ok(Scheme {
        action: action.to_owned(),
        target_nid: target_nid.unwrap_or(-1),
        apply_interval_us: raw.apply_interval_us.given_or(0),
        sz: sizes(pattern)?,
        nr_accesses: accesses(pattern, around)?,
        age: ages(pattern, around.intervals)?,
        quota: quota(raw.quotas.as_ref(), around.ops, words)?,
        watermarks: watermarks(raw.watermarks.as_ref(), words)?,
        core_filters: filters(&raw.core_filters, Folder::Core)?,
        ops_filters: filters(&raw.ops_filters, Folder::Ops)?,
        filters: filters(&raw.filters, Folder::Any)?,
        dests,
        max_nr_snapshots: raw.stats.as_ref().and_then(|stats| stats.max_nr_snapshots.given()).unwrap_or(0),
    })
}

/// A keyword out of a list, or one that is introduced.
fn known<'a>(
    raw: &'a At<Scalar>,
    keywords: &[&str],
    kind: WordKind,
    words: &Vocabulary<'_>,
) -> Checked<&'a str> {
    // damo 3.4 reports a quota's tuner with the newline of its file.
    let keyword = raw.value.0.trim();
    if keywords.contains(&keyword) || words.introduced.find(kind, keyword).is_some() {
        return Ok(keyword);
    }
    Err(Fault::at(raw, format!("there is no {} '{keyword}'", kind.noun()))
        .known(keyword, keywords)
        .or_help(&kind.how(keyword)))
}

/// Whether the action moves pages to other nodes.
pub(super) fn is_migration(action: &str) -> bool {
    action.starts_with("migrate_")
}

fn target_nid(raw: &At<Signed>, names: &Names) -> Checked<i32> {
    if raw.value.0 == -1 {
        return Ok(-1);
    }
    let node = names.node_number(raw.value.0, raw)?;
    names.memory(node, raw).map(|node| i32::from(node.0))
}

fn dest(raw: &RawDest, names: &Names) -> Checked<Dest> {
    let id = i64::try_from(raw.id.value.0).unwrap_or(-1);
    let node = names.memory(names.node_number(id, &raw.id)?, &raw.id)?;
    let weight =
        u32::try_from(raw.weight.value.0).map_err(|_| Fault::at(&raw.weight, "a weight has 32 bits"))?;
    Ok(Dest { id: u32::from(node.0), weight })
}

/// Everything, as in damo; the kernel's own default (0 to 0) matches nothing.
fn sizes(pattern: Option<&RawPattern>) -> Checked<Range> {
    let Some(ends) = pattern.and_then(|pattern| pattern.sz_bytes.as_ref()) else {
        return Ok(Range { min: 0, max: u64::MAX });
    };
    ordered(ends, |end: &DamoSize| end.0, "sz_bytes")
}

fn accesses(pattern: Option<&RawPattern>, around: &Around<'_>) -> Checked<Range> {
    let intervals = around.intervals;
    let Some(ends) = pattern.and_then(|pattern| pattern.nr_accesses.as_ref()) else {
        return Ok(Range { min: 0, max: MAX_COUNT });
    };
    let most = intervals.aggr_us / intervals.sample_us.max(1);
    let samples = |end: &Accesses| match end {
        Accesses::Samples(count) => (*count).min(MAX_COUNT),
        Accesses::Bp(bp) => {
            u64::try_from(u128::from(*bp) * u128::from(most) / 10_000).unwrap_or(MAX_COUNT).min(MAX_COUNT)
        }
        Accesses::Max => MAX_COUNT,
    };
    let range = ordered(ends, samples, "nr_accesses")?;
    if let (Accesses::Bp(1..), 0) = (&ends.value.min.value, range.min) {
        let message = format!(
            "this is less than one of an aggregation's {most} samples, so memory that is never accessed matches"
        );
        return Err(Fault::at(&ends.value.min, message).help("write '1 samples', or 'min' if that is meant"));
    }
    // An introduced operations set may count more than one access a sample.
    if range.min > most && around.ops.known().is_some() {
        let message = format!("{} accesses can never be: an aggregation has {most} samples", range.min);
        return Err(Fault::at(&ends.value.min, message).help("that is aggr_us / sample_us"));
    }
    Ok(range)
}

fn ages(pattern: Option<&RawPattern>, intervals: &Intervals) -> Checked<Range> {
    let Some(ends) = pattern.and_then(|pattern| pattern.age.as_ref()) else {
        return Ok(Range { min: 0, max: MAX_COUNT });
    };
    // Less than one is none, as damo computes; `quirks` says so.
    let aggregations = |end: &Age| match end {
        Age::Aggregations(count) => (*count).min(MAX_COUNT),
        Age::Micros(us) | Age::Bare(us) => (us / intervals.aggr_us.max(1)).min(MAX_COUNT),
        Age::Max => MAX_COUNT,
    };
    ordered(ends, aggregations, "age")
}

fn ordered<T>(ends: &At<RawEnds<T>>, number: impl Fn(&T) -> u64, key: &str) -> Checked<Range> {
    let range = Range { min: number(&ends.value.min.value), max: number(&ends.value.max.value) };
    if range.min > range.max {
        let message = format!(
            "the minimum of {key} is above its maximum ({} above {}): nothing matches",
            range.min, range.max
        );
        return Err(Fault::at(&ends.value.min, message));
    }
    Ok(range)
}

fn quota(raw: Option<&RawQuotas>, ops: &Keyword<Ops>, words: &Vocabulary<'_>) -> Checked<Quota> {
    let (no_quotas, no_weights) = Default::default();
    let raw = raw.unwrap_or(&no_quotas);
    let weights = raw.weights.as_ref().unwrap_or(&no_weights);
    let number = |raw: &Option<At<Number>>| match raw {
        None => Ok(0),
        Some(raw) => u32::try_from(raw.value.0).map_err(|_| Fault::at(raw, "this has 32 bits")),
    };
    Ok(Quota {
        ms: raw.time_ms.given_or(0),
        bytes: raw.sz_bytes.given_or(0),
        reset_interval_ms: raw.reset_interval_ms.given_or(0),
        goal_tuner: goal_tuner(raw.goal_tuner.as_ref(), words)?,
        goals: raw.goals.iter().map(|raw| goal(raw, ops, words)).collect::<Checked<Vec<_>>>()?,
        weight_sz: weights.sz_permil.given_or(0),
        weight_nr_accesses: weights.nr_accesses_permil.given_or(0),
        weight_age: weights.age_permil.given_or(0),
        fail_charge_num: number(&raw.fail_charge_num)?,
        fail_charge_denom: number(&raw.fail_charge_denom)?,
    })
}

fn goal_tuner(raw: Option<&At<Scalar>>, words: &Vocabulary<'_>) -> Checked<Keyword<GoalTuner>> {
    let Some(raw) = raw else { return Ok(GoalTuner::Consist.into()) };
    Ok(match known(raw, TUNERS, WordKind::GoalTuner, words)? {
        "consist" => GoalTuner::Consist.into(),
        "temporal" => GoalTuner::Temporal.into(),
        introduced => Keyword::Introduced(introduced.to_owned()),
    })
}

fn metric<'a>(keyword: &'a At<Scalar>, words: &Vocabulary<'_>) -> Checked<Metric<'a>> {
    let name = keyword.value.0.as_str();
    let known = METRICS.iter().copied().find(|metric| metric.name == name);
    known.or_else(|| words.introduced.metric(name)).ok_or_else(|| {
        let (kind, known) = (WordKind::GoalMetric, METRICS.iter().map(|metric| metric.name));
        Fault::at(keyword, format!("there is no goal metric '{name}'"))
            .known(name, &known.collect::<Vec<_>>())
            .or_help(&kind.how(name))
    })
}

pub(super) fn goal(raw: &At<RawGoal>, ops: &Keyword<Ops>, words: &Vocabulary<'_>) -> Checked<Goal> {
    let (names, keyword) = (words.names, &raw.value.metric);
    let metric = metric(keyword, words)?;
    // What an introduced operations set can measure is for the kernel to say.
    if metric.paddr && matches!(ops.known(), Some(Ops::Vaddr | Ops::Fvaddr)) {
        names.kernel_refuses(|| {
            Fault::at(keyword, format!("{} needs the paddr operations", metric.name)).help("ops: paddr")
        })?;
    }
    let target_value = target_value(&raw.value.target_value, &metric)?;
    let nid = match (&raw.value.nid, metric.node) {
        (OrNull::Value(nid), true) => i32::from(names.node_number(nid.value.0, nid)?.0),
        // damo loses it; `quirks` says so.
        (OrNull::Null, true) if LOST_NID == metric.name => 0,
        (_, true) => {
            return Err(Fault::at(raw, format!("the metric {} needs a node: nid: N", metric.name)));
        }
        // damo leaves it out; the kernel does not read it.
        (OrNull::Value(nid), false) if !METRICS.contains(&metric) => {
            i32::from(names.node_number(nid.value.0, nid)?.0)
        }
        (OrNull::Value(nid), false) => i32::try_from(nid.value.0).unwrap_or(0),
        (_, false) => 0,
    };
    let path = raw.value.memcg_path.as_ref().map(filter::path).transpose()?.unwrap_or_default();
    if metric.memcg && path.is_empty() {
        return Err(Fault::at(
            raw,
            format!("the metric {} needs a memory cgroup: memcg_path: /NAME", metric.name),
        ));
    }
    memcg_of_goal(raw, names)?;
    let current_value = raw.value.current_value.given_or(0);
    let complement = raw.value.complement.given_or(false);
    Ok(Goal { metric: metric.name.to_owned(), complement, target_value, current_value, nid, path })
}

/// Refuses a goal about a memory cgroup that is not there. What an introduced metric reads of the path is for the kernel to say.
pub(super) fn memcg_of_goal(raw: &At<RawGoal>, names: &Names) -> Checked<()> {
    let name = raw.value.metric.value.0.as_str();
    match &raw.value.memcg_path {
        Some(path) if METRICS.iter().any(|metric| metric.name == name && metric.memcg) => names.memcg(path),
        _ => Ok(()),
    }
}

fn target_value(raw: &At<Scalar>, metric: &Metric<'_>) -> Checked<u64> {
    let text = raw.value.0.as_str();
    let value = match metric.unit {
        MetricUnit::Plain => Number::parse(text).map(|number| number.0),
        MetricUnit::Micros => Micros::parse(text).map(|us| us.0),
        MetricUnit::BasisPoints => Bp::parse(text).map(|bp| bp.0),
    };
    match (value, metric.unit) {
        (None, _) => Err(Fault::at(raw, format!("'{text}' is not a value of {}", metric.name))
            .help("a share such as '70 %' or 7000 for _bp metrics, a time for _us, else a number")),
        (Some(bp), MetricUnit::BasisPoints) if bp > 10_000 && METRICS.contains(metric) => {
            Err(Fault::at(raw, format!("a target of {bp} basis points is more than everything")))
        }
        (Some(value), _) => Ok(value),
    }
}

fn watermarks(raw: Option<&RawWatermarks>, words: &Vocabulary<'_>) -> Checked<Watermarks> {
    let Some(raw) = raw else {
        return Ok(Watermarks { metric: "none".to_owned(), interval_us: 0, high: 0, mid: 0, low: 0 });
    };
    Ok(Watermarks {
        metric: known(&raw.metric, WATERMARK_METRICS, WordKind::WatermarkMetric, words)?.to_owned(),
        interval_us: raw.interval_us.given_or(0),
        high: raw.high_permil.given_or(0).into(),
        mid: raw.mid_permil.given_or(0).into(),
        low: raw.low_permil.given_or(0).into(),
    })
}
