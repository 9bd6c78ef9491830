//! virtme-ng passes its arguments to a shell, so no text of a scenario may be in them.
//!
//! In a scenario with all keys, each key and each value in turn gets text that is special to a shell. The scenario is
//! refused with its line, or virtme-ng's arguments do not change.

use super::command;
use super::sandbox::Sandbox;
use super::timing::Timing;
use crate::machine::Machine;
use crate::scenario::{InstructionCost, Scenario, ScenarioError};
use serde_json::Value;
use std::path::Path;

/// Text that is special to a shell or in QEMU's comma-separated options.
const SPECIAL: &[&str] = &[
    "'",
    "\"",
    ";reboot",
    "$(reboot)",
    "`reboot`",
    "\nreboot",
    "&reboot",
    ">/tmp/special",
    ",file=/etc/passwd",
    " -S",
];

/// Every key that takes a value, with a valid value.
const EVERY_KEY: &str = r#"
version: 1
summary: Every key of a scenario.
machine:
  nodes:
    - {id: 0, memory: 512M, cpus: [0], tier: 4, from: {node: 0, latency: 100ns, bandwidth: 10G}}
    - {id: 1, memory: 256M, from: {node: 0, latency: 300ns, bandwidth: 5G}, cache: {size: 16M, line: 64}}
    - {id: 2, memory: 256M, soft_reserved: true, from: {node: 0, latency: 250ns, bandwidth: 8G}}
  distances: [{from: 0, to: 1, distance: 25}]
  below_4g: 512M
  cxl:
    - {node: 3, size: 256M, serial: 7}
    - {node: 4, devices: [{size: 256M, serial: 8}, {size: 256M}], across: bridges, granularity: 8K}
    - {node: 5, size: 256M, across: switch, port: {node: 0, latency: 150ns, bandwidth: 8G}}
workloads:
  - {name: hot, size: 4M, node: 1, touch: {every: 50ms, hot: 30%, access: read}, memcg: /a}
damon:
  kdamonds:
    - refresh_ms: 100 ms
      contexts:
        - ops: paddr
          addr_unit: 1 B
          pause: false
          targets: [{regions: [{node: 0}, {start: 4 GiB, end: 5 GiB}], obsolete: false}]
          intervals: {sample_us: 10 ms, aggr_us: 200 ms, ops_update_us: 1 s}
          nr_regions: {min: 10, max: 400}
          probes: [{weight: 2, filters: [{filter_type: memcg, matching: true, allow: false, path: /a}]}]
          schemes:
            - action: migrate_hot
              target_nid: 1
              access_pattern: {sz_bytes: {min: 4 KiB, max: max}, nr_accesses: {min: 1 samples, max: max}, age: {min: 1 s, max: max}}
              apply_interval_us: 1 s
              quotas:
                sz_bytes: 1 MiB
                reset_interval_ms: 400 ms
                goal_tuner: temporal
                goals: [{metric: node_memcg_used_bp, nid: 1, memcg_path: /a, target_value: 50 %, current_value: 3}]
                weights: {sz_permil: 1, nr_accesses_permil: 2, age_permil: 3}
              watermarks: {metric: free_mem_rate, interval_us: 5 s, high_permil: 999, mid_permil: 500, low_permil: 200}
              core_filters: [{filter_type: addr, matching: false, allow: false, address_range: {node: 0}}]
              ops_filters: [{filter_type: memcg, matching: true, allow: true, memcg_path: /a}]
trace: {events: ["damon:*", "migrate:mm_migrate_pages"], buffer: 8M}
sample: {every: 500ms}
steps:
  - start
  - offline: {node: 3}
  - run: {windows: 20}
  - online: {node: 3}
  - run: {for: 1s}
  - stop
expect:
  - {mean: esz, of: damos_esz, where: {scheme_idx: 0}, last: {windows: 2}, within: [1, 2]}
  - {count: damos_before_apply, where: {scheme_idx: 0}, at_least: 1, over: seeds, spread: 2}
  - {resident: hot, node: 0, at_most: 4M}
  - {vmstat: pgmigrate_success, equals: 3}
snapshot: [interface, behaviour]
clock: virtual
clocks: {boot: 60s, scenario: 60s, shutdown: 60s}
"#;

/// virtme-ng's arguments for a scenario, unless it is refused.
fn arguments(text: &str) -> Result<Vec<String>, ScenarioError> {
    let scenario = Scenario::parse("full", text)?;
    let machine = Machine::of(&scenario).unwrap();
    let all = command::arguments(
        &machine.argv,
        Path::new("/tmp/run"),
        &Timing::Virtual(InstructionCost::Plain),
        Sandbox::On,
    )
    .unwrap();
    Ok(all.into_iter().map(|argument| argument.into_string().unwrap()).collect())
}

fn whole() -> Value {
    serde_saphyr::from_str(EVERY_KEY).unwrap()
}

/// The text of a scalar.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Object(_) | Value::Array(_) | Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The JSON pointers of a value and of all values in it.
fn pointers(value: &Value, here: String) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let below = inner.into_iter().flat_map(|(key, value)| pointers(value, format!("{here}/{key}")));
    std::iter::once(here.clone()).chain(below.collect::<Vec<_>>()).collect()
}

/// `all` with the value at `pointer` changed.
fn with(all: &Value, pointer: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut all = all.clone();
    change(all.pointer_mut(pointer).unwrap());
    // JSON is YAML, and quotes where necessary.
    serde_json::to_string(&all).unwrap()
}

/// Checks that the scenario is refused with its line, or does not change the arguments.
fn is_harmless(special: &str, what: &str, unchanged: &[String]) {
    match arguments(special) {
        Err(error) => assert!(error.place().is_some(), "{what}: refused without its line: {error}"),
        Ok(all) => assert_eq!(all, unchanged, "{what}"),
    }
}

#[test]
fn the_scenario_with_every_key_is_valid() {
    let all = arguments(EVERY_KEY).unwrap().join(" ");
    assert!(all.contains("cxl-upstream") && all.contains("hmat-cache"), "{all}");
    assert_eq!(arguments(&serde_json::to_string_pretty(&whole()).unwrap()).unwrap().join(" "), all);
}

#[test]
fn no_value_of_a_scenario_reaches_the_shell_as_text() {
    let sound = arguments(EVERY_KEY).unwrap();
    let all = whole();
    let mut leaves = 0;
    for pointer in pointers(&all, String::new()) {
        let Some(text) = all.pointer(&pointer).and_then(text) else { continue };
        leaves += 1;
        let special = SPECIAL.iter().map(|special| format!("{text}{special}"));
        for value in special.chain(["$(reboot)".to_owned()]) {
            let what = format!("{pointer}: {value:?}");
            is_harmless(&with(&all, &pointer, |place| *place = value.into()), &what, &sound);
        }
    }
    assert!(leaves > 100, "{leaves}");
}

#[test]
fn no_key_of_a_scenario_reaches_the_shell_as_text() {
    let sound = arguments(EVERY_KEY).unwrap();
    let all = whole();
    for pointer in pointers(&all, String::new()) {
        let Some((place, key)) = pointer.rsplit_once('/') else { continue };
        let Some(Value::Object(_)) = all.pointer(place) else { continue };
        for special in ["'", ";reboot", "$(reboot)"] {
            let renamed = with(&all, place, |mapping| {
                let mapping = mapping.as_object_mut().unwrap();
                let value = mapping.remove(key).unwrap();
                mapping.insert(format!("{key}{special}"), value);
            });
            is_harmless(&renamed, &format!("{pointer}{special:?}"), &sound);
        }
    }
}

#[test]
fn no_name_of_a_machine_reaches_the_shell_as_text() {
    for special in SPECIAL {
        let named = with(&whole(), "/machine", |machine| *machine = format!("dram2{special}").into());
        let error = Scenario::parse("full", &named).unwrap_err();
        assert!(error.place().is_some(), "{error}");
    }
}

#[test]
fn a_files_name_with_such_text_cannot_name_a_scenario() {
    for special in SPECIAL {
        let error = Scenario::parse(&format!("full{special}"), EVERY_KEY).unwrap_err();
        assert!(error.to_string().ends_with("cannot name a scenario"), "{error}");
    }
}
