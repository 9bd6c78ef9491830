//! The machine: do its nodes, CPUs, distances and speeds make a machine that QEMU and the kernel
//! take, and in which slow memory is a tier of its own?

use crate::scenario::error::{Checked, Fault};
use crate::scenario::machine::{CxlDevice, From, MachineSpec, NodeSpec};
use crate::scenario::raw::{At, RawCxl, RawDistance, RawFrom, RawMachine, RawNode};
use crate::scenario::tier;
use crate::scenario::units::{Node, Number, Rate, Size, Time};
use damonlab_guest::units::{Bytes, Nanos, NodeId};
use std::collections::BTreeMap;

/// The kernel's memory block on x86 below 64 GiB: hotplug and `/proc/iomem` deal in these.
const MEMORY_BLOCK: u64 = 128 << 20;

/// CXL's own unit: windows, devices and decoders are multiples of it.
const CXL_UNIT: u64 = 256 << 20;

/// `NODES_SHIFT=4` in this project's kernels.
const MAX_NODES: usize = 16;

/// `NR_CPUS=8` in this project's kernels.
const MAX_CPUS: usize = 8;

/// Guests are small; more is a slip of the unit.
const MAX_MEMORY: u64 = 64 << 30;

/// An entry of an HMAT table is 16 bits, the largest being reserved.
const MAX_HMAT_ENTRY: u64 = 65_534;

/// ACPI SLIT: 10 is local, and Linux drops the whole table if another entry is not above it.
const LOCAL_DISTANCE: u64 = 10;

pub(super) fn resolve(raw: &RawMachine) -> Checked<MachineSpec> {
    let nodes = nodes(&raw.nodes)?;
    let cxl = cxl(&raw.cxl, &nodes)?;
    let distances = distances(&raw.distances, &nodes, &cxl)?;
    let machine = MachineSpec { nodes, cxl, distances };
    check_tiers(&raw.nodes.value, &machine)?;
    Ok(machine)
}

fn nodes(raw: &At<Vec<RawNode>>) -> Checked<Vec<NodeSpec>> {
    if raw.value.is_empty() {
        return Err(Fault::at(raw, "a machine needs a node"));
    }
    if raw.value.len() > MAX_NODES {
        return Err(Fault::at(
            raw,
            format!("{} nodes; the kernel is built for {MAX_NODES}", raw.value.len()),
        ));
    }
    let mut by_id = BTreeMap::new();
    for node in &raw.value {
        let spec = self::node(node, &raw.value)?;
        if by_id.insert(spec.id, spec).is_some() {
            return Err(Fault::at(&node.id, format!("{} stands here twice", node.id.value.0)));
        }
    }
    for node in &raw.value {
        if usize::from(node.id.value.0.0) >= raw.value.len() {
            let message =
                format!("{} leaves a gap: ids go from 0 to {}", node.id.value.0, raw.value.len() - 1);
            return Err(Fault::at(&node.id, message));
        }
    }
    check_cpus(&raw.value)?;
    check_total(&raw.value)?;
    Ok(by_id.into_values().collect())
}

fn node(raw: &RawNode, all: &[RawNode]) -> Checked<NodeSpec> {
    let memory = raw.memory.value.0;
    if memory.0 == 0 || !memory.0.is_multiple_of(MEMORY_BLOCK) {
        return Err(Fault::at(
            &raw.memory,
            format!("a node's memory comes in blocks of 128 MiB, and this is {memory}"),
        )
        .help(format!("the nearest is {}", nearest(memory, MEMORY_BLOCK))));
    }
    let cpus = raw.cpus.iter().map(cpu).collect::<Checked<Vec<u32>>>()?;
    let from = raw.from.as_ref().map(|from| self::from(from, raw, all)).transpose()?;
    Ok(NodeSpec { id: raw.id.value.0, memory, cpus, from })
}

fn nearest(size: Bytes, unit: u64) -> Bytes {
    Bytes((size.0.saturating_add(unit / 2) / unit).max(1).saturating_mul(unit))
}

fn cpu(raw: &At<Number>) -> Checked<u32> {
    match u32::try_from(raw.value.0) {
        Ok(cpu) if (cpu as usize) < MAX_CPUS => Ok(cpu),
        _ => Err(Fault::at(raw, format!("CPU {}: the kernel is built for {MAX_CPUS}", raw.value.0))),
    }
}

fn check_cpus(nodes: &[RawNode]) -> Checked<()> {
    let mut owners = BTreeMap::new();
    for node in nodes {
        for cpu in &node.cpus {
            if let Some(owner) = owners.insert(cpu.value.0, node.id.value.0) {
                return Err(Fault::at(cpu, format!("CPU {} is on {owner} already", cpu.value.0)));
            }
        }
    }
    let count = owners.len() as u64;
    for cpu in nodes.iter().flat_map(|node| &node.cpus) {
        if cpu.value.0 >= count {
            let message =
                format!("CPU {} leaves a gap: {count} CPUs are numbered 0 to {}", cpu.value.0, count - 1);
            return Err(Fault::at(cpu, message));
        }
    }
    match nodes.iter().find(|node| node.id.value.0 == NodeId(0)) {
        Some(zero) if zero.cpus.is_empty() => {
            Err(Fault::at(&zero.id, "node 0 needs a CPU: the kernel boots there").help("add cpus: [0]"))
        }
        _ => Ok(()),
    }
}

/// On virtual time a machine has one CPU. With more, seven runs of six guest seconds on a loaded host gave
/// seven traces with two CPUs and six with four (QEMU 10.0.2, with `rr=record`; QEMU refuses that for `-smp
/// 2`, and takes it where the second CPU comes by `-device`). As its source reads, a timer that the main
/// loop happens to serve kicks all CPUs out of their turn (`tcg_handle_interrupt`), and one that the CPUs'
/// thread serves kicks none; whose turn it was matters as soon as there are two.
pub(super) fn check_virtual_time(raw: &RawMachine) -> Checked<()> {
    let cpus: Vec<_> = raw.nodes.value.iter().flat_map(|node| &node.cpus).collect();
    match cpus.get(1) {
        Some(second) => {
            let message = format!("{} CPUs: on virtual time a machine has one", cpus.len());
            Err(Fault::at(second, message).help(
                "QEMU takes turns among several at moments that the host decides, and no two runs are the \
                 same; leave one CPU on node 0, or say `clock: real`",
            ))
        }
        None => Ok(()),
    }
}

fn check_total(nodes: &[RawNode]) -> Checked<()> {
    let mut total = 0u64;
    for node in nodes {
        total = total.saturating_add(node.memory.value.0.0);
        if total > MAX_MEMORY {
            let message = format!(
                "the nodes come to more than {}, and a guest takes what its machine says",
                Bytes(MAX_MEMORY)
            );
            return Err(Fault::at(&node.memory, message));
        }
    }
    Ok(())
}

fn from(raw: &RawFrom, node: &RawNode, all: &[RawNode]) -> Checked<From> {
    let initiator = raw.node.value.0;
    let Some(found) = all.iter().find(|other| other.id.value.0 == initiator) else {
        return Err(Fault::at(&raw.node, format!("there is no {initiator}")));
    };
    if found.cpus.is_empty() {
        return Err(Fault::at(&raw.node, format!("{initiator} has no CPU, so nothing is seen from there"))
            .help("`from` names the node whose CPUs the latency and the bandwidth are for"));
    }
    if !node.cpus.is_empty() && initiator != node.id.value.0 {
        return Err(Fault::at(&raw.node, format!("{} has CPUs of its own", node.id.value.0))
            .help("a node with CPUs can only say how fast it is from itself"));
    }
    let latency = raw.latency.value.0;
    if latency.0 == 0 {
        return Err(Fault::at(&raw.latency, "a latency of 0: the kernel takes that for 'not given'")
            .help("DRAM is 100ns here, a slow node for instance 300ns"));
    }
    if latency.0 > MAX_HMAT_ENTRY {
        return Err(Fault::at(&raw.latency, format!("{latency} does not fit an HMAT table"))
            .help(format!("{MAX_HMAT_ENTRY}ns at most")));
    }
    let bandwidth = check_bandwidth(&raw.bandwidth)?;
    Ok(From { node: initiator, latency, bandwidth })
}

fn check_bandwidth(raw: &At<Rate>) -> Checked<Bytes> {
    let bandwidth = raw.value.0;
    if bandwidth.0 == 0 || !bandwidth.0.is_multiple_of(Bytes::MIB.0) {
        return Err(Fault::at(
            raw,
            format!("HMAT counts bandwidth in MiB a second, and this is {bandwidth}"),
        )
        .help(format!("the nearest is {}", nearest(bandwidth, Bytes::MIB.0))));
    }
    if bandwidth.0 / Bytes::MIB.0 > MAX_HMAT_ENTRY {
        return Err(Fault::at(raw, format!("{bandwidth} a second does not fit an HMAT table"))
            .help(format!("{MAX_HMAT_ENTRY}M at most")));
    }
    Ok(bandwidth)
}

fn cxl(raw: &[RawCxl], nodes: &[NodeSpec]) -> Checked<Vec<CxlDevice>> {
    if let Some(second) = raw.get(1) {
        return Err(Fault::at(&second.node, "more than one CXL device: not yet")
            .help("one volatile device behind one window is what damonlab can bring up today"));
    }
    let mut devices = Vec::new();
    for (index, device) in raw.iter().enumerate() {
        let wanted = NodeId((nodes.len() + index) as u16);
        if device.node.value.0 != wanted {
            let message = format!("a CXL window becomes {wanted} here, not {}", device.node.value.0);
            return Err(
                Fault::at(&device.node, message).help("windows are numbered after the last of `nodes`")
            );
        }
        check_cxl_size(&device.size)?;
        let serial = device.serial.as_ref().map_or(index as u64 + 1, |serial| serial.value.0);
        if let (0, Some(place)) = (serial, &device.serial) {
            return Err(Fault::at(place, "a CXL device without a serial number has 0; give another"));
        }
        devices.push(CxlDevice { node: wanted, size: device.size.value.0, serial });
    }
    Ok(devices)
}

fn check_cxl_size(raw: &At<Size>) -> Checked<()> {
    let size = raw.value.0;
    if size.0 == 0 || !size.0.is_multiple_of(CXL_UNIT) {
        return Err(Fault::at(raw, format!("CXL memory comes in units of 256 MiB, and this is {size}"))
            .help(format!("the nearest is {}", nearest(size, CXL_UNIT))));
    }
    if size.0 > MAX_MEMORY {
        return Err(Fault::at(raw, format!("{size} is more than {}", Bytes(MAX_MEMORY))));
    }
    Ok(())
}

fn distances(
    raw: &[RawDistance],
    nodes: &[NodeSpec],
    cxl: &[CxlDevice],
) -> Checked<BTreeMap<(NodeId, NodeId), u8>> {
    let mut given = BTreeMap::new();
    for line in raw {
        for end in [&line.from, &line.to] {
            check_distance_end(end, nodes, cxl)?;
        }
        let pair = (line.from.value.0, line.to.value.0);
        let distance = distance(line)?;
        if given.insert(pair, distance).is_some() {
            return Err(Fault::at(
                &line.from,
                format!("the distance from {} to {} stands here twice", pair.0, pair.1),
            ));
        }
    }
    let back: Vec<_> = given.iter().map(|((from, to), distance)| ((*to, *from), *distance)).collect();
    for (pair, distance) in back {
        given.entry(pair).or_insert(distance);
    }
    if !given.is_empty() {
        given.extend(nodes.iter().map(|node| ((node.id, node.id), LOCAL_DISTANCE as u8)));
    }
    Ok(given)
}

fn check_distance_end(end: &At<Node>, nodes: &[NodeSpec], cxl: &[CxlDevice]) -> Checked<()> {
    let id = end.value.0;
    if cxl.iter().any(|device| device.node == id) {
        return Err(Fault::at(end, format!("{id} is a CXL window, which has no row in the SLIT"))
            .help("the kernel gives it 20 from everywhere"));
    }
    if nodes.iter().any(|node| node.id == id) {
        Ok(())
    } else {
        Err(Fault::at(end, format!("there is no {id}")))
    }
}

fn distance(line: &RawDistance) -> Checked<u8> {
    let distance = line.distance.value.0;
    let local = line.from.value.0 == line.to.value.0;
    match u8::try_from(distance) {
        Ok(10) if local => Ok(10),
        _ if local => Err(Fault::at(&line.distance, format!("a node is 10 from itself, not {distance}"))),
        Ok(distance @ 11..=254) => Ok(distance),
        _ => Err(Fault::at(&line.distance, format!("a distance of {distance} to another node"))
            .help("11 to 254: Linux drops the whole table for 10 or less, and 255 means out of reach")),
    }
}

/// Slow memory must leave DRAM's tier, and DRAM nodes must be alike, or the kernel drops the lot.
fn check_tiers(raw: &[RawNode], machine: &MachineSpec) -> Checked<()> {
    let dram = tier::dram(machine);
    for node in &machine.nodes {
        let Some(place) = raw.iter().find(|raw| raw.id.value.0 == node.id).and_then(|raw| raw.from.as_ref())
        else {
            continue;
        };
        let Some(from) = node.from else { continue };
        if !node.cpus.is_empty() {
            check_alike(node, &from, dram, &place.latency)?;
            continue;
        }
        let adistance = tier::adistance(from.latency, from.bandwidth, dram);
        if tier::of(adistance) <= tier::of(tier::DRAM_ADISTANCE) {
            let message = format!(
                "{} would share DRAM's memory tier: abstract distance {adistance} is tier {}, and DRAM's {} is tier {}",
                node.id,
                tier::of(adistance),
                tier::DRAM_ADISTANCE,
                tier::of(tier::DRAM_ADISTANCE)
            );
            return Err(Fault::at(&place.latency, message).help(format!(
                "more latency or less bandwidth than DRAM's {} and {} a second, by 12 percent together; or leave `from` out",
                dram.0, dram.1
            )));
        }
    }
    Ok(())
}

/// `mt_set_default_dram_perf` drops HMAT altogether when two DRAM nodes are more than 10 % apart.
fn check_alike(node: &NodeSpec, from: &From, dram: (Nanos, Bytes), place: &At<Time>) -> Checked<()> {
    let apart = |a: u64, b: u64| u128::from(a.abs_diff(b)) * 10 > u128::from(b);
    if apart(from.latency.0, dram.0.0) || apart(from.bandwidth.0, dram.1.0) {
        let message = format!(
            "{} is DRAM, and more than 10 percent away from node 0's {} and {} a second: the kernel would ignore all HMAT",
            node.id, dram.0, dram.1
        );
        return Err(Fault::at(place, message));
    }
    Ok(())
}
