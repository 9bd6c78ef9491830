//! Whole files: the ones that ship, the ones that must be refused, and what random bytes do.

use super::*;
use crate::host::variables::{self, BLESS};
use damonlab_protocol::damon::{AddrRange, FilterKind, GoalTuner, Ops, Pid, Range};
use damonlab_protocol::plan::Access;
use damonlab_protocol::units::{Bytes, Nanos, NodeId};
use miette::{GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn text_of(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{name}.yaml"))).unwrap()
}

fn rendered(error: &ScenarioError) -> String {
    let mut out = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(110)
        .with_links(false);
    handler.render_report(&mut out, error).unwrap();
    out.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn the_scenarios_of_the_benchmarks_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches");
    for name in ["noop.yaml", "idle-guest.yaml"] {
        if let Err(error) = Scenario::load(&folder.join(name)) {
            panic!("{error}");
        }
    }
}

#[test]
fn every_scenario_that_ships_is_sound() {
    let names: Vec<String> = all(&folder()).unwrap().into_iter().map(|scenario| scenario.name).collect();
    for wanted in ["cxl-promote", "goal-needs-paddr", "idle", "pull-push", "pull-push-consist"] {
        assert!(names.iter().any(|name| name == wanted), "{wanted} is not among {names:?}");
    }
}

#[test]
fn every_scenario_that_ships_says_what_a_failure_would_mean() {
    for name in stems(&folder(), "yaml") {
        let text = std::fs::read_to_string(folder().join(format!("{name}.yaml"))).unwrap();
        let comment: Vec<&str> =
            text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim).collect();
        assert!(comment.join(" ").contains("A failure "), "{name}.yaml does not say so above `version`");
    }
}

#[test]
fn every_invalid_file_gives_exactly_its_expected_message() {
    let folder = folder().join("invalid");
    let bless = variables::is(BLESS, "1");
    // A relative path: messages name it, and must be the same everywhere.
    let machines = Machines::in_folders(vec!["../scenarios/invalid/machines".into()]);
    let mut wrong = Vec::new();
    for name in stems(&folder, "yaml") {
        let text = std::fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap();
        let found = match Scenario::parse_with(&name, &text, &machines, None) {
            Ok(_) => "no error\n".to_owned(),
            Err(error) => rendered(&error),
        };
        let path = folder.join(format!("{name}.err"));
        if bless {
            std::fs::write(&path, &found).unwrap();
        }
        let wanted = std::fs::read_to_string(&path).unwrap_or_default();
        if found != wanted || found == "no error\n" {
            wrong.push(format!("{name}: wanted\n{wanted}found\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{BLESS}=1 writes the .err files anew", wrong.join("\n"));
}

#[test]
fn every_invalid_file_has_a_message_and_every_message_a_file() {
    let folder = folder().join("invalid");
    let (files, messages) = (stems(&folder, "yaml"), stems(&folder, "err"));
    assert!(files.len() > 50, "only {} invalid files", files.len());
    assert_eq!(files, messages);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("machines") {
            continue;
        }
        let known = path.extension().is_some_and(|extension| extension == "yaml" || extension == "err");
        assert!(known, "{} is neither a scenario nor a message", path.display());
    }
}

fn stems(folder: &Path, extension: &str) -> BTreeSet<String> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let fitting = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    fitting.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_path_that_is_not_there_is_an_error_of_its_own() {
    let error = Scenario::load(Path::new("/nowhere/at-all.yaml")).unwrap_err();
    assert!(matches!(&error, ScenarioError::NotThere(path) if path.ends_with("at-all.yaml")));
    assert_eq!(error.to_string(), "no scenario file at /nowhere/at-all.yaml");
    assert_eq!(error.place(), None);
}

#[test]
fn a_folder_is_not_a_scenario() {
    let error = Scenario::load(&folder()).unwrap_err();
    assert!(matches!(error, ScenarioError::Unreadable { .. }), "{error:?}");
}

#[test]
fn an_error_knows_its_line() {
    let text = text_of("pull-push").replace("node: 1, touch", "node: 4, touch");
    let error = Scenario::parse("pull-push", &text).unwrap_err();
    let line = text.lines().position(|line| line.contains("node: 4, touch")).unwrap() + 1;
    assert_eq!(error.place(), Some(format!("pull-push.yaml:{line}")));
}

#[test]
fn pull_push_is_the_prototype_in_the_kernels_own_terms() {
    let scenario = Scenario::load(&folder().join("pull-push.yaml")).unwrap();
    let context = &scenario.kdamonds[0].context;
    assert_eq!(context.ops, Ops::Paddr);
    assert_eq!(
        (context.intervals.sample_us, context.intervals.aggr_us, context.intervals.update_us),
        (10_000, 200_000, 1_000_000)
    );
    assert_eq!(context.nr_regions, Range { min: 10, max: 400 });
    assert_eq!(context.targets[0].regions, [AddrRange::Node(NodeId(0)), AddrRange::Node(NodeId(1))]);
    for (scheme, (target, from)) in context.schemes.iter().zip([(1, 0), (0, 1)]) {
        assert_eq!((scheme.action.as_str(), scheme.target_nid), ("migrate_hot", target));
        assert_eq!(scheme.sz, Range { min: 4096, max: u64::MAX });
        assert_eq!(scheme.nr_accesses, Range { min: 1, max: 20 });
        assert_eq!(scheme.age, Range { min: 0, max: u64::from(u32::MAX) });
        assert_eq!((scheme.quota.bytes, scheme.quota.reset_interval_ms), (1 << 20, 400));
        assert_eq!(scheme.quota.goal_tuner, GoalTuner::Temporal);
        assert_eq!(scheme.quota.goals[0].nid, target);
        let filter = &scheme.core_filters[0];
        assert_eq!(filter.kind, FilterKind::Addr(AddrRange::Node(NodeId(from))));
        assert!(!filter.matching && !filter.allow);
    }
    assert_eq!(context.schemes[0].quota.goals[0].target_value, 3_000);
    assert_eq!(context.schemes[1].quota.goals[0].target_value, 7_000);
    assert_eq!(scenario.guest_time(), Nanos::from_millis(40_000));
}

#[test]
fn the_architectures_example_parses_as_it_is_written() {
    let text = r"
version: 1
summary: Two migrate_hot schemes hold 70/30 of the hot memory on DRAM and on the slow node.
machine:
  nodes:
    - {id: 0, memory: 512M, cpus: [0]}
    - {id: 1, memory: 512M, from: {node: 0, latency: 300ns, bandwidth: 5G}}     # CPU-less, slower: its own memory tier
workloads:
  - {name: hot, size: 16M, node: 1, touch: {every: 25ms}}
damon:                              # damo's kdamonds format
  kdamonds: [{contexts: [{ops: paddr, targets: [{regions: [{node: 1}]}]}]}]
steps:
  - start
  - run: {windows: 60}
  - stop
expect:
  - {mean: current_value, of: damos_node_eligible_mem_bp, where: {nid: 0}, last: {windows: 30}, within: [6500, 7500]}
snapshot: [behaviour]
";
    let scenario = Scenario::parse("example", text).unwrap();
    let hot = &scenario.workloads[0];
    assert_eq!((hot.hot_bp.0, hot.access, hot.size), (10_000, Access::Write, Bytes(16 << 20)));
    assert_eq!(scenario.guest_time(), Nanos::from_millis(6_000), "60 aggregations: there is no scheme");
    assert_eq!(scenario.trace.events, ["damon:*"]);
    assert_eq!(scenario.expect[0].line, 17);
}

#[test]
fn the_last_windows_lie_in_the_last_run_if_it_has_room_for_them() {
    let during = |steps: &str, last: &str| {
        let text = format!(
            "version: 1
summary: s
machine: {{nodes: [{{id: 0, memory: 512M, cpus: [0]}}]}}
workloads: [{{name: hot, size: 16M, node: 0, touch: {{every: 25ms}}}}]
damon: {{kdamonds: [{{contexts: [{{ops: paddr, targets: [{{regions: [{{node: 0}}]}}]}}]}}]}}
steps: [start, {steps}, stop]
expect: [{{mean: current_value, of: damos_node_eligible_mem_bp, {last}, at_least: 1}}]
"
        );
        Scenario::parse("example", &text).unwrap().expect[0].during
    };
    let two = "run: {windows: 25}, pause, resume, run: {windows: 15}";
    assert_eq!(during(two, "last: {windows: 12}"), Some(1));
    assert_eq!(during(two, "last: {windows: 20}"), None, "they need both runs");
    assert_eq!(during(two, "last: {windows: 5}, during: {run: 1}"), Some(0));
    assert_eq!(during("run: {windows: 25}", "last: {windows: 12}"), None, "there is one run");
}

/// One context with everything in it, as damo prints it, and every key of 7.3.
const EVERYTHING: &str = r#"
version: 1
summary: Every file of DAMON's sysfs.
machine:
  nodes: [{id: 0, memory: 512M, cpus: [0]}, {id: 1, memory: 512M}]
workloads: [{name: hot, size: 4M, node: 0, touch: {every: 50ms, hot: 30%, access: read}, memcg: /a}]
damon:
  kdamonds:
    - state: "on"
      pid: 1,234
      refresh_ms: 100 ms
      contexts:
        - ops: vaddr
          addr_unit: 1 B
          pause: true
          targets:
            - {pid: {workload: hot}, obsolete: false, regions: []}
            - pid: 77
              regions: [{start: "4,096", end: 8 KiB, nr_accesses: {samples: 3, percent: null}, age: {usec: 5 ms, aggr_intervals: null}, sz_filter_passed: 0 B}]
          intervals:
            sample_us: 5 ms
            aggr_us: 100 ms
            ops_update_us: 1 m
            intervals_goal: {access_bp: 4 %, aggrs: 3, min_sample_us: 5 ms, max_sample_us: 10 s}
          nr_regions: {min: 10, max: "1,000"}
          probes: [{preps: [], weight: 2, filters: [{filter_type: memcg, matching: true, allow: false, path: /a}]}]
          sample_control: {primitives_enabled: {page_table: true, page_fault: false}, sample_filters: []}
          schemes:
            - action: migrate_cold
              dests: [{id: 0, weight: 7}, {id: 1, weight: 3}]
              target_nid: null
              access_pattern:
                sz_bytes: {min: 4.000 KiB, max: max}
                nr_accesses: {min: 25 %, max: 100 %}
                age: {min: 1 m 30 s, max: 5 m}
              apply_interval_us: 1 s
              quotas:
                time_ms: 10 ms
                sz_bytes: 1.000 GiB
                reset_interval_ms: 1 s
                fail_charge_num: 1
                fail_charge_denom: "4,096"
                goals:
                  - {metric: some_mem_psi_us, nid: null, memcg_path: null, target_value: 15 ms, current_value: 0}
                  - {metric: node_memcg_used_bp, nid: 1, memcg_path: /a, target_value: 50 %, current_value: 3}
                goal_tuner: temporal
                effective_sz_bytes: 0 B
                weights: {sz_permil: 0 %, nr_accesses_permil: 70 %, age_permil: 5}
              watermarks: {metric: free_mem_rate, interval_us: 5 s, high_permil: 99.9 %, mid_permil: 50 %, low_permil: 20 %}
              filters:
                - {filter_type: anon, matching: true, allow: false, memcg_path: "", address_range: null, damon_target_idx: null, hugepage_size: null, probe_hits_wsum_range: null}
              core_filters:
                - {filter_type: target, matching: true, allow: true, damon_target_idx: 1}
              ops_filters:
                - {filter_type: memcg, matching: true, filter_pass: true, memcg_path: /a}
                - {filter_type: hugepage_size, matching: false, hugepage_size: [2 MiB, max]}
                - {filter_type: young, matching: true}
                - {filter_type: active, matching: true}
                - {filter_type: unmapped, matching: true}
              stats: {nr_tried: 0, sz_tried: 0 B, nr_applied: 0, sz_applied: 0 B, sz_ops_filter_passed: 0 B, qt_exceeds: 0, nr_snapshots: 0, max_nr_snapshots: 9}
steps: [start, run: {for: 1s}, stop]
"#;

#[test]
fn damos_words_become_the_kernels_numbers() {
    let scenario = Scenario::parse("everything", EVERYTHING).unwrap();
    let context = &scenario.kdamonds[0].context;
    assert_eq!(scenario.kdamonds[0].refresh_ms, 100);
    assert!(context.pause);
    assert_eq!(context.targets[0].pid, Some(Pid::Workload("hot".to_owned())));
    assert_eq!(context.targets[1].pid, Some(Pid::Number(77)));
    assert_eq!(
        context.intervals.goal.as_ref().map(|goal| (goal.access_bp, goal.max_sample_us)),
        Some((400, 10_000_000))
    );
    assert_eq!(context.probes[0].filters[0].kind, FilterKind::Memcg("/a".to_owned()));
    let scheme = &context.schemes[0];
    assert_eq!(scheme.sz, Range { min: 4096, max: u64::MAX });
    assert_eq!(scheme.nr_accesses, Range { min: 5, max: 20 }, "percent of 20 samples");
    assert_eq!(scheme.age, Range { min: 900, max: 3_000 }, "in aggregations of 100 ms");
    assert_eq!((scheme.quota.ms, scheme.quota.bytes, scheme.quota.reset_interval_ms), (10, 1 << 30, 1_000));
    assert_eq!((scheme.quota.fail_charge_num, scheme.quota.fail_charge_denom), (1, 4096));
    assert_eq!(
        (scheme.quota.weight_sz, scheme.quota.weight_nr_accesses, scheme.quota.weight_age),
        (0, 700, 5)
    );
    assert_eq!(scheme.quota.goals[0].target_value, 15_000);
    assert_eq!((scheme.quota.goals[1].target_value, scheme.quota.goals[1].nid), (5_000, 1));
    assert_eq!((scheme.watermarks.high, scheme.watermarks.interval_us), (999, 5_000_000));
    assert_eq!((scheme.filters.len(), scheme.core_filters.len(), scheme.ops_filters.len()), (1, 1, 5));
    assert!(scheme.ops_filters[0].allow, "damo's old name of `allow`");
    assert_eq!((scheme.dests.len(), scheme.target_nid, scheme.max_nr_snapshots), (2, -1, 9));
}

#[test]
fn what_damo_leaves_out_matches_everything() {
    let text = EVERYTHING.replace("sz_bytes: {min: 4.000 KiB, max: max}\n", "\n").replace(
        "                nr_accesses: {min: 25 %, max: 100 %}\n                age: {min: 1 m 30 s, max: 5 m}\n",
        "",
    );
    let text = text.replace("              access_pattern:\n", "");
    let scenario = Scenario::parse("everything", &text).unwrap();
    let scheme = &scenario.kdamonds[0].context.schemes[0];
    let most = u64::from(u32::MAX);
    assert_eq!((scheme.sz.max, scheme.nr_accesses.max, scheme.age.max), (u64::MAX, most, most));
    assert_eq!((scheme.sz.min, scheme.nr_accesses.min, scheme.age.min), (0, 0, 0));
}

#[test]
fn clocks_grow_with_the_guest_time_and_can_be_set() {
    let scenario = Scenario::load(&folder().join("pull-push.yaml")).unwrap();
    assert_eq!(scenario.clocks.scenario, std::time::Duration::from_secs(60 + 400));
    let text = format!("{}clocks: {{boot: 5s, scenario: 7s}}\n", text_of("pull-push"));
    let clocks = Scenario::parse("pull-push", &text).unwrap().clocks;
    assert_eq!((clocks.boot.as_secs(), clocks.scenario.as_secs(), clocks.shutdown.as_secs()), (5, 7, 30));
    assert_eq!(clocks.hard().as_secs(), 42);
}

#[test]
fn a_distance_counts_both_ways_unless_both_are_given() {
    let distances = |given: &str| {
        let text =
            text_of("pull-push").replace("\nworkloads:", &format!("\n  distances: [{given}]\nworkloads:"));
        Scenario::parse("pull-push", &text).unwrap().machine.distances
    };
    let (zero, one) = (NodeId(0), NodeId(1));
    let both = distances("{from: 0, to: 1, distance: 25}");
    assert_eq!((both[&(zero, one)], both[&(one, zero)], both[&(zero, zero)]), (25, 25, 10));
    let asymmetric = distances("{from: 0, to: 1, distance: 25}, {from: 1, to: 0, distance: 35}");
    assert_eq!((asymmetric[&(zero, one)], asymmetric[&(one, zero)]), (25, 35));
}

#[test]
fn a_scenario_without_damon_carries_its_settings_to_the_guest() {
    let scenario = Scenario::load(&folder().join("kswapd-demotion.yaml")).unwrap();
    assert_eq!(scenario.boot.parameters, ["sysctl.vm.watermark_scale_factor=600"]);
    let plan = scenario.plan(0, Default::default());
    assert_eq!(plan.boot_writes[0].path, "/sys/kernel/mm/numa/demotion_enabled");
    assert_eq!((plan.kdamonds, plan.vmstat), (Vec::new(), scenario.vmstat.clone()));
    let line = scenario.places.line_of("/sys/kernel/mm/numa/demotion_enabled");
    let text = text_of("kswapd-demotion");
    assert_eq!(line, text.lines().position(|line| line.contains("demotion_enabled")).map(|at| at + 1));
}

#[test]
fn a_plan_of_damon_is_written_as_before_there_were_other_subjects() {
    let scenario = Scenario::load(&folder().join("pull-push.yaml")).unwrap();
    let plan = serde_json::to_value(scenario.plan(0, Default::default())).unwrap();
    for key in ["boot_writes", "vmstat", "prints_report"] {
        assert!(plan.get(key).is_none(), "{key}");
    }
}

#[test]
fn a_plan_carries_the_scenario_to_the_guest() {
    let scenario = Scenario::load(&folder().join("cxl-promote.yaml")).unwrap();
    let plan = scenario.plan(7, Default::default());
    assert_eq!((plan.seed, plan.cxl.len(), plan.cxl[0].serials[0], plan.cxl[0].node), (7, 1, 1, NodeId(2)));
    assert_eq!(plan.kdamonds, scenario.kdamonds);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_text_never_panics(text in "\\PC{0,200}") {
        if let Err(error) = Scenario::parse("random", &text) {
            prop_assert!(!rendered(&error).is_empty());
        }
    }

    #[test]
    fn a_damaged_scenario_never_panics(cut in 0usize..6000, length in 0usize..40, insert in "[ -~\\n\u{e9}\u{1b}]{0,8}") {
        let text = text_of("pull-push");
        let start = text.floor_char_boundary(cut.min(text.len()));
        let end = text.floor_char_boundary((start + length).min(text.len()));
        let damaged = format!("{}{insert}{}", &text[..start], &text[end.max(start)..]);
        if let Err(error) = Scenario::parse("damaged", &damaged) {
            prop_assert!(!rendered(&error).contains('\u{1b}'), "an escape came through");
        }
    }

    #[test]
    fn numbers_of_any_size_never_panic(number in any::<u64>(), unit in "(|ns|ms|s|d|K|M|G|E| %|bp)", hole in 0usize..64) {
        let text = text_of("pull-push");
        let mut spots = text.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at);
        let at = spots.nth(hole).unwrap_or(0);
        let _ = Scenario::parse("numbers", &format!("{}{number}{unit}{}", &text[..at], &text[at + 1..]));
    }
}
