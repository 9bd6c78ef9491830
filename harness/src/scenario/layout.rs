//! Where RAM is: the addresses that QEMU's q35 gives to the nodes.
//!
//! Nodes lie one after the other. What does not fit below the hole for devices goes on at 4 GiB
//! (`pc_q35_init`, QEMU 10.0): the hole begins at 2.75 GiB, or at 2 GiB where there is more RAM than that,
//! or where `max-ram-below-4g` puts it.

use super::machine::{MachineSpec, NodeSpec};
use damonlab_protocol::units::{Addr, Bytes, NodeId};
use std::collections::BTreeMap;

const ABOVE: u64 = 4 << 30;
const MOST_BELOW: u64 = 0xb000_0000;
const BELOW_IF_MORE: u64 = 0x8000_0000;

/// `max-ram-below-4g`, where it has to be set. Firmware keeps the last pages below the hole for itself and
/// `dax_hmem` takes whole ranges, so soft-reserved nodes are put above it.
pub fn below_4g(spec: &MachineSpec) -> Option<Bytes> {
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

#[cfg(test)]
mod tests {
    use super::super::machine_of;
    use super::*;

    fn spec(text: &str) -> MachineSpec {
        machine_of(text)
    }

    fn lines(spec: &MachineSpec) -> Vec<String> {
        let range = |(start, end): &(Addr, Addr)| format!("{:#x}..{:#x}", start.0, end.0);
        let node = |(node, parts): (&NodeId, &Vec<(Addr, Addr)>)| {
            format!("{node}: {}", parts.iter().map(range).collect::<Vec<_>>().join(" "))
        };
        ranges(spec).iter().map(node).collect()
    }

    #[test]
    fn nodes_lie_one_after_the_other() {
        let spec = spec("  nodes: [{id: 0, memory: 512M, cpus: [0]}, {id: 1, memory: 256M}]");
        assert_eq!(lines(&spec), ["node 0: 0x0..0x20000000", "node 1: 0x20000000..0x30000000"]);
        assert_eq!(below_4g(&spec), None);
    }

    #[test]
    fn a_node_over_the_hole_has_two_ranges() {
        let spec =
            spec("  nodes: [{id: 0, memory: 512M, cpus: [0]}, {id: 1, memory: 256M}]\n  below_4g: 640M");
        assert_eq!(lines(&spec)[1], "node 1: 0x20000000..0x28000000 0x100000000..0x108000000");
    }

    #[test]
    fn much_ram_ends_at_two_gib_below_the_hole() {
        let spec = spec("  nodes: [{id: 0, memory: 3G, cpus: [0]}]");
        assert_eq!(lines(&spec), ["node 0: 0x0..0x80000000 0x100000000..0x140000000"]);
    }

    #[test]
    fn soft_reserved_nodes_are_above_the_hole() {
        let spec =
            spec("  nodes: [{id: 0, memory: 512M, cpus: [0]}, {id: 1, memory: 256M, soft_reserved: true}]");
        assert_eq!(below_4g(&spec), Some(Bytes(512 << 20)));
        assert_eq!(lines(&spec)[1], "node 1: 0x100000000..0x110000000");
    }
}
