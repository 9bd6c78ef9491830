//! The names that a machine and its workloads introduce.

use crate::grammar::{At, Checked, Fault, Names, Node};
use crate::scenario::layout::ranges;
use crate::scenario::machine::MachineSpec;
use damonlab_protocol::plan::Workload;
use damonlab_protocol::units::NodeId;
use std::collections::BTreeSet;

/// What a machine alone has names for.
pub(super) fn of_machine(machine: &MachineSpec) -> Names {
    let described = machine.nodes.iter().map(|node| node.id);
    let memoryless = machine.nodes.iter().filter(|node| node.memory.0 == 0);
    Names {
        nodes: described.chain(machine.cxl.iter().map(|window| window.node)).collect(),
        memoryless: memoryless.map(|node| node.id).collect(),
        split: ranges(machine).into_iter().filter(|(_, parts)| parts.len() > 1).collect(),
        ..Names::default()
    }
}

/// What a machine and its workloads have names for. A program of the host can make any memory cgroup.
pub(super) fn of_workloads(workloads: &[Workload], machine: &MachineSpec, host_root: bool) -> Names {
    let memcgs = || workloads.iter().filter_map(|workload| workload.memcg.clone()).collect();
    let memcgs = (!host_root).then(memcgs);
    let workloads = workloads.iter().map(|workload| workload.name.clone()).collect();
    Names { workloads, memcgs, ..of_machine(machine) }
}

/// Nodes that are not there on purpose: what the kernel does with such a number is the point.
pub(super) fn absent(raw: &[At<Node>], machine: &MachineSpec) -> Checked<BTreeSet<NodeId>> {
    let there = |id: NodeId| {
        machine.nodes.iter().any(|node| node.id == id) || machine.cxl.iter().any(|window| window.node == id)
    };
    match raw.iter().find(|node| there(node.value.0)) {
        Some(node) => Err(Fault::at(node, format!("{} is there", node.value.0))),
        None => Ok(raw.iter().map(|node| node.value.0).collect()),
    }
}
