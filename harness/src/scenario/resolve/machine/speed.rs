//! Latency and bandwidth: values that HMAT can hold, and the memory tiers that come of them.

use super::limits::nearest;
use crate::grammar::{At, Checked, Fault, Number, Rate, Time};
use crate::scenario::machine::{From, MachineSpec, NodeSpec};
use crate::scenario::raw_machine::{RawFrom, RawMachine, RawNode};
use crate::scenario::tier;
use damonlab_protocol::units::{Bytes, Nanos, NodeId};

/// An entry of an HMAT table is 16 bits, the largest being reserved.
const MAX_HMAT_ENTRY: u64 = 65_534;

/// The kernel keeps an abstract distance in an `int`.
const MAX_ADISTANCE: u64 = i32::MAX as u64;

pub(super) fn of_node(raw: &RawFrom, node: &RawNode, all: &[RawNode]) -> Checked<From> {
    let from = from(raw, all)?;
    if !node.cpus.is_empty() && from.node != node.id.value.0 {
        return Err(Fault::at(&raw.node, format!("{} has CPUs of its own", node.id.value.0))
            .help("a node with CPUs can only say how fast it is from itself"));
    }
    if node.memory.is_none() {
        return Err(Fault::at(
            &raw.node,
            format!("{} has no memory that could be fast or slow", node.id.value.0),
        )
        .help("leave its `from` out, or give it memory"));
    }
    Ok(from)
}

/// Latency and bandwidth as HMAT can hold them, from a node that can see anything.
pub(super) fn from(raw: &RawFrom, all: &[RawNode]) -> Checked<From> {
    let initiator = raw.node.value.0;
    let Some(found) = all.iter().find(|other| other.id.value.0 == initiator) else {
        return Err(Fault::at(&raw.node, format!("there is no {initiator}")));
    };
    if found.cpus.is_empty() {
        return Err(Fault::at(&raw.node, format!("{initiator} has no CPU, so nothing is seen from there"))
            .help("it names the node whose CPUs the latency and the bandwidth are for"));
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

/// Slow memory must leave DRAM's tier, and DRAM nodes must be alike, or the kernel drops the lot.
pub(super) fn check_alone(raw: &[RawNode], machine: &MachineSpec) -> Checked<()> {
    let dram = tier::dram(machine);
    for node in &machine.nodes {
        let Some(place) = raw.iter().find(|raw| raw.id.value.0 == node.id).and_then(|raw| raw.from.as_ref())
        else {
            continue;
        };
        let Some(from) = node.from else { continue };
        if node.memory.0 == 0 {
            continue;
        }
        if !node.cpus.is_empty() {
            check_alike(node, &from, dram, &place.latency)?;
            continue;
        }
        let adistance = tier::distance_of(machine, node.id).unwrap_or(tier::DRAM_ADISTANCE);
        if tier::dram_node(machine).is_none() {
            let message = format!("{} is slow beside nothing: no node has both CPUs and memory", node.id);
            return Err(Fault::at(&place.latency, message).help(
                "the kernel compares with such a node's DRAM, and puts all memory into one tier without it",
            ));
        }
        if adistance > MAX_ADISTANCE {
            let message = format!(
                "{} is too slow: its abstract distance would be {adistance}, and the kernel counts to {MAX_ADISTANCE}",
                node.id
            );
            return Err(Fault::at(&place.latency, message)
                .help(format!("DRAM is {} and {} a second here", dram.0, dram.1)));
        }
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

/// A tier that the scenario counts on has to be the one that the kernel's formula gives.
pub(super) fn check_wanted(raw: &RawMachine, machine: &MachineSpec) -> Checked<()> {
    let nodes = raw.nodes.value.iter().map(|node| (&node.id, &node.tier));
    let windows = raw.cxl.iter().map(|window| (&window.node, &window.tier));
    for (id, wanted) in nodes.chain(windows) {
        if let Some(wanted) = wanted {
            check_tier(wanted, id.value.0, machine)?;
        }
    }
    Ok(())
}

fn check_tier(wanted: &At<Number>, id: NodeId, machine: &MachineSpec) -> Checked<()> {
    let Some(distance) = tier::distance_of(machine, id) else {
        return Err(Fault::at(wanted, format!("{id} has no memory, and so no memory tier")));
    };
    let tier = tier::of(distance);
    if tier == wanted.value.0 {
        return Ok(());
    }
    let message = format!(
        "{id} will be in memory tier {tier}, not {}: its abstract distance is {distance}, and a tier is {} wide",
        wanted.value.0,
        tier::TIER
    );
    Err(Fault::at(wanted, message).help("576 * latency / DRAM's * DRAM's bandwidth / bandwidth, in whole numbers; dax/kmem memory without HMAT has 2880"))
}
