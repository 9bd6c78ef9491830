//! The machine part of a scenario: nodes, their distances and speeds, CXL windows and what is behind them.

use damonlab_protocol::units::{Bytes, Nanos, NodeId};
use std::collections::BTreeMap;

/// The machine that a scenario asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineSpec {
    /// Nodes that firmware describes, ids dense from 0.
    pub nodes: Vec<NodeSpec>,
    /// CXL windows, a node each; their nodes follow the last of `nodes`.
    pub cxl: Vec<CxlWindow>,
    /// Distances that were given, `(from, to)`; both directions are filled in, 10 to itself.
    /// Empty when the scenario gives none.
    pub distances: BTreeMap<(NodeId, NodeId), u8>,
    /// Where the 4 GiB hole begins, if the scenario sets it: RAM beyond lies above 4 GiB.
    pub below_4g: Option<Bytes>,
}

impl MachineSpec {
    /// How many virtual CPUs it has.
    pub fn cpus(&self) -> usize {
        self.nodes.iter().map(|node| node.cpus.len()).sum()
    }

    /// All memory that a guest may come to touch, CXL devices included.
    pub fn memory(&self) -> Bytes {
        let nodes = self.nodes.iter().map(|node| node.memory.0);
        Bytes(nodes.chain(self.cxl.iter().map(|window| window.size().0)).fold(0, u64::saturating_add))
    }

    /// Whether firmware describes speeds.
    pub fn has_hmat(&self) -> bool {
        self.nodes.iter().any(|node| node.from.is_some())
            || self.cxl.iter().any(|window| window.port.is_some())
    }

    /// The node that the kernel boots on: the first with memory that is there at boot.
    pub fn boot_node(&self) -> Option<&NodeSpec> {
        self.nodes.iter().find(|node| node.memory.0 > 0 && !node.soft_reserved)
    }

    /// How much memory a node has once everything is online; none if there is no such node.
    pub fn memory_of(&self, id: NodeId) -> Option<Bytes> {
        let window = self.cxl.iter().find(|window| window.node == id).map(CxlWindow::size);
        window.or_else(|| self.nodes.iter().find(|node| node.id == id).map(|node| node.memory))
    }

    /// Whether a node's memory can be taken away while the kernel runs.
    pub fn is_removable(&self, id: NodeId) -> bool {
        let soft_reserved = self.nodes.iter().any(|node| node.id == id && node.soft_reserved);
        soft_reserved || self.cxl.iter().any(|window| window.node == id)
    }
}

/// A node that firmware describes.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeSpec {
    /// Its id.
    pub id: NodeId,
    /// Its memory, a multiple of 128 MiB (the kernel's memory block); 0 for a node of CPUs alone.
    pub memory: Bytes,
    /// Its memory is hidden from the kernel at boot and comes through `dax_hmem`.
    pub soft_reserved: bool,
    /// Its virtual CPUs; none makes it a memory-only node.
    pub cpus: Vec<u32>,
    /// How fast it is, seen from an initiator. A node with CPUs may have its own speed.
    pub from: Option<From>,
    /// A cache in front of its memory.
    pub cache: Option<MemorySideCache>,
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

/// A direct-mapped write-back cache of level 1 (QEMU `-numa hmat-cache`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemorySideCache {
    /// Its size.
    pub size: Bytes,
    /// Its line, in bytes.
    pub line: u16,
}

/// A CXL window and the volatile type3 devices that make one region in it.
#[derive(Debug, Clone, PartialEq)]
pub struct CxlWindow {
    /// The node that the window becomes.
    pub node: NodeId,
    /// 1, 2 or 4 devices, equal in size, by their position in the interleave.
    pub devices: Vec<CxlDevice>,
    /// Where the ways of the interleave part; for one device, whether it is behind a switch.
    pub across: Across,
    /// How many bytes go to a device before the next one's turn.
    pub granularity: Bytes,
    /// How far the host bridge is (an ACPI generic port); from there on CXL's own tables count.
    pub port: Option<From>,
}

impl CxlWindow {
    /// The size of the region in it.
    pub fn size(&self) -> Bytes {
        Bytes(self.devices.iter().map(|device| device.size.0).sum())
    }
}

/// Where devices hang.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Across {
    /// Each on a root port of its own, under one host bridge.
    Ports,
    /// Each under a host bridge of its own.
    Bridges,
    /// Each on a downstream port of one switch, under one root port.
    Switch,
}

/// One volatile CXL type3 device.
#[derive(Debug, Clone, PartialEq)]
pub struct CxlDevice {
    /// A multiple of 256 MiB.
    pub size: Bytes,
    /// QEMU's `sn=`; unique.
    pub serial: u64,
}
