//! What the kernel must show of a machine: the description, in the kernel's own terms.

use super::{hmat, slit};
use crate::scenario::{Across, CxlWindow, MachineSpec, NodeSpec, ranges, tier};
use damonlab_protocol::machine_view::{AccessView, CacheView, MachineView, NodeView, RegionView, SpeedView};
use damonlab_protocol::units::NodeId;
use std::collections::BTreeMap;

/// A node that SLIT does not speak of, from everywhere (`REMOTE_DISTANCE`).
const REMOTE: u32 = 20;

/// The whole view, once all memory is online.
pub(super) fn wanted(spec: &MachineSpec) -> MachineView {
    let ranges = ranges(spec);
    let nodes = spec.nodes.iter().map(|node| {
        let view = NodeView {
            cpus: sorted(&node.cpus),
            memory: node.memory,
            ranges: ranges.get(&node.id).cloned(),
            access: access(spec, node),
            caches: caches(node),
            ..common(spec, node.id)
        };
        (node.id, view)
    });
    let windows = spec
        .cxl
        .iter()
        .map(|window| (window.node, NodeView { memory: window.size(), ..common(spec, window.node) }));
    MachineView {
        nodes: nodes.chain(windows).collect(),
        regions: spec.cxl.iter().map(|window| (window.node, region(window))).collect(),
    }
}

fn common(spec: &MachineSpec, id: NodeId) -> NodeView {
    NodeView {
        distances: distances(spec, id),
        tier: tier::distance_of(spec, id).map(tier::of),
        ..NodeView::default()
    }
}

fn sorted(cpus: &[u32]) -> Vec<u32> {
    let mut cpus = cpus.to_vec();
    cpus.sort_unstable();
    cpus
}

fn distances(spec: &MachineSpec, from: NodeId) -> BTreeMap<NodeId, u32> {
    let described = |id: NodeId| spec.nodes.iter().any(|node| node.id == id);
    let all = spec.nodes.iter().map(|node| node.id).chain(spec.cxl.iter().map(|window| window.node));
    let distance = |to: NodeId| {
        if from == to || (described(from) && described(to)) {
            u32::from(slit::distance(spec, from, to))
        } else {
            REMOTE
        }
    };
    all.map(|to| (to, distance(to))).collect()
}

/// `access0`: the initiator that the node names for itself, with that one's row.
fn access(spec: &MachineSpec, node: &NodeSpec) -> Option<AccessView> {
    if !spec.has_hmat() || node.memory.0 == 0 {
        return None;
    }
    let initiator = if node.cpus.is_empty() { hmat::initiator(spec, node) } else { node.id };
    let (latency, bandwidth) = hmat::speed(spec, initiator, node);
    Some(AccessView { initiators: vec![initiator], speed: speed(tier::Speed::of(latency, bandwidth)) })
}

fn speed(speed: tier::Speed) -> SpeedView {
    SpeedView {
        read_latency: speed.read_latency,
        write_latency: speed.write_latency,
        read_bandwidth: speed.bandwidth,
        write_bandwidth: speed.bandwidth,
    }
}

fn caches(node: &NodeSpec) -> BTreeMap<u32, CacheView> {
    let view = |cache: &crate::scenario::MemorySideCache| CacheView {
        size: cache.size,
        line_size: u64::from(cache.line),
        indexing: 0,
        write_policy: 0,
    };
    node.cache.iter().map(|cache| (1, view(cache))).collect()
}

fn region(window: &CxlWindow) -> RegionView {
    let ways = window.devices.len() as u32;
    RegionView {
        window: window.size(),
        window_ways: if window.across == Across::Bridges { ways } else { 1 },
        size: window.size(),
        ways,
        granularity: if ways > 1 { window.granularity.0 } else { 0 },
        serials: window.devices.iter().map(|device| device.serial).collect(),
        speed: tier::through_port(window).map(speed),
    }
}
