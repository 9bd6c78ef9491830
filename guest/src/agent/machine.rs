//! The machine as the kernel shows it: [`MachineView`] out of sysfs.
//!
//! A value that no file has counts as absent: the comparison with the description then names it.

use super::failure::Failure;
use super::speed::number;
use super::{cxl, files, speed, topology};
use damonlab_protocol::kernel_text::id_list;
use damonlab_protocol::machine_view::{AccessView, CacheView, MachineView, NodeView};
use damonlab_protocol::ranges::merged;
use damonlab_protocol::units::{Bytes, NodeId};
use std::collections::BTreeMap;
use std::path::Path;

const TIERS: &str = "/sys/devices/virtual/memory_tiering";

/// The whole view; to be taken once all memory is online.
///
/// A node's memory is the sum of its memory blocks. These are 128 MiB on x86 unless RAM ends above 64 GiB
/// (`probe_memory_block_size`, 7.3: what the CFMWS parser advises counts only there), which no scenario may
/// ask for, and every boundary between nodes is a multiple of that. A larger block that two nodes share would
/// be linked below both, and counted for both.
pub fn view() -> Result<MachineView, Failure> {
    let block = topology::block_size()?;
    let nodes = topology::nodes();
    let tiers = tiers();
    let view = |node: &NodeId| (*node, node_view(*node, block, &nodes, tiers.get(node).copied()));
    Ok(MachineView { nodes: nodes.iter().map(view).collect(), regions: cxl::regions() })
}

fn node_view(node: NodeId, block: u64, all: &[NodeId], tier: Option<u64>) -> NodeView {
    let folder = topology::folder(node);
    let blocks = topology::online_blocks(node, block);
    NodeView {
        cpus: ids(&folder.join("cpulist")).map(u32::from).collect(),
        memory: Bytes(blocks.len() as u64 * block),
        ranges: Some(merged(blocks)),
        distances: distances(&folder, all),
        tier,
        access: access(&folder.join("access0/initiators")),
        caches: caches(&folder.join("memory_side_cache")),
    }
}

fn ids(path: &Path) -> impl Iterator<Item = u16> {
    id_list(&files::read(path).unwrap_or_default()).into_iter()
}

/// `distance` has a number for each online node, in their order (`node_read_distance`).
fn distances(folder: &Path, all: &[NodeId]) -> BTreeMap<NodeId, u32> {
    let text = files::read(folder.join("distance")).unwrap_or_default();
    let numbers = text.split_ascii_whitespace().filter_map(|number| number.parse().ok());
    all.iter().copied().zip(numbers).collect()
}

/// The tier of every node that is in one.
fn tiers() -> BTreeMap<NodeId, u64> {
    let mut tiers = BTreeMap::new();
    for tier in files::numbered::<u64>(TIERS, "memory_tier") {
        let list = Path::new(TIERS).join(format!("memory_tier{tier}/nodelist"));
        tiers.extend(ids(&list).map(|node| (NodeId(node), tier)));
    }
    tiers
}

/// The folder exists once anything has requested it; without a link to an initiator and without the files of HMAT it
/// means nothing.
fn access(folder: &Path) -> Option<AccessView> {
    let initiators: Vec<NodeId> = files::numbered(folder, "node").into_iter().map(NodeId).collect();
    if initiators.is_empty() && !folder.join("read_latency").exists() {
        return None;
    }
    Some(AccessView { initiators, speed: speed::read(folder) })
}

fn caches(folder: &Path) -> BTreeMap<u32, CacheView> {
    let cache = |level: u16| {
        let index = folder.join(format!("index{level}"));
        let view = CacheView {
            size: Bytes(number(index.join("size"))),
            line_size: number(index.join("line_size")),
            indexing: number(index.join("indexing")),
            write_policy: number(index.join("write_policy")),
        };
        (u32::from(level), view)
    };
    files::numbered(folder, "index").into_iter().map(cache).collect()
}
