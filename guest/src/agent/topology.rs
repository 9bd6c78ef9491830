//! What the guest sees of its memory: nodes, their memory blocks and address ranges.

use super::failure::Failure;
use super::files;
use damonlab_protocol::kernel_text::{id_list, node_meminfo};
use damonlab_protocol::ranges::{AddrRange, merged, system_ram, usable};
use damonlab_protocol::units::{Addr, Bytes, NodeId};
use std::collections::BTreeMap;
use std::path::PathBuf;

const NODES: &str = "/sys/devices/system/node";
const MEMORY: &str = "/sys/devices/system/memory";

/// `/sys/devices/system/node/nodeN`
pub fn folder(node: NodeId) -> PathBuf {
    PathBuf::from(NODES).join(format!("node{}", node.0))
}

/// Every node that is online, also one without memory.
pub fn nodes() -> Vec<NodeId> {
    files::numbered(NODES, "node").into_iter().map(NodeId).collect()
}

/// Every node that has memory now.
pub fn nodes_with_memory() -> Vec<NodeId> {
    files::read(PathBuf::from(NODES).join("has_memory"))
        .map(|text| id_list(&text).into_iter().map(NodeId).collect())
        .unwrap_or_default()
}

/// `nodeN/meminfo`, in bytes.
pub fn meminfo(node: NodeId) -> Result<BTreeMap<String, Bytes>, Failure> {
    Ok(node_meminfo(&files::read(folder(node).join("meminfo"))?))
}

/// The physical ranges of every node with memory, see [`usable`].
pub fn node_ranges() -> Result<BTreeMap<NodeId, Vec<AddrRange>>, Failure> {
    let size = block_size()?;
    let ram = system_ram(&files::read("/proc/iomem")?);
    let mut all = BTreeMap::new();
    for node in nodes() {
        let blocks = merged(online_blocks(node, size));
        if !blocks.is_empty() {
            all.insert(node, usable(&blocks, &ram));
        }
    }
    Ok(all)
}

/// The size of a memory block; the kernel gives it in hexadecimal without a prefix.
pub fn block_size() -> Result<u64, Failure> {
    let path = format!("{MEMORY}/block_size_bytes");
    let text = files::read_line(&path)?;
    u64::from_str_radix(&text, 16)
        .ok()
        .filter(|size| *size > 0)
        .ok_or_else(|| format!("{path} contains '{text}', which is no size of a memory block").into())
}

/// A node's memory blocks that are online, in the order of their names.
pub fn online_blocks(node: NodeId, size: u64) -> Vec<AddrRange> {
    let folder = folder(node);
    files::names(&folder)
        .iter()
        .filter(|name| files::read_line(folder.join(name).join("state")).is_ok_and(|state| state == "online"))
        .filter_map(|name| name.strip_prefix("memory")?.parse::<u64>().ok())
        .filter_map(|block| Some((Addr(block.checked_mul(size)?), Addr((block + 1).checked_mul(size)?))))
        .collect()
}
