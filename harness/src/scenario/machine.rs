//! The machine part of a scenario: nodes, their distances and speeds, CXL devices.

use damonlab_guest::units::{Bytes, Nanos, NodeId};
use std::collections::BTreeMap;

/// The machine that a scenario asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineSpec {
    /// Nodes that are there at boot, ids dense from 0.
    pub nodes: Vec<NodeSpec>,
    /// CXL devices, each behind a window of its own; their nodes follow the last of `nodes`.
    pub cxl: Vec<CxlDevice>,
    /// Distances that were given, `(from, to)`; both directions are filled in, 10 to itself.
    /// Empty when the scenario gives none.
    pub distances: BTreeMap<(NodeId, NodeId), u8>,
}

impl MachineSpec {
    /// How many virtual CPUs it has.
    pub fn cpus(&self) -> usize {
        self.nodes.iter().map(|node| node.cpus.len()).sum()
    }
}

/// A node of plain memory.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeSpec {
    /// Its id.
    pub id: NodeId,
    /// Its memory, a multiple of 128 MiB (the kernel's memory block).
    pub memory: Bytes,
    /// Its virtual CPUs; none makes it a memory-only node.
    pub cpus: Vec<u32>,
    /// How fast it is, seen from an initiator. A node with CPUs may say how fast it is for itself.
    pub from: Option<From>,
}

/// HMAT latency and bandwidth of a node, seen from an initiator node with CPUs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct From {
    /// The initiator.
    pub node: NodeId,
    /// Access latency, at least 1 ns.
    pub latency: Nanos,
    /// Access bandwidth in bytes a second, a multiple of 1 MiB.
    pub bandwidth: Bytes,
}

/// One volatile CXL type3 device.
#[derive(Debug, Clone, PartialEq)]
pub struct CxlDevice {
    /// The node that its window becomes.
    pub node: NodeId,
    /// A multiple of 256 MiB.
    pub size: Bytes,
    /// QEMU's `sn=`; unique.
    pub serial: u64,
}
