//! Which memory tier the kernel will put a node into: `mt_perf_to_adistance` of `mm/memory-tiers.c`.

use super::machine::{Across, CxlWindow, MachineSpec, NodeSpec};
use damonlab_protocol::units::{Bytes, Nanos, NodeId};

/// `MEMTIER_ADISTANCE_DRAM`: the abstract distance of DRAM.
pub const DRAM_ADISTANCE: u64 = 576;

/// `1 << MEMTIER_CHUNK_BITS`: how much abstract distance makes a tier.
pub const TIER: u64 = 128;

/// The abstract distance of `dax/kmem` memory without HMAT: five times DRAM's
/// (`MEMTIER_DEFAULT_DAX_ADISTANCE`).
pub const KMEM_ADISTANCE: u64 = DRAM_ADISTANCE * 5;

/// The latency and bandwidth that a DRAM node has by default.
pub const DRAM: (Nanos, Bytes) = (Nanos(100), Bytes(10 << 30));

/// How fast memory is, reads and writes apart: nanoseconds, and what HMAT and CDAT count bandwidth in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speed {
    /// In ns.
    pub read_latency: u64,
    /// In ns.
    pub write_latency: u64,
    /// In MiB a second where it comes from HMAT, in MB a second where CXL's tables are the narrowest.
    pub bandwidth: u64,
}

impl Speed {
    /// The speed in HMAT: QEMU's `access-latency` and `access-bandwidth` are reads and writes alike.
    pub fn of(latency: Nanos, bandwidth: Bytes) -> Speed {
        let mib = bandwidth.0 / Bytes::MIB.0;
        Speed { read_latency: latency.0, write_latency: latency.0, bandwidth: mib }
    }
}

/// What comes after a generic port, as Linux 7.3 showed it on QEMU 10.0.2 for ports of 8 and 60 GiB a second and
/// every way to hang one or two devices (`regionN/access0`): 2 ns for a link (32 GT/s, x16), and what QEMU's
/// built-in CDAT has for a switch and for a device.
const LINK: u64 = 2;
const CDAT_SWITCH: u64 = 150;
const CDAT_READ: u64 = 150;
const CDAT_WRITE: u64 = 250;
const CDAT_BANDWIDTH: u64 = 16_000;

/// How fast the region in a window is for the node that its port names; none without a port.
pub fn through_port(window: &CxlWindow) -> Option<Speed> {
    let port = window.port?;
    let bridges = if window.across == Across::Bridges { window.devices.len() as u64 } else { 1 };
    let way = if window.across == Across::Switch { LINK + CDAT_SWITCH + LINK } else { LINK };
    let each = CDAT_BANDWIDTH * window.devices.len() as u64 / bridges;
    Some(Speed {
        read_latency: port.latency.0 + way + CDAT_READ,
        write_latency: port.latency.0 + way + CDAT_WRITE,
        bandwidth: (port.bandwidth.0 / Bytes::MIB.0).min(each) * bridges,
    })
}

/// The DRAM that the kernel compares with: the first node with CPUs and memory (`default_dram_nodes`).
pub fn dram_node(machine: &MachineSpec) -> Option<&NodeSpec> {
    machine.nodes.iter().find(|node| node.memory.0 > 0 && !node.cpus.is_empty())
}

/// The latency and bandwidth of that DRAM.
pub fn dram(machine: &MachineSpec) -> (Nanos, Bytes) {
    dram_node(machine).and_then(|node| node.from).map_or(DRAM, |from| (from.latency, from.bandwidth))
}

/// The abstract distance of memory, in the kernel's own order of operations: integers, left to right.
pub fn adistance(memory: Speed, dram: Speed) -> u64 {
    let latency = |speed: Speed| u128::from(speed.read_latency + speed.write_latency).max(1);
    let bandwidth = |speed: Speed| u128::from(speed.bandwidth).max(1) * 2;
    let scaled =
        u128::from(DRAM_ADISTANCE) * latency(memory) / latency(dram) * bandwidth(dram) / bandwidth(memory);
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// The abstract distance of a node's memory; none for a node without memory.
pub fn distance_of(machine: &MachineSpec, id: NodeId) -> Option<u64> {
    let window = machine.cxl.iter().find(|window| window.node == id);
    let node = machine.nodes.iter().find(|node| node.id == id && node.memory.0 > 0);
    let (latency, bandwidth) = dram(machine);
    let dram = Speed::of(latency, bandwidth);
    let (speed, without) = match (window, node) {
        (Some(window), _) => (through_port(window), KMEM_ADISTANCE),
        (None, Some(node)) if node.soft_reserved => {
            // HMAT, where there is one, has a row for every node, and a node without a speed is like DRAM there.
            (own(node).or(machine.has_hmat().then_some(dram)), KMEM_ADISTANCE)
        }
        (None, Some(node)) => (own(node), DRAM_ADISTANCE),
        (None, None) => return None,
    };
    // Without a node that has both CPUs and memory there is nothing to compare with (`mt_perf_to_adistance`).
    let speed = speed.filter(|_| dram_node(machine).is_some());
    Some(speed.map_or(without, |speed| adistance(speed, dram)))
}

/// The speed that a memory-only node has in the scenario.
fn own(node: &NodeSpec) -> Option<Speed> {
    node.from.filter(|_| node.cpus.is_empty()).map(|from| Speed::of(from.latency, from.bandwidth))
}

/// The tier's number, as in `memory_tierN`.
pub fn of(adistance: u64) -> u64 {
    adistance / TIER
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(latency: u64, gib: u64) -> (u64, u64) {
        let speed = |latency: Nanos, bandwidth: Bytes| Speed::of(latency, bandwidth);
        let adistance = adistance(speed(Nanos(latency), Bytes(gib << 30)), speed(DRAM.0, DRAM.1));
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

    fn distance(window: &str) -> Option<u64> {
        let text = format!("  nodes: [{{id: 0, memory: 512M, cpus: [0]}}]\n  cxl: [{{node: 1, {window}}}]");
        distance_of(&crate::scenario::machine_of(&text), NodeId(1))
    }

    #[test]
    fn a_port_gives_a_window_the_tier_that_a_booted_kernel_showed() {
        let through = |devices: &str, bandwidth: &str| {
            let port = format!("port: {{node: 0, latency: 150ns, bandwidth: {bandwidth}}}");
            distance(&format!("{devices}, {port}")).map(of)
        };
        assert_eq!(through("size: 256M", "8G"), Some(19));
        assert_eq!(
            through("size: 256M", "60000M"),
            Some(10),
            "the device's 16 GB a second are the narrowest"
        );
        let two = |across: &str| format!("devices: [{{size: 256M}}, {{size: 256M}}], across: {across}");
        assert_eq!(through(&two("ports"), "8G"), Some(19));
        assert_eq!(through(&two("bridges"), "8G"), Some(9), "two bridges are twice as wide");
        assert_eq!(through(&two("switch"), "8G"), Some(28), "the switch takes its time");
        assert_eq!(through(&two("switch"), "60000M"), Some(7));
        assert_eq!(distance("size: 256M").map(of), Some(22), "nothing is known of it");
    }

    #[test]
    fn soft_reserved_memory_is_like_dram_where_hmat_says_nothing_else_of_it() {
        let reserved = |rest: &str| {
            let first = "{id: 0, memory: 512M, cpus: [0]}, {id: 1, memory: 256M, soft_reserved: true}";
            let spec = crate::scenario::machine_of(&format!("  nodes: [{first}{rest}]"));
            distance_of(&spec, NodeId(1)).map(of)
        };
        assert_eq!(reserved(""), Some(22));
        let slow = ", {id: 2, memory: 256M, from: {node: 0, latency: 300ns, bandwidth: 5G}}";
        assert_eq!(reserved(slow), Some(4), "as a booted kernel showed");
    }
}
