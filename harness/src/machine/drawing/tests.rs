use super::*;
use crate::scenario::machine_of;

/// The drawing of the machine whose `machine:` is `yaml`.
fn drawn(yaml: &str) -> String {
    drawing(&machine_of(yaml)).unwrap()
}

const TWO_AND_TWO: &str = "
nodes:
  - {id: 0, memory: 256M, cpus: [0]}
  - {id: 1, memory: 256M, cpus: [1]}
  - {id: 2, memory: 256M, from: {node: 0, latency: 300ns, bandwidth: 5G}}
  - {id: 3, memory: 256M, from: {node: 1, latency: 300ns, bandwidth: 5G}}";

const THREE_TIERS: &str = "
nodes:
  - {id: 0, memory: 512M, cpus: [0]}
  - {id: 1, memory: 512M, from: {node: 0, latency: 250ns, bandwidth: 8G}, cache: {size: 64M}}
  - {id: 2, memory: 256M, from: {node: 0, latency: 600ns, bandwidth: 2G}, soft_reserved: true}";

const INTERLEAVED: &str = "
nodes:
  - {id: 0, memory: 2G, cpus: [0, 1]}
  - {id: 1, memory: 2G}
cxl:
  - {node: 2, devices: [{size: 256M}, {size: 256M}], across: bridges, port: {node: 0, latency: 150ns, bandwidth: 8G}}
  - {node: 3, size: 1G, serial: 77}";

const SWITCHED: &str = "
nodes:
  - {id: 0, memory: 256M, cpus: [0]}
  - {id: 1, cpus: [1]}
distances: [{from: 0, to: 1, distance: 12}, {from: 1, to: 0, distance: 35}]
cxl:
  - {node: 2, devices: [{size: 256M}, {size: 256M}], across: switch, granularity: 1K}
  - {node: 3, devices: [{size: 256M}, {size: 256M}]}";

#[test]
fn two_sockets_have_a_slow_node_each() {
    insta::assert_snapshot!(drawn(TWO_AND_TWO));
}

#[test]
fn soft_reserved_memory_and_a_cache_are_said_below_their_nodes() {
    insta::assert_snapshot!(drawn(THREE_TIERS));
}

#[test]
fn an_interleave_shows_its_host_bridges_and_a_port_its_speed() {
    insta::assert_snapshot!(drawn(INTERLEAVED));
}

#[test]
fn devices_behind_a_switch_hang_on_its_ports() {
    insta::assert_snapshot!(drawn(SWITCHED));
}

#[test]
fn uneven_nodes_have_a_socket_for_each_cpu_as_qemu_is_told() {
    let heads = |first: &str, second: &str| {
        let text = format!(
            "nodes: [{{id: 0, memory: 256M, cpus: {first}}}, {{id: 1, memory: 256M, cpus: {second}}}]"
        );
        let lines = drawn(&text);
        let heads: Vec<&str> = lines.lines().filter(|line| line.starts_with("socket")).collect();
        heads.join("; ")
    };
    assert_eq!(heads("[0, 1]", "[2, 3]"), "socket 0: CPUs 0, 1; socket 1: CPUs 2, 3");
    assert_eq!(heads("[0]", "[1, 2]"), "socket 0: CPU 0; sockets 1, 2: CPUs 1, 2");
}
