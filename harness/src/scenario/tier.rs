//! Which memory tier the kernel will put a node into: `mt_perf_to_adistance` of `mm/memory-tiers.c`.

use super::machine::MachineSpec;
use damonlab_guest::units::{Bytes, Nanos, NodeId};

/// `MEMTIER_ADISTANCE_DRAM`: the abstract distance of DRAM.
pub const DRAM_ADISTANCE: u64 = 576;

/// `1 << MEMTIER_CHUNK_BITS`: how much abstract distance makes a tier.
pub const TIER: u64 = 128;

/// The abstract distance of `dax/kmem` memory without HMAT: five times DRAM's
/// (`MEMTIER_DEFAULT_DAX_ADISTANCE`).
pub const KMEM_ADISTANCE: u64 = DRAM_ADISTANCE * 5;

/// The latency and bandwidth that a DRAM node has unless it says otherwise.
pub const DRAM: (Nanos, Bytes) = (Nanos(100), Bytes(10 << 30));

/// The DRAM that the kernel compares with: node 0.
pub fn dram(machine: &MachineSpec) -> (Nanos, Bytes) {
    let zero = machine.nodes.iter().find(|node| node.id == NodeId(0));
    zero.and_then(|node| node.from).map_or(DRAM, |from| (from.latency, from.bandwidth))
}

/// The abstract distance of memory, in the kernel's own order of operations: integers, left to
/// right. QEMU's `access-latency` and `access-bandwidth` set reads and writes alike.
pub fn adistance(latency: Nanos, bandwidth: Bytes, dram: (Nanos, Bytes)) -> u64 {
    let mib = |bytes: Bytes| u128::from(bytes.0 / Bytes::MIB.0).max(1) * 2;
    let ns = |time: Nanos| u128::from(time.0).max(1) * 2;
    let scaled = u128::from(DRAM_ADISTANCE) * ns(latency) / ns(dram.0) * mib(dram.1) / mib(bandwidth);
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// The abstract distance of a node's memory; none for a node without memory.
pub fn distance_of(machine: &MachineSpec, id: NodeId) -> Option<u64> {
    if machine.cxl.iter().any(|window| window.node == id) {
        return Some(KMEM_ADISTANCE);
    }
    let node = machine.nodes.iter().find(|node| node.id == id && node.memory.0 > 0)?;
    Some(match node.from {
        Some(from) if node.cpus.is_empty() => adistance(from.latency, from.bandwidth, dram(machine)),
        None if node.soft_reserved => KMEM_ADISTANCE,
        _ => DRAM_ADISTANCE,
    })
}

/// The tier's number, as in `memory_tierN`.
pub fn of(adistance: u64) -> u64 {
    adistance / TIER
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(latency: u64, gib: u64) -> (u64, u64) {
        let adistance = adistance(Nanos(latency), Bytes(gib << 30), DRAM);
        (adistance, of(adistance))
    }

    #[test]
    fn the_formula_gives_what_a_booted_kernel_showed() {
        assert_eq!(tier(100, 10), (576, 4));
        assert_eq!(tier(110, 10), (633, 4));
        assert_eq!(tier(120, 9), (767, 5));
        assert_eq!(tier(150, 10), (864, 6));
        assert_eq!(tier(250, 10), (1440, 11));
        assert_eq!(tier(300, 5), (3456, 27));
    }
}
