//! Nodes: ids, memory, CPUs and how firmware describes them.

use super::limits::{MAX_NODES, MEMORY_BLOCK, nearest};
use super::speed;
use crate::grammar::{At, Checked, Fault, Number};
use crate::scenario::machine::{MemorySideCache, NodeSpec};
use crate::scenario::raw_machine::{RawCache, RawNode};
use damonlab_protocol::units::{Bytes, NodeId};
use std::collections::BTreeMap;

/// `NR_CPUS=8` in this project's kernels.
const MAX_CPUS: usize = 8;

/// Caches go to QEMU in whole KiB.
const CACHE_UNIT: u64 = 1 << 10;

pub(super) fn resolve(raw: &At<Vec<RawNode>>) -> Checked<Vec<NodeSpec>> {
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
        if by_id.insert(spec.id, (spec, node)).is_some() {
            return Err(Fault::at(&node.id, format!("{} is here twice", node.id.value.0)));
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
    check_order(&by_id)?;
    check_boot(&raw.value)?;
    Ok(by_id.into_values().map(|(spec, _)| spec).collect())
}

fn node(raw: &RawNode, all: &[RawNode]) -> Checked<NodeSpec> {
    let memory = match &raw.memory {
        None => Bytes(0),
        Some(size) if size.value.0.0 == 0 || !size.value.0.0.is_multiple_of(MEMORY_BLOCK) => {
            let message = format!("a node's memory comes in blocks of 128 MiB, and this is {}", size.value.0);
            return Err(Fault::at(size, message).help(format!(
                "the nearest is {}; leave `memory` out for a node without any",
                nearest(size.value.0, MEMORY_BLOCK)
            )));
        }
        Some(size) => size.value.0,
    };
    let cpus = raw.cpus.iter().map(cpu).collect::<Checked<Vec<u32>>>()?;
    let from = raw.from.as_ref().map(|from| speed::of_node(from, raw, all)).transpose()?;
    let cache = raw.cache.as_ref().map(|cache| self::cache(cache, raw)).transpose()?;
    let soft_reserved = check_soft_reserved(raw)?;
    Ok(NodeSpec { id: raw.id.value.0, memory, soft_reserved, cpus, from, cache })
}

/// Linux numbers nodes in the order in which SRAT lists them: by CPU first, then by address
/// (`acpi_map_pxm_to_node`). Other numbers than these would not be the guest's.
fn check_order(nodes: &BTreeMap<NodeId, (NodeSpec, &RawNode)>) -> Checked<()> {
    let mut least = Some(0);
    for (spec, raw) in nodes.values() {
        let first = spec.cpus.iter().min().copied();
        if spec.memory.0 == 0 && first.is_none() {
            return Err(Fault::at(&raw.id, format!("{} has neither memory nor a CPU", spec.id))
                .help("give it `memory` or `cpus`"));
        }
        match (first, least) {
            (Some(cpu), Some(before)) if cpu >= before => least = Some(cpu),
            (None, _) => least = None,
            (Some(_), _) => {
                let message =
                    format!("{} would get another number: Linux counts nodes by their CPUs first", spec.id);
                return Err(Fault::at(&raw.id, message)
                    .help("nodes with CPUs come first, in the order of their CPUs, then those without"));
            }
        }
    }
    Ok(())
}

fn check_soft_reserved(raw: &RawNode) -> Checked<bool> {
    match &raw.soft_reserved {
        Some(place) if place.value.0 && raw.memory.is_none() => {
            Err(Fault::at(place, format!("{} has no memory that could be soft-reserved", raw.id.value.0)))
        }
        Some(place) if place.value.0 && !raw.cpus.is_empty() => {
            let message = format!("{} has CPUs, which need its memory at boot", raw.id.value.0);
            Err(Fault::at(place, message).help("give the soft-reserved memory a node of its own"))
        }
        place => Ok(place.as_ref().is_some_and(|place| place.value.0)),
    }
}

fn cache(raw: &RawCache, node: &RawNode) -> Checked<MemorySideCache> {
    let size = raw.size.value.0;
    if node.memory.is_none() {
        return Err(Fault::at(&raw.size, format!("{} has no memory to cache", node.id.value.0)));
    }
    if size.0 == 0 || !size.0.is_multiple_of(CACHE_UNIT) {
        return Err(Fault::at(&raw.size, format!("a memory-side cache of {size}"))
            .help("whole KiB, for instance 16M"));
    }
    if node.memory.as_ref().is_some_and(|memory| size > memory.value.0) {
        let message = format!("a cache of {size} in front of less memory than that");
        return Err(Fault::at(&raw.size, message).help("a memory-side cache is part of its node's memory"));
    }
    let line = match &raw.line {
        None => 64,
        Some(line) => match u16::try_from(line.value.0) {
            Ok(bytes) if bytes.is_power_of_two() && (16..=4096).contains(&bytes) => bytes,
            _ => {
                return Err(Fault::at(line, format!("a cache line of {} bytes", line.value.0))
                    .help("a power of two from 16 to 4096; 64 is the default"));
            }
        },
    };
    Ok(MemorySideCache { size, line })
}

fn cpu(raw: &At<Number>) -> Checked<u32> {
    match u32::try_from(raw.value.0) {
        Ok(cpu) if (cpu as usize) < MAX_CPUS => Ok(cpu),
        _ => Err(Fault::at(
            raw,
            format!("CPU {}: the kernel is built for {MAX_CPUS} CPUs, 0 to {}", raw.value.0, MAX_CPUS - 1),
        )),
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

fn check_boot(nodes: &[RawNode]) -> Checked<()> {
    let at_boot = |node: &RawNode| {
        node.memory.is_some() && !node.soft_reserved.as_ref().is_some_and(|reserved| reserved.value.0)
    };
    match nodes.first() {
        Some(first) if !nodes.iter().any(at_boot) => {
            Err(Fault::at(&first.id, "no node has memory that the kernel could boot in")
                .help("one node needs `memory` and no `soft_reserved: true`"))
        }
        _ => Ok(()),
    }
}
