//! Kdamonds and their contexts: what is monitored and how.

use super::introduced::WordKind;
use super::keyword::known;
use super::keywords::{OPS, SAMPLE_FILTERS};
use super::range::range;
use super::raw::{
    RawContext, RawCounts, RawIntervals, RawKdamond, RawPid, RawRegion, RawSampleControl, RawSampleFilter,
    RawTarget,
};
use super::scheme::{Around, scheme};
use super::vocabulary::Vocabulary;
use super::{filter, own_files};
use crate::grammar::{At, Checked, Fault, Given, Names, Scalar};
use damonlab_protocol::damon::{
    AddrRange, Context, Intervals, IntervalsGoal, Kdamond, Keyword, Ops, Pid, Range, SampleControl,
    SampleFilter, Target,
};

/// damo's and the kernel's defaults; they differ in `update_us` (damo 1 s, kernel 60 s), damo wins.
pub(super) const DEFAULT_INTERVALS: Intervals =
    Intervals { sample_us: 5_000, aggr_us: 100_000, update_us: 1_000_000, goal: None };

/// damo's and the kernel's defaults.
const DEFAULT_REGIONS: Range = Range { min: 10, max: 1_000 };

/// A list of kdamonds, as a scenario or a commit has it.
pub(crate) fn kdamonds(raw: &[At<RawKdamond>], words: &Vocabulary<'_>) -> Checked<Vec<Kdamond>> {
    raw.iter().map(|raw| kdamond(raw, words)).collect()
}

fn kdamond(raw: &At<RawKdamond>, words: &Vocabulary<'_>) -> Checked<Kdamond> {
    let contexts = &raw.value.contexts;
    let Some((context, others)) = contexts.value.split_first() else {
        return Err(Fault::at(contexts, "a kdamond has one context, and here is none"));
    };
    if !others.is_empty() {
        let message = format!("a kdamond has one context, and here are {}", contexts.value.len());
        words
            .names
            .kernel_refuses(|| Fault::at(contexts, message).help("give each context a kdamond of its own"))?;
    }
    let refresh_ms = match &raw.value.refresh_ms {
        None => 0,
        Some(refresh) => u32::try_from(refresh.value.0)
            .map_err(|_| Fault::at(refresh, "refresh_ms is a 32 bit number of milliseconds"))?,
    };
    let others = others.iter().map(|other| self::context(other, words)).collect::<Checked<Vec<_>>>()?;
    let kdamond = Kdamond { refresh_ms, context: self::context(context, words)?, others, sysfs: Vec::new() };
    Ok(Kdamond { sysfs: own_files::of_kdamond(&raw.value, &kdamond, words)?, ..kdamond })
}

fn context(raw: &RawContext, words: &Vocabulary<'_>) -> Checked<Context> {
    let names = words.names;
    let ops = ops(&raw.ops, words)?;
    let sample = raw.sample_control.as_ref().map(sample_control).transpose()?.flatten();
    let intervals = intervals(raw.intervals.as_ref(), names)?;
    let targets = targets(raw, &ops, names)?;
    let probes = filter::probes(&raw.probes, words)?;
    let schemes = raw
        .schemes
        .iter()
        .map(|raw| scheme(raw, &Around { ops: &ops, intervals: &intervals, targets: targets.len() }, words))
        .collect::<Checked<Vec<_>>>()?;
    let addr_unit = raw.addr_unit.given_or(1);
    if let (0, Some(place)) = (addr_unit, &raw.addr_unit) {
        return Err(Fault::at(place, "an addr_unit of 0").help("1 is the default"));
    }
    Ok(Context {
        ops,
        addr_unit,
        pause: raw.pause.given_or(false),
        intervals,
        nr_regions: raw.nr_regions.as_ref().map_or(Ok(DEFAULT_REGIONS), |range| nr_regions(range, names))?,
        probes,
        sample,
        targets,
        schemes,
    })
}

fn ops(raw: &At<Scalar>, words: &Vocabulary<'_>) -> Checked<Keyword<Ops>> {
    let kind = WordKind::Operations;
    match raw.value.0.as_str() {
        "vaddr" => Ok(Ops::Vaddr.into()),
        "fvaddr" => Ok(Ops::Fvaddr.into()),
        "paddr" => Ok(Ops::Paddr.into()),
        own if words.introduced.find(kind, own).is_some() => Ok(Keyword::Introduced(own.to_owned())),
        other => Err(Fault::at(raw, format!("there are no operations '{other}'"))
            .known(other, OPS)
            .or_help(&kind.how(other))),
    }
}

/// None where it is what a kernel without `monitoring_attrs/sample` does, which is what damo writes for each.
fn sample_control(raw: &RawSampleControl) -> Checked<Option<SampleControl>> {
    let filters = raw.sample_filters.iter().map(sample_filter).collect::<Checked<Vec<_>>>()?;
    let primitives = raw.primitives_enabled.as_ref();
    let page_table = primitives.is_none_or(|primitives| primitives.page_table.value.0);
    let page_fault = primitives.is_some_and(|primitives| primitives.page_fault.value.0);
    let is_default = page_table && !page_fault && filters.is_empty();
    Ok((!is_default).then_some(SampleControl { page_table, page_fault, filters }))
}

fn sample_filter(raw: &RawSampleFilter) -> Checked<SampleFilter> {
    let text = |raw: &Option<At<Scalar>>| raw.as_ref().map(|text| text.value.0.clone()).unwrap_or_default();
    Ok(SampleFilter {
        kind: known(&raw.filter_type, SAMPLE_FILTERS, "sample filter")?.to_owned(),
        matching: raw.matching.value.0,
        allow: raw.allow.given_or(false),
        cpumask: text(&raw.cpumask),
        tid_arr: text(&raw.tid_arr),
    })
}

fn intervals(raw: Option<&RawIntervals>, names: &Names) -> Checked<Intervals> {
    let Some(raw) = raw else { return Ok(DEFAULT_INTERVALS) };
    let goal = raw.intervals_goal.as_ref().map(|goal| IntervalsGoal {
        access_bp: goal.access_bp.value.0,
        aggrs: goal.aggrs.value.0,
        min_sample_us: goal.min_sample_us.value.0,
        max_sample_us: goal.max_sample_us.value.0,
    });
    let intervals = Intervals {
        sample_us: raw.sample_us.given_or(DEFAULT_INTERVALS.sample_us),
        aggr_us: raw.aggr_us.given_or(DEFAULT_INTERVALS.aggr_us),
        update_us: raw.ops_update_us.given_or(DEFAULT_INTERVALS.update_us),
        goal,
    };
    for place in [&raw.sample_us, &raw.aggr_us, &raw.ops_update_us].into_iter().flatten() {
        if place.value.0 == 0 {
            return Err(Fault::at(place, "an interval of 0"));
        }
    }
    check_intervals(raw, &intervals, names)?;
    Ok(intervals)
}

/// `damon_set_attrs` refuses these.
fn check_intervals(raw: &RawIntervals, intervals: &Intervals, names: &Names) -> Checked<()> {
    if intervals.sample_us > intervals.aggr_us
        && let Some(place) = raw.sample_us.as_ref().or(raw.aggr_us.as_ref())
    {
        let message = format!(
            "a sample every {} us is less often than an aggregation every {} us",
            intervals.sample_us, intervals.aggr_us
        );
        names.kernel_refuses(|| Fault::at(place, message))?;
    }
    if let (Some(goal), Some(place)) = (&intervals.goal, &raw.intervals_goal)
        && goal.aggrs != 0
        && !(goal.min_sample_us..=goal.max_sample_us).contains(&intervals.sample_us)
    {
        let message = format!(
            "the sampling interval of {} us is outside of its goal's {} to {} us",
            intervals.sample_us, goal.min_sample_us, goal.max_sample_us
        );
        names.kernel_refuses(|| Fault::at(&place.min_sample_us, message))?;
    }
    Ok(())
}

fn nr_regions(raw: &RawCounts, names: &Names) -> Checked<Range> {
    let range = Range { min: raw.min.value.0, max: raw.max.value.0 };
    if range.min > range.max {
        names.kernel_refuses(|| {
            Fault::at(
                &raw.min,
                format!("the minimum of {} regions is above the maximum of {}", range.min, range.max),
            )
        })?;
    }
    if range.min < 3 {
        names.kernel_refuses(|| {
            Fault::at(&raw.min, format!("DAMON wants 3 regions at least, and this is {}", range.min))
        })?;
    }
    Ok(range)
}

fn targets(raw: &RawContext, ops: &Keyword<Ops>, names: &Names) -> Checked<Vec<Target>> {
    let all = &raw.targets;
    if all.value.is_empty() {
        names.kernel_refuses(|| Fault::at(all, "a context without a target monitors nothing"))?;
    }
    if let (Some(Ops::Paddr), Some(second)) = (ops.known(), all.value.get(1)) {
        names.kernel_refuses(|| {
            Fault::at(second, "paddr takes one target, and here is a second")
                .help("put all regions into the first target")
        })?;
    }
    all.value.iter().map(|raw| target(raw, ops, names)).collect()
}

fn target(raw: &At<RawTarget>, ops: &Keyword<Ops>, names: &Names) -> Checked<Target> {
    // damo reports 0 for the target of paddr.
    let is_none = |pid: &&At<RawPid>| *ops == Ops::Paddr && matches!(pid.value, RawPid::Number(0));
    let pid = raw
        .value
        .pid
        .as_ref()
        .filter(|pid| !is_none(pid))
        .map(|pid| self::pid(pid, ops, names))
        .transpose()?;
    if pid.is_none() && matches!(ops.known(), Some(Ops::Vaddr | Ops::Fvaddr)) {
        names.kernel_refuses(|| {
            Fault::at(raw, "a target of virtual addresses needs a process: pid: {workload: NAME}")
        })?;
    }
    let regions = raw.value.regions.iter().map(|raw| range(raw, names)).collect::<Checked<Vec<_>>>()?;
    check_regions(raw, &regions, ops, names)?;
    Ok(Target { pid, obsolete: raw.value.obsolete.given_or(false), regions })
}

fn pid(raw: &At<RawPid>, ops: &Keyword<Ops>, names: &Names) -> Checked<Pid> {
    if *ops == Ops::Paddr {
        // damo writes `pid: null` here, which does not come this far.
        return Err(Fault::at(raw, "paddr monitors memory, not a process").help("leave `pid` out"));
    }
    match &raw.value {
        RawPid::Workload(name) => names.workload(name).map(Pid::Workload),
        RawPid::Number(pid) => match i32::try_from(*pid) {
            Ok(pid @ 1..) => Ok(Pid::Number(pid)),
            _ => Err(Fault::at(raw, format!("{pid} is not a pid"))),
        },
    }
}

fn check_regions(
    raw: &At<RawTarget>,
    regions: &[AddrRange],
    ops: &Keyword<Ops>,
    names: &Names,
) -> Checked<()> {
    if regions.is_empty() && matches!(ops.known(), Some(Ops::Fvaddr | Ops::Paddr)) {
        return Err(Fault::at(raw, "the target has no region")
            .help("regions: [{node: 0}], or [{start: .., end: ..}]"));
    }
    for (place, region) in raw.value.regions.iter().zip(regions) {
        if matches!(region, AddrRange::Node(_)) && matches!(ops.known(), Some(Ops::Vaddr | Ops::Fvaddr)) {
            return Err(Fault::at(place, "a node's range is physical, and these operations are virtual"));
        }
    }
    for (place, pair) in raw.value.regions.iter().skip(1).zip(regions.windows(2)) {
        if let [before, after] = pair {
            check_order(place, before, after, names)?;
        }
    }
    Ok(())
}

/// Regions ascend and do not overlap; nodes lie in memory as they are numbered.
fn check_order(place: &At<RawRegion>, before: &AddrRange, after: &AddrRange, names: &Names) -> Checked<()> {
    let wrong = match (before, after) {
        (AddrRange::Node(a), AddrRange::Node(b)) => a >= b,
        (AddrRange::Fixed { end, .. }, AddrRange::Fixed { start, .. }) => end > start,
        _ => false,
    };
    if wrong {
        names.kernel_refuses(|| {
            Fault::at(place, "regions must ascend without overlap, and this one comes too late")
        })?;
    }
    Ok(())
}
