//! Where RAM is: the addresses that QEMU's q35 gives to the nodes, and what the kernel is told of them.
//!
//! Nodes lie one after the other. What does not fit below the hole for devices goes on at 4 GiB
//! (`pc_q35_init`, QEMU 10.0): the hole begins at 2.75 GiB, or at 2 GiB where there is more RAM than that,
//! or where `max-ram-below-4g` says.

use crate::scenario::{MachineSpec, NodeSpec};
use damonlab_guest::units::{Addr, Bytes, NodeId};
use std::collections::BTreeMap;

const ABOVE: u64 = 4 << 30;
const MOST_BELOW: u64 = 0xb000_0000;
const BELOW_IF_MORE: u64 = 0x8000_0000;

/// `max-ram-below-4g`, where it has to be said. Firmware keeps the last pages below the hole for itself and
/// `dax_hmem` takes whole ranges, so soft-reserved nodes are put above it.
pub(super) fn below_4g(spec: &MachineSpec) -> Option<Bytes> {
    let before = |node: &&NodeSpec| !node.soft_reserved;
    spec.below_4g.or_else(|| {
        let boot: u64 = spec.nodes.iter().take_while(before).map(|node| node.memory.0).sum();
        spec.nodes.iter().any(|node| node.soft_reserved).then_some(Bytes(boot.min(BELOW_IF_MORE)))
    })
}

/// Each node's addresses, start and one past the end; a node may be on both sides of the hole.
pub fn ranges(spec: &MachineSpec) -> BTreeMap<NodeId, Vec<(Addr, Addr)>> {
    let total: u64 = spec.nodes.iter().map(|node| node.memory.0).sum();
    let usual = if total >= MOST_BELOW { BELOW_IF_MORE } else { MOST_BELOW };
    let hole = below_4g(spec).map_or(usual, |below| below.0.min(usual));
    let mut start = 0;
    let mut ranges = BTreeMap::new();
    for node in &spec.nodes {
        let end = start + node.memory.0;
        let mut parts = Vec::new();
        if start < end.min(hole) {
            parts.push((Addr(start), Addr(end.min(hole))));
        }
        if start.max(hole) < end {
            parts.push((Addr(start.max(hole) - hole + ABOVE), Addr(end - hole + ABOVE)));
        }
        ranges.insert(node.id, parts);
        start = end;
    }
    ranges
}

/// `memmap=` for every soft-reserved range: from RAM (type 1) to the kernel's type for it
/// (`E820_TYPE_SOFT_RESERVED`).
pub(super) fn kernel_words(spec: &MachineSpec) -> Vec<String> {
    let ranges = ranges(spec);
    let reserved = spec.nodes.iter().filter(|node| node.soft_reserved);
    let parts = reserved.flat_map(|node| ranges.get(&node.id).into_iter().flatten());
    parts.map(|(start, end)| format!("memmap={:#x}%{:#x}-1+0xefffffff", end.0 - start.0, start.0)).collect()
}
