//! The machine as the kernel shows it, beside the machine as the scenario describes it.
//!
//! The host writes down what must be seen, the guest what is seen, and [`differences`] says where the two
//! part. It runs in the guest before anything is measured, and both views are part of the recording.

use crate::units::{Addr, Bytes, NodeId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Every online node, and the CXL regions behind some of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineView {
    /// Online nodes.
    pub nodes: BTreeMap<NodeId, NodeView>,
    /// Committed CXL regions, by node.
    pub regions: BTreeMap<NodeId, RegionView>,
}

/// A node's visible properties.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeView {
    /// Online CPUs, ascending (`cpulist`).
    pub cpus: Vec<u32>,
    /// All its memory blocks that are online, in bytes (`memoryN/state`).
    pub memory: Bytes,
    /// Where these blocks are: start and one past the end, merged, ascending. None in a wanted view where
    /// only the guest can know them (behind a CXL window).
    pub ranges: Option<Vec<(Addr, Addr)>>,
    /// `distance`, to every online node.
    pub distances: BTreeMap<NodeId, u32>,
    /// The N of the `memory_tierN` that lists it; none for a node without memory.
    pub tier: Option<u64>,
    /// Its nearest initiators and how fast it is for them (`access0/initiators`), where HMAT says so.
    pub access: Option<AccessView>,
    /// Memory-side caches by level (`memory_side_cache/indexN`).
    pub caches: BTreeMap<u32, CacheView>,
}

/// `nodeN/access0/initiators`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessView {
    /// The initiator nodes, ascending.
    pub initiators: Vec<NodeId>,
    /// Nanoseconds; 0 where the kernel has none.
    pub read_latency: u64,
    /// Nanoseconds.
    pub write_latency: u64,
    /// MiB a second.
    pub read_bandwidth: u64,
    /// MiB a second.
    pub write_bandwidth: u64,
}

/// One memory-side cache: `size`, `line_size`, `indexing` and `write_policy` as sysfs has them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheView {
    /// In bytes.
    pub size: Bytes,
    /// In bytes.
    pub line_size: u64,
    /// 0 direct-mapped, 1 indexed, 2 custom (`enum cache_indexing`).
    pub indexing: u64,
    /// 0 write-back, 1 write-through, 2 other (`enum cache_write_policy`).
    pub write_policy: u64,
}

/// A committed CXL region and the window that it lies in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionView {
    /// The window's size (`decoder0.N/size`).
    pub window: Bytes,
    /// How many host bridges the window is interleaved over (`decoder0.N/interleave_ways`).
    pub window_ways: u32,
    /// The region's size.
    pub size: Bytes,
    /// Over how many devices it is interleaved.
    pub ways: u32,
    /// In bytes; 0 where one device is all.
    pub granularity: u64,
    /// The devices' serial numbers by position.
    pub serials: Vec<u64>,
}

/// One fact that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// For instance `memory tier of node 1`.
    pub what: String,
    /// As described.
    pub wanted: String,
    /// As the kernel shows it.
    pub seen: String,
}
