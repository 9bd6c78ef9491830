//! Kdamonds in damo's format, for `damo --kdamonds`: the other direction of this folder. Numbers have no unit or one that
//! damo and damonlab read alike.

use damonlab_protocol::damon::{
    AddrRange, Context, Filter, FilterKind, Goal, Kdamond, Keyword, Ops, Pid, Probe, Quota, Range,
    SampleControl, Scheme, Target,
};
use serde_json::{Value, json};

/// What damo's format cannot say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotExported {
    /// The ranges of a node are known in a guest only.
    #[error("the range of node {0} is known in a guest only; damo takes addresses")]
    Node(u16),
    /// A process of the scenario.
    #[error("the workload '{0}' is a process of a guest; damo takes a pid")]
    Workload(String),
    /// damo reads `max_nr_snapshots` nowhere (3.3.0 to 3.4.3).
    #[error("damo reads no max_nr_snapshots from a file")]
    MaxSnapshots,
}

/// `kdamonds` as the document that damo reads.
///
/// # Errors
/// What damo's format cannot say.
pub fn export(kdamonds: &[Kdamond]) -> Result<Value, NotExported> {
    let kdamonds = kdamonds.iter().map(kdamond).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "kdamonds": kdamonds }))
}

fn kdamond(kdamond: &Kdamond) -> Result<Value, NotExported> {
    let contexts = std::iter::once(&kdamond.context).chain(&kdamond.others);
    let contexts = contexts.map(context).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "refresh_ms": kdamond.refresh_ms, "contexts": contexts }))
}

fn context(context: &Context) -> Result<Value, NotExported> {
    let intervals = &context.intervals;
    let mut times = json!({
        "sample_us": intervals.sample_us, "aggr_us": intervals.aggr_us, "ops_update_us": intervals.update_us,
    });
    if let Some(goal) = &intervals.goal {
        times["intervals_goal"] = json!({
            "access_bp": goal.access_bp, "aggrs": goal.aggrs,
            "min_sample_us": goal.min_sample_us, "max_sample_us": goal.max_sample_us,
        });
    }
    let targets =
        context.targets.iter().map(|one| target(one, &context.ops)).collect::<Result<Vec<_>, _>>()?;
    let schemes = context.schemes.iter().map(scheme).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({
        "ops": context.ops.as_str(),
        "addr_unit": context.addr_unit,
        "targets": targets,
        "intervals": times,
        "nr_regions": range(context.nr_regions, ""),
        "probes": context.probes.iter().map(probe).collect::<Vec<_>>(),
        "sample_control": sample_control(context.sample.as_ref()),
        "pause": context.pause,
        "schemes": schemes,
    }))
}

fn range(range: Range, unit: &str) -> Value {
    match unit {
        "" => json!({ "min": range.min, "max": range.max }),
        _ => json!({ "min": format!("{} {unit}", range.min), "max": format!("{} {unit}", range.max) }),
    }
}

fn target(target: &Target, ops: &Keyword<Ops>) -> Result<Value, NotExported> {
    let pid = match &target.pid {
        Some(Pid::Number(pid)) if *ops != Ops::Paddr => json!(pid),
        Some(Pid::Workload(name)) => return Err(NotExported::Workload(name.clone())),
        _ => Value::Null,
    };
    let regions = target.regions.iter().map(addresses).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "pid": pid, "obsolete": target.obsolete, "regions": regions }))
}

fn addresses(range: &AddrRange) -> Result<Value, NotExported> {
    match range {
        AddrRange::Fixed { start, end } => Ok(json!({ "start": start.0, "end": end.0 })),
        AddrRange::Node(node) => Err(NotExported::Node(node.0)),
    }
}

fn probe(probe: &Probe) -> Value {
    let preps: Vec<Value> = probe.preps.iter().map(|action| json!({ "prep_action": action })).collect();
    let filter = |filter: &Filter| {
        let path = if let FilterKind::Memcg(path) = &filter.kind { json!(path) } else { Value::Null };
        let (min, max) = match &filter.kind {
            FilterKind::HugepageSize(range) => (json!(range.min), json!(range.max)),
            _ => (Value::Null, Value::Null),
        };
        json!({
            "filter_type": filter.kind.keyword(), "matching": filter.matching, "allow": filter.allow,
            "path": path, "range_min": min, "range_max": max,
        })
    };
    let filters: Vec<Value> = probe.filters.iter().map(filter).collect();
    json!({ "preps": preps, "filters": filters, "weight": probe.weight })
}

fn sample_control(sample: Option<&SampleControl>) -> Value {
    let none = SampleControl { page_table: true, page_fault: false, filters: Vec::new() };
    let sample = sample.unwrap_or(&none);
    let or_null = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    let filters = sample.filters.iter().map(|filter| {
        json!({
            "filter_type": filter.kind, "matching": filter.matching, "allow": filter.allow,
            "cpumask": or_null(&filter.cpumask), "tid_arr": or_null(&filter.tid_arr),
        })
    });
    json!({
        "primitives_enabled": { "page_table": sample.page_table, "page_fault": sample.page_fault },
        "sample_filters": filters.collect::<Vec<_>>(),
    })
}

fn scheme(scheme: &Scheme) -> Result<Value, NotExported> {
    if scheme.max_nr_snapshots > 0 {
        return Err(NotExported::MaxSnapshots);
    }
    // damo has one list, and divides it again when it writes.
    let filters = scheme.core_filters.iter().chain(&scheme.ops_filters).chain(&scheme.filters);
    let filters = filters.map(filter).collect::<Result<Vec<_>, _>>()?;
    let dests: Vec<Value> =
        scheme.dests.iter().map(|dest| json!({ "id": dest.id, "weight": dest.weight })).collect();
    let marks = &scheme.watermarks;
    Ok(json!({
        "action": scheme.action,
        "target_nid": if scheme.target_nid < 0 { Value::Null } else { json!(scheme.target_nid) },
        "dests": dests,
        "access_pattern": {
            "sz_bytes": range(scheme.sz, ""),
            "nr_accesses": range(scheme.nr_accesses, "samples"),
            "age": range(scheme.age, "aggr_intervals"),
        },
        "apply_interval_us": scheme.apply_interval_us,
        "quotas": quota(&scheme.quota),
        "watermarks": {
            "metric": marks.metric, "interval_us": marks.interval_us,
            "high_permil": marks.high, "mid_permil": marks.mid, "low_permil": marks.low,
        },
        "filters": filters,
    }))
}

fn quota(quota: &Quota) -> Value {
    json!({
        "time_ms": quota.ms, "sz_bytes": quota.bytes, "reset_interval_ms": quota.reset_interval_ms,
        "fail_charge_num": quota.fail_charge_num, "fail_charge_denom": quota.fail_charge_denom,
        "goals": quota.goals.iter().map(goal).collect::<Vec<_>>(),
        "goal_tuner": quota.goal_tuner.as_str(),
        "weights": {
            "sz_permil": quota.weight_sz, "nr_accesses_permil": quota.weight_nr_accesses,
            "age_permil": quota.weight_age,
        },
    })
}

fn goal(goal: &Goal) -> Value {
    json!({
        "metric": goal.metric, "complement": goal.complement, "nid": goal.nid,
        "memcg_path": if goal.path.is_empty() { Value::Null } else { json!(goal.path) },
        "target_value": goal.target_value, "current_value": goal.current_value,
    })
}

fn filter(filter: &Filter) -> Result<Value, NotExported> {
    let mut value = json!({
        "filter_type": filter.kind.keyword(), "matching": filter.matching, "allow": filter.allow,
        "memcg_path": Value::Null, "address_range": Value::Null, "damon_target_idx": Value::Null,
        "hugepage_size": Value::Null, "probe_hits_wsum_range": Value::Null,
    });
    match &filter.kind {
        FilterKind::Memcg(path) => value["memcg_path"] = json!(path),
        FilterKind::Addr(range) => value["address_range"] = addresses(range)?,
        FilterKind::Target(index) => value["damon_target_idx"] = json!(index),
        FilterKind::HugepageSize(range) => value["hugepage_size"] = json!([range.min, range.max]),
        FilterKind::ProbeHitsWsum(range) => value["probe_hits_wsum_range"] = json!([range.min, range.max]),
        _ => {}
    }
    Ok(value)
}
