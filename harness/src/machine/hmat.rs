//! HMAT rows: latency and bandwidth of every node for every node with CPUs.
//!
//! The kernel ignores a pair without one of the two, and QEMU takes rows only with `hmat=on`, so
//! there is either a whole table or none.

use super::ports::ports;
use super::qemu_number::domain;
use super::slit;
use crate::scenario::{From, MachineSpec, NodeSpec, tier};
use damonlab_protocol::units::{Bytes, Nanos, NodeId};

/// How one domain's memory, or port, looks from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// The initiator's proximity domain.
    pub initiator: u16,
    /// The target's.
    pub target: u16,
    pub latency: Nanos,
    pub bandwidth: Bytes,
}

/// What a hop over another node adds to the latency of slow memory.
const HOP: Nanos = Nanos(80);

/// The node with CPUs that a memory-only node belongs to: the one it is `from`, else the nearest.
pub(super) fn initiator(spec: &MachineSpec, node: &NodeSpec) -> NodeId {
    let nearest = spec
        .nodes
        .iter()
        .filter(|other| !other.cpus.is_empty())
        .min_by_key(|other| (slit::distance(spec, node.id, other.id), other.id))
        .map_or(NodeId(0), |other| other.id);
    node.from.map_or(nearest, |from| from.node)
}

/// Every row, by initiator and target; empty where no speed is known.
pub(super) fn rows(spec: &MachineSpec) -> Vec<Row> {
    if !spec.has_hmat() {
        return Vec::new();
    }
    let initiators: Vec<&NodeSpec> = spec.nodes.iter().filter(|node| !node.cpus.is_empty()).collect();
    let ports = ports(spec).enumerate();
    let to_ports = ports.flat_map(|(port, (_, from))| {
        initiators.iter().map(move |node| to_port(spec, node.id, port as u16, &from))
    });
    let to_nodes =
        initiators.iter().flat_map(|node| spec.nodes.iter().map(|target| row(spec, node.id, target)));
    to_ports.chain(to_nodes).collect()
}

fn to_port(spec: &MachineSpec, initiator: NodeId, port: u16, from: &From) -> Row {
    let near = (from.latency, from.bandwidth);
    let (latency, bandwidth) = if from.node == initiator { near } else { far(near) };
    Row { initiator: domain(spec, initiator), target: port, latency, bandwidth }
}

fn row(spec: &MachineSpec, initiator: NodeId, target: &NodeSpec) -> Row {
    let (latency, bandwidth) = speed(spec, initiator, target);
    Row { initiator: domain(spec, initiator), target: domain(spec, target.id), latency, bandwidth }
}

/// A node's latency and bandwidth, seen from a node with CPUs.
pub(super) fn speed(spec: &MachineSpec, initiator: NodeId, target: &NodeSpec) -> (Nanos, Bytes) {
    let dram = tier::dram(spec);
    let home = if target.cpus.is_empty() { self::initiator(spec, target) } else { target.id };
    let near = target.from.map_or(dram, |from| (from.latency, from.bandwidth));
    if home == initiator { near } else { far(near) }
}

/// The same memory from another node: DRAM 100 ns and 10 GiB/s becomes 180 ns and 8 GiB/s, a slow
/// node's 300 ns and 5 GiB/s becomes 380 ns and 4 GiB/s.
fn far((latency, bandwidth): (Nanos, Bytes)) -> (Nanos, Bytes) {
    let mib = bandwidth.0 / Bytes::MIB.0;
    let latency = Nanos((latency.0 + HOP.0).min(u64::from(u16::MAX) - 1));
    (latency, Bytes((mib * 4 / 5).max(1) * Bytes::MIB.0))
}
