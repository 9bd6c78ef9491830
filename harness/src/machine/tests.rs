mod properties;

use super::*;
use crate::scenario;
use damonlab_protocol::units::NodeId;

/// The machine whose `machine:` is `text`; it may have more CPUs than virtual time allows.
fn machine(text: &str) -> Machine {
    Machine::new(&scenario::machine_of(text)).unwrap()
}

/// What comes after `start` in the arguments that begin with it.
fn values<'a>(argv: &'a Argv, start: &'a str) -> Vec<&'a str> {
    argv.qemu.iter().filter_map(|argument| argument.strip_prefix(start)).collect()
}

fn distances(argv: &Argv) -> Vec<&str> {
    values(argv, "dist,")
}

const DRAM: &str = "    - {id: 0, memory: 256M, cpus: [0]}\n    - {id: 1, memory: 256M, cpus: [1]}\n";
const SLOW: &str = "    - {id: 2, memory: 256M, from: {node: 0, latency: 300ns, bandwidth: 5G}}\n    \
                    - {id: 3, memory: 256M, from: {node: 1, latency: 300ns, bandwidth: 5G}}\n";

#[test]
fn two_dram_and_two_slow_nodes_are_the_measured_example() {
    let machine = machine(&format!("  nodes:\n{DRAM}{SLOW}"));
    let argv = &machine.argv;
    assert_eq!((argv.memory_word().as_str(), argv.cpus), ("1024M", 2));
    let nodes = ["0,memdev=numa-mem0,cpus=0", "1,memdev=numa-mem1,cpus=1"];
    let slow = ["2,memdev=numa-mem2,initiator=0", "3,memdev=numa-mem3,initiator=1"];
    assert_eq!(values(argv, "node,nodeid="), [nodes, slow].concat());
    assert_eq!(values(argv, "memory-backend-ram,id=numa-mem3,"), ["size=256M"]);
    let table = [
        (0, 1, 20),
        (0, 2, 30),
        (0, 3, 40),
        (1, 0, 20),
        (1, 2, 40),
        (1, 3, 30),
        (2, 0, 30),
        (2, 1, 40),
        (2, 3, 50),
        (3, 0, 40),
        (3, 1, 30),
        (3, 2, 50),
    ];
    assert_eq!(distances(argv), table.map(|(src, dst, val)| format!("src={src},dst={dst},val={val}")));
    let tiers: Vec<u64> = machine.view.nodes.values().filter_map(|node| node.tier).collect();
    assert_eq!(tiers, [4, 4, 27, 27]);
}

#[test]
fn every_initiator_has_latency_and_bandwidth_to_every_node() {
    let machine = machine(&format!("  nodes:\n{DRAM}{SLOW}"));
    let rows: Vec<&str> = machine
        .argv
        .qemu
        .iter()
        .filter(|argument| argument.starts_with("hmat-lb"))
        .map(String::as_str)
        .collect();
    assert_eq!(rows.len(), 2 * 4 * 2);
    let value = |initiator: u16, target: u16, kind: &str| {
        let head = format!(
            "hmat-lb,initiator={initiator},target={target},hierarchy=memory,data-type=access-{kind}="
        );
        let head = head.replace("latency=", "latency,latency=").replace("bandwidth=", "bandwidth,bandwidth=");
        rows.iter().find_map(|row| row.strip_prefix(head.as_str())).unwrap_or("absent").to_owned()
    };
    for (initiator, target, latency, bandwidth) in [
        (0, 0, "100", "10240M"),
        (0, 1, "180", "8192M"),
        (0, 2, "300", "5120M"),
        (0, 3, "380", "4096M"),
        (1, 2, "380", "4096M"),
    ] {
        assert_eq!(value(initiator, target, "latency"), latency, "from {initiator} to {target}");
        assert_eq!(value(initiator, target, "bandwidth"), bandwidth, "from {initiator} to {target}");
    }
}

#[test]
fn a_machine_without_speeds_has_no_hmat_and_no_table_of_distances() {
    let argv = machine("  nodes:\n    - {id: 0, memory: 512M, cpus: [0]}\n    - {id: 1, memory: 512M}").argv;
    let nodes = ["0,memdev=numa-mem0,cpus=0", "1,memdev=numa-mem1"];
    assert_eq!(values(&argv, "node,nodeid="), nodes, "QEMU takes initiator= with hmat=on only");
    assert_eq!(argv.qemu[..2], ["-machine", "q35"]);
    assert!(values(&argv, "hmat-lb").is_empty() && distances(&argv).is_empty());
}

#[test]
fn given_distances_stay_and_the_rest_is_derived() {
    let argv = machine(&format!("  nodes:\n{DRAM}{SLOW}  distances: [{{from: 0, to: 1, distance: 15}}, {{from: 1, to: 0, distance: 17}}]")).argv;
    let distances = distances(&argv);
    assert_eq!(distances.len(), 12, "all pairs or none");
    for pair in ["src=0,dst=1,val=15", "src=1,dst=0,val=17", "src=0,dst=2,val=30"] {
        assert!(distances.contains(&pair), "{pair} is not in {distances:?}");
    }
}

#[test]
fn a_cxl_device_brings_its_bridge_and_window_and_counts_in_no_memory() {
    let machine = machine("  nodes:\n    - {id: 0, memory: 512M, cpus: [0]}\n  cxl: [{node: 1, size: 256M}]");
    assert_eq!(machine.argv.memory_word(), "512M");
    assert_eq!(machine.argv.qemu[..2], ["-machine", "q35,cxl=on"]);
    let line = machine.argv.qemu.join(" ");
    for part in [
        "memory-backend-ram,id=cxl-mem0,size=256M",
        "volatile-memdev=cxl-mem0",
        "sn=0x1",
        "cxl-fmw.0.size=256M",
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert_eq!(machine.view.nodes[&NodeId(1)].tier, Some(22), "dax/kmem memory, as a booted kernel showed");
}

#[test]
fn several_windows_are_told_in_one_word_each_over_bridges_of_its_own() {
    let across = "devices: [{size: 256M}, {size: 256M}], across: bridges, granularity: 1K";
    let machine = machine(&format!(
        "  nodes:\n    - {{id: 0, memory: 512M, cpus: [0]}}\n  cxl: [{{node: 1, size: 256M}}, {{node: 2, {across}}}]"
    ));
    let windows = "targets.0=cxl.1,cxl-fmw.0.size=256M,cxl-fmw.1.targets.0=cxl.2,\
                   cxl-fmw.1.targets.1=cxl.3,cxl-fmw.1.size=512M,cxl-fmw.1.interleave-granularity=1k";
    assert_eq!(values(&machine.argv, "cxl-fmw.0."), [windows]);
}

#[test]
fn several_cpus_on_one_node_are_named_one_by_one() {
    let argv = machine("  nodes:\n    - {id: 0, memory: 512M, cpus: [0, 1]}").argv;
    assert_eq!(values(&argv, "node,nodeid="), ["0,memdev=numa-mem0,cpus=0,cpus=1"]);
    assert_eq!(argv.cpus, 2);
}

#[test]
fn nodes_with_cpus_are_sockets_of_their_own() {
    let smp = |nodes: &str| values(&machine(nodes).argv, "cpus=").concat();
    let four = |first: &str, second: &str| {
        format!("  nodes: [{{id: 0, memory: 256M, cpus: {first}}}, {{id: 1, memory: 256M, cpus: {second}}}]")
    };
    assert_eq!(smp(&format!("  nodes:\n{DRAM}")), "2,sockets=2,cores=1,threads=1");
    assert_eq!(smp(&four("[0, 1]", "[2, 3]")), "4,sockets=2,cores=2,threads=1");
    assert_eq!(
        smp(&four("[0, 2]", "[1, 3]")),
        "4,sockets=4,cores=1,threads=1",
        "sockets are filled in order"
    );
    assert_eq!(smp("  nodes: [{id: 0, memory: 256M, cpus: [0, 1]}]"), "", "QEMU's own socket will do");
}

#[test]
fn virtme_ng_is_told_of_cpus_and_memory_alone() {
    let argv = machine("  nodes:\n    - {id: 0, memory: 512M, cpus: [0]}").argv;
    assert_eq!(argv.vng(), ["--cpus", "1", "--memory", "512M"]);
}
