use super::*;
use crate::damon::{
    Dest, FilterLayer, GoalTuner, Intervals, Keyword, Ops, SampleControl, SampleFilter, SysfsFile,
};
use std::collections::{BTreeMap, BTreeSet};

struct Guest;

impl Resolve for Guest {
    fn node_ranges(&self, node: NodeId) -> Vec<(Addr, Addr)> {
        match node.0 {
            0 => vec![(Addr(0x10_0000), Addr(0x1000_0000))],
            1 => vec![(Addr(0x1000_0000), Addr(0x2000_0000)), (Addr(0x3000_0000), Addr(0x4000_0000))],
            _ => Vec::new(),
        }
    }

    fn workload_pid(&self, name: &str) -> Option<i32> {
        (name == "hot").then_some(41)
    }
}

fn filter(kind: FilterKind) -> Filter {
    Filter { kind, matching: false, allow: true }
}

/// What a fresh scheme folder of the kernel has.
fn default_scheme() -> Scheme {
    let none = Range { min: 0, max: 0 };
    Scheme {
        action: "stat".to_owned(),
        target_nid: -1,
        apply_interval_us: 0,
        sz: none,
        nr_accesses: none,
        age: none,
        quota: Quota {
            ms: 0,
            bytes: 0,
            reset_interval_ms: 0,
            goal_tuner: GoalTuner::Consist.into(),
            goals: Vec::new(),
            weight_sz: 0,
            weight_nr_accesses: 0,
            weight_age: 0,
            fail_charge_num: 0,
            fail_charge_denom: 0,
        },
        watermarks: Watermarks { metric: "none".to_owned(), interval_us: 0, high: 0, mid: 0, low: 0 },
        core_filters: Vec::new(),
        ops_filters: Vec::new(),
        filters: Vec::new(),
        dests: Vec::new(),
        max_nr_snapshots: 0,
    }
}

/// What a fresh context folder of the kernel has.
fn default_context() -> Context {
    Context {
        ops: Ops::Vaddr.into(),
        addr_unit: 1,
        pause: false,
        intervals: Intervals { sample_us: 5_000, aggr_us: 100_000, update_us: 60_000_000, goal: None },
        nr_regions: NR_REGIONS,
        probes: Vec::new(),
        sample: None,
        targets: Vec::new(),
        schemes: Vec::new(),
    }
}

/// One of everything.
fn full_context() -> Context {
    let mut scheme = default_scheme();
    scheme.action = "migrate_hot".to_owned();
    scheme.quota.goals = vec![Goal {
        metric: "node_memcg_used_bp".to_owned(),
        complement: false,
        target_value: 7_000,
        current_value: 1,
        nid: 1,
        path: "/box".to_owned(),
    }];
    scheme.core_filters =
        vec![filter(FilterKind::Addr(AddrRange::Node(NodeId(0)))), filter(FilterKind::Target(2))];
    scheme.ops_filters = vec![
        filter(FilterKind::Memcg("/box".to_owned())),
        filter(FilterKind::HugepageSize(Range { min: 1, max: 2 })),
    ];
    scheme.filters = vec![filter(FilterKind::Young)];
    scheme.dests = vec![Dest { id: 1, weight: 3 }];
    let mut context = default_context();
    context.ops = Ops::Paddr.into();
    let filters = vec![filter(FilterKind::Memcg("/box".to_owned()))];
    context.probes = vec![Probe { preps: Vec::new(), weight: 5, filters }];
    context.targets = vec![Target {
        pid: Some(Pid::Workload("hot".to_owned())),
        obsolete: true,
        regions: vec![AddrRange::Node(NodeId(1)), AddrRange::Fixed { start: Addr(1), end: Addr(2) }],
    }];
    context.schemes = vec![scheme];
    context
}

fn kdamond(context: Context) -> Kdamond {
    Kdamond { refresh_ms: 0, context, others: Vec::new(), sysfs: Vec::new() }
}

fn listed(context: Context) -> Result<Vec<Write>, Unresolved> {
    writes(&[kdamond(context)], &Guest)
}

fn values(context: Context) -> BTreeMap<String, String> {
    listed(context).unwrap().into_iter().map(|write| (write.path, write.value)).collect()
}

const SCHEME: &str = "0/contexts/0/schemes/0";

/// docs/facts/damon.md, sysfs files: every file that can be written, by what it is below, for one of everything.
const FILES: &[(&str, &[&str])] = &[
    ("", &["nr_kdamonds"]),
    ("0", &["refresh_ms", "contexts/nr_contexts"]),
    ("0/contexts/0", &["operations", "addr_unit", "pause"]),
    ("0/contexts/0/monitoring_attrs/intervals", &["sample_us", "aggr_us", "update_us"]),
    (
        "0/contexts/0/monitoring_attrs/intervals/intervals_goal",
        &["access_bp", "aggrs", "min_sample_us", "max_sample_us"],
    ),
    ("0/contexts/0/monitoring_attrs/nr_regions", &["min", "max"]),
    ("0/contexts/0/monitoring_attrs/probes", &["nr_probes", "0/weight", "0/filters/nr_filters"]),
    ("0/contexts/0/monitoring_attrs/probes/0/filters/0", &["type", "matching", "allow", "path"]),
    ("0/contexts/0/targets", &["nr_targets", "0/pid_target", "0/obsolete_target", "0/regions/nr_regions"]),
    ("0/contexts/0/targets/0/regions", &["0/start", "0/end", "1/start", "1/end", "2/start", "2/end"]),
    ("0/contexts/0/schemes", &["nr_schemes"]),
    (SCHEME, &["action", "target_nid", "apply_interval_us", "stats/max_nr_snapshots"]),
    ("0/contexts/0/schemes/0/access_pattern", &["sz/min", "sz/max", "nr_accesses/min", "nr_accesses/max"]),
    ("0/contexts/0/schemes/0/access_pattern/age", &["min", "max"]),
    (
        "0/contexts/0/schemes/0/quotas",
        &["ms", "bytes", "reset_interval_ms", "goal_tuner", "fail_charge_num", "fail_charge_denom"],
    ),
    ("0/contexts/0/schemes/0/quotas/weights", &["sz_permil", "nr_accesses_permil", "age_permil"]),
    ("0/contexts/0/schemes/0/quotas/goals", &["nr_goals"]),
    (
        "0/contexts/0/schemes/0/quotas/goals/0",
        &["target_metric", "target_value", "current_value", "nid", "path"],
    ),
    ("0/contexts/0/schemes/0/watermarks", &["metric", "interval_us", "high", "mid", "low"]),
    ("0/contexts/0/schemes/0/core_filters", &["nr_filters", "0/type", "0/matching", "0/allow"]),
    ("0/contexts/0/schemes/0/core_filters/0", &["addr_start", "addr_end"]),
    ("0/contexts/0/schemes/0/core_filters/1", &["type", "matching", "allow", "damon_target_idx"]),
    (
        "0/contexts/0/schemes/0/ops_filters",
        &["nr_filters", "0/type", "0/matching", "0/allow", "0/memcg_path"],
    ),
    ("0/contexts/0/schemes/0/ops_filters/1", &["type", "matching", "allow", "min", "max"]),
    ("0/contexts/0/schemes/0/filters", &["nr_filters", "0/type", "0/matching", "0/allow"]),
    ("0/contexts/0/schemes/0/dests", &["nr_dests", "0/id", "0/weight"]),
];

#[test]
fn every_file_is_written_once_and_no_other() {
    let mut wanted = BTreeSet::new();
    for (folder, files) in FILES {
        for file in *files {
            wanted.insert(if folder.is_empty() { (*file).to_owned() } else { format!("{folder}/{file}") });
        }
    }
    let list = listed(full_context()).unwrap();
    let written: BTreeSet<String> = list.iter().map(|write| write.path.clone()).collect();
    assert_eq!(written, wanted);
    assert_eq!(written.len(), list.len(), "a file is written twice");
}

/// What only a kernel after 7.3 has, beside one of everything.
fn newer_context() -> Context {
    let mut context = full_context();
    let range = Range { min: 1, max: 2 };
    context.schemes[0].quota.goals[0].complement = true;
    context.schemes[0].core_filters.push(filter(FilterKind::ProbeHitsWsum(range)));
    let probe = &mut context.probes[0];
    probe.preps.push("set_pgidle".to_owned());
    probe.filters.extend([filter(FilterKind::PgidleUnset), filter(FilterKind::HugepageSize(range))]);
    let cpus = SampleFilter {
        kind: "cpumask".to_owned(),
        matching: true,
        allow: true,
        cpumask: "0-1".to_owned(),
        tid_arr: String::new(),
    };
    context.sample = Some(SampleControl { page_table: false, page_fault: true, filters: vec![cpus] });
    context
}

#[test]
fn what_linux_7_3_does_not_have_is_written_where_it_is_used_and_required_there() {
    let old = values(full_context());
    let mut newer = listed(newer_context()).unwrap();
    newer.retain(|write| !old.contains_key(&write.path));
    let text: Vec<String> = newer.iter().map(|write| format!("{}={}", write.path, write.value)).collect();
    let (attrs, scheme) = ("0/contexts/0/monitoring_attrs", SCHEME);
    let folders = [
        (
            format!("{attrs}/probes/0"),
            &["preps/nr_preps=1", "preps/0/prep_action=set_pgidle", "filters/1/type=pgidle_unset"][..],
        ),
        (format!("{attrs}/probes/0/filters"), &["1/matching=N", "1/allow=Y", "2/type=hugepage_size"]),
        (format!("{attrs}/probes/0/filters/2"), &["matching=N", "allow=Y", "min=1", "max=2"]),
        (format!("{attrs}/sample"), &["primitives/page_table=N", "primitives/page_fault=Y"]),
        (format!("{attrs}/sample/filters"), &["nr_filters=1", "0/type=cpumask", "0/matching=Y", "0/allow=Y"]),
        (format!("{attrs}/sample/filters/0"), &["cpumask=0-1"]),
        (format!("{scheme}/quotas/goals/0"), &["complement=Y"]),
        (format!("{scheme}/core_filters/2"), &["type=probe_hits_wsum", "matching=N", "allow=Y"]),
        (format!("{scheme}/core_filters/2"), &["min=1", "max=2"]),
    ];
    let wanted = folders.iter().flat_map(|(at, files)| files.iter().map(move |file| format!("{at}/{file}")));
    assert_eq!(text, wanted.collect::<Vec<_>>());
    assert!(newer.iter().any(|write| write.path.ends_with("/complement") && !write.is_default));
}

#[test]
fn a_second_context_is_counted_and_written() {
    let second = Kdamond { others: vec![default_context()], ..kdamond(full_context()) };
    let list = writes(&[second], &Guest).unwrap();
    let value = |path: &str| list.iter().find(|write| write.path == path).map(|write| write.value.as_str());
    assert_eq!(value("0/contexts/nr_contexts"), Some("2"));
    assert_eq!(value("0/contexts/1/operations"), Some("vaddr"));
}

#[test]
fn a_folder_is_made_before_anything_goes_into_it() {
    let list = listed(full_context()).unwrap();
    let makes = |folder: &str| {
        let (parent, _) = folder.rsplit_once('/').unwrap_or(("", folder));
        list.iter().position(|write| {
            let (at, file) = write.path.rsplit_once('/').unwrap_or(("", &write.path));
            at == parent && file.starts_with("nr_")
        })
    };
    for (index, write) in list.iter().enumerate() {
        let parts: Vec<&str> = write.path.split('/').collect();
        for end in (0..parts.len()).filter(|end| parts[*end].parse::<u32>().is_ok()) {
            let folder = parts[..=end].join("/");
            assert!(
                makes(&folder).is_some_and(|made| made < index),
                "{} comes before {folder} is made",
                write.path
            );
        }
    }
}

#[test]
fn only_the_counts_of_a_default_configuration_are_no_defaults() {
    let mut context = default_context();
    context.schemes = vec![default_scheme()];
    let others: Vec<String> = listed(context)
        .unwrap()
        .into_iter()
        .filter(|write| !write.is_default)
        .map(|write| write.path)
        .collect();
    assert_eq!(others, ["nr_kdamonds", "0/contexts/nr_contexts", "0/contexts/0/schemes/nr_schemes"]);
}

#[test]
fn a_node_becomes_as_many_regions_as_it_has_ranges() {
    let values = values(full_context());
    let regions = "0/contexts/0/targets/0/regions";
    assert_eq!(values[&format!("{regions}/nr_regions")], "3");
    assert_eq!(values[&format!("{regions}/1/start")], "805306368");
    assert_eq!(values[&format!("{regions}/2/end")], "2");
    assert_eq!(values["0/contexts/0/targets/0/pid_target"], "41");
}

#[test]
fn the_ranges_of_a_node_are_in_the_context_s_unit() {
    let mut context = full_context();
    context.addr_unit = 4096;
    let values = values(context);
    assert_eq!(values[&format!("{SCHEME}/core_filters/0/addr_end")], "65536");
    assert_eq!(values["0/contexts/0/targets/0/regions/2/end"], "2", "a fixed range is written as it is");
}

#[test]
fn the_type_of_a_filter_is_written_before_its_other_files() {
    let list = listed(full_context()).unwrap();
    for (index, write) in list.iter().enumerate() {
        if let Some(folder) = write.path.strip_suffix("/matching") {
            assert_eq!(list[index - 1].path, format!("{folder}/type"));
        }
    }
}

#[test]
fn an_addr_filter_on_a_node_in_two_parts_is_refused() {
    let mut context = full_context();
    context.schemes[0].core_filters = vec![filter(FilterKind::Addr(AddrRange::Node(NodeId(1))))];
    assert_eq!(listed(context), Err(Unresolved::SplitNode(NodeId(1), 2)));
}

#[test]
fn a_node_without_memory_and_a_workload_that_is_not_there_are_named() {
    let mut context = full_context();
    context.targets[0].regions = vec![AddrRange::Node(NodeId(5))];
    assert_eq!(listed(context.clone()), Err(Unresolved::EmptyNode(NodeId(5))));
    context.targets[0].pid = Some(Pid::Workload("cold".to_owned()));
    assert_eq!(listed(context), Err(Unresolved::Workload("cold".to_owned())));
}

#[test]
fn what_runs_keeps_its_number_of_kdamonds_and_gets_everything_else() {
    let kdamonds = [kdamond(full_context())];
    let (all, online) = (writes(&kdamonds, &Guest).unwrap(), online_writes(&kdamonds, &Guest).unwrap());
    assert_eq!(online[..], all[1..]);
    assert_eq!(all[0].path, "nr_kdamonds");
}

#[test]
fn new_goals_are_the_writes_that_a_whole_configuration_has_for_them() {
    let own = |path: &str| SysfsFile { path: path.to_owned(), value: "1".to_owned(), is_keyword: false };
    let sysfs = vec![own("contexts/0/new"), own("contexts/0/schemes/0/quotas/goals/0/new")];
    let kdamonds = [Kdamond { sysfs, ..kdamond(full_context()) }];
    let goals = goal_writes(&kdamonds, SchemeAt { kdamond: 0, scheme: 0 });
    let folder = "0/contexts/0/schemes/0/quotas/goals/";
    let all = writes(&kdamonds, &Guest).unwrap();
    let wanted: Vec<Write> = all.into_iter().filter(|write| write.path.starts_with(folder)).collect();
    assert_eq!(goals, wanted);
    assert_eq!(goals[0].path, format!("{folder}nr_goals"));
}

#[test]
fn files_that_a_scenario_names_come_after_all_others_of_their_kdamond() {
    let file = |path: &str| SysfsFile { path: path.to_owned(), value: "set".to_owned(), is_keyword: true };
    let sysfs = vec![file("contexts/0/preps/nr_preps"), file("contexts/0/preps/0/prep_action")];
    let own = Kdamond { sysfs, ..kdamond(default_context()) };
    let other = kdamond(default_context());
    let all = writes(&[own, other], &Guest).unwrap();
    let at = all.iter().position(|write| write.path.starts_with("1/")).unwrap();
    let last: Vec<_> = all[at - 2..at].iter().map(|write| (write.path.as_str(), write.is_keyword)).collect();
    assert_eq!(last, [("0/contexts/0/preps/nr_preps", true), ("0/contexts/0/preps/0/prep_action", true)]);
}

#[test]
fn an_introduced_keyword_is_written_as_it_is() {
    let mut context = full_context();
    context.ops = Keyword::Introduced("perf".to_owned());
    context.schemes[0].quota.goal_tuner = Keyword::Introduced("pid".to_owned());
    let kind = FilterKind::Introduced { name: "node".to_owned(), layer: FilterLayer::Ops };
    context.schemes[0].ops_filters = vec![filter(kind)];
    let all = writes(&[kdamond(context)], &Guest).unwrap();
    let value = |path: &str| all.iter().find(|write| write.path.ends_with(path)).unwrap().value.clone();
    assert_eq!(value("operations"), "perf");
    assert_eq!(value("goal_tuner"), "pid");
    assert_eq!(value("ops_filters/0/type"), "node");
}
