//! Distances between nodes: what the scenario gave, and the rest derived.
//!
//! QEMU wants all pairs or none. Linux picks the preferred demotion target by distance, so a slow
//! node has to be farther away than DRAM.

use super::qemu_number::domain;
use crate::scenario::{MachineSpec, NodeSpec};
use damonlab_protocol::units::NodeId;
use std::collections::BTreeMap;

/// A node from itself.
const LOCAL: u8 = 10;

/// One DRAM node from another; what QEMU and the kernel assume without a table.
const REMOTE: u8 = 20;

/// A slow node from its initiator, and from elsewhere.
const SLOW: u8 = 30;

/// See [`SLOW`].
const SLOW_REMOTE: u8 = 40;

/// Every ordered pair of different proximity domains with its distance; empty where no table is wanted.
/// A CXL port is [`REMOTE`] from everywhere, which has no reader: it is no node of the kernel's.
pub(super) fn rows(spec: &MachineSpec) -> BTreeMap<(u16, u16), u8> {
    let nodes = table(spec);
    if nodes.is_empty() {
        return BTreeMap::new();
    }
    let ports = domain(spec, NodeId(0));
    let all = ports + spec.nodes.len() as u16;
    let mut rows: BTreeMap<(u16, u16), u8> = BTreeMap::new();
    for from in 0..all {
        rows.extend(
            (0..all).filter(|to| *to != from && from.min(*to) < ports).map(|to| ((from, to), REMOTE)),
        );
    }
    rows.extend(
        nodes.into_iter().map(|((from, to), distance)| ((domain(spec, from), domain(spec, to)), distance)),
    );
    rows
}

/// Every ordered pair of different nodes with its distance; empty where no table is wanted.
fn table(spec: &MachineSpec) -> BTreeMap<(NodeId, NodeId), u8> {
    let derived = spec.nodes.iter().any(is_slow);
    if spec.nodes.len() < 2 || (spec.distances.is_empty() && !derived) {
        return BTreeMap::new();
    }
    let mut table = BTreeMap::new();
    for from in &spec.nodes {
        for to in spec.nodes.iter().filter(|to| to.id != from.id) {
            let distance = spec.distances.get(&(from.id, to.id)).copied();
            table.insert((from.id, to.id), distance.unwrap_or_else(|| derive(from, to)));
        }
    }
    table
}

/// The distance from a node to a node or to itself.
pub(super) fn distance(spec: &MachineSpec, from: NodeId, to: NodeId) -> u8 {
    if from == to {
        return LOCAL;
    }
    table(spec).get(&(from, to)).copied().unwrap_or(REMOTE)
}

fn is_slow(node: &NodeSpec) -> bool {
    node.cpus.is_empty() && node.from.is_some()
}

fn derive(a: &NodeSpec, b: &NodeSpec) -> u8 {
    let sees = |slow: &NodeSpec, other: &NodeSpec| slow.from.is_some_and(|from| from.node == other.id);
    match (is_slow(a), is_slow(b)) {
        (false, false) => REMOTE,
        (true, true) => SLOW_REMOTE + 10,
        (true, false) if sees(a, b) => SLOW,
        (false, true) if sees(b, a) => SLOW,
        _ => SLOW_REMOTE,
    }
}
