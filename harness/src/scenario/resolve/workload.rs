//! The workloads: names that can be a process's, sizes that fit their node.

use crate::grammar::{At, Checked, Fault, Given, Scalar, Size};
use crate::scenario::machine::MachineSpec;
use crate::scenario::raw::{RawTouch, RawWorkload};
use damonlab_protocol::plan::{Access, Workload};
use damonlab_protocol::units::{BasisPoints, Bytes, Nanos, NodeId};
use std::collections::BTreeMap;

/// A process's comm holds 15 bytes.
const MAX_NAME: usize = 15;

/// The values of `access`.
pub(super) const ACCESSES: &[&str] = &["read", "write"];

/// A page.
const PAGE: u64 = 4096;

/// What the kernel keeps on a node of boot memory for each page of it: a `struct page` of 64 bytes.
const PAGE_STRUCT: u64 = 64;

/// A huge page, as `huge_pages: true` asks for.
const HUGE_PAGE: u64 = 2 << 20;

pub(super) fn resolve(raw: &[RawWorkload], machine: &MachineSpec) -> Checked<Vec<Workload>> {
    let mut workloads: Vec<Workload> = Vec::new();
    let mut used: BTreeMap<NodeId, u64> = BTreeMap::new();
    for one in raw {
        check_name(&one.name)?;
        if workloads.iter().any(|known| known.name == one.name.value.0) {
            return Err(Fault::at(&one.name, format!("two workloads are named '{}'", one.name.value.0)));
        }
        let capacity = capacity(one, machine)?;
        check_size(one, capacity, used.entry(one.node.value.0).or_default())?;
        workloads.push(workload(one)?);
    }
    Ok(workloads)
}

fn check_name(name: &At<Scalar>) -> Checked<()> {
    let text = &name.value.0;
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if text.is_empty()
        || text.len() > MAX_NAME
        || !text.chars().all(sound)
        || !text.starts_with(|c: char| c.is_ascii_lowercase())
    {
        return Err(Fault::at(name, format!("'{text}' cannot name a workload"))
            .help("a lower-case letter, then letters, digits, '-' and '_', 15 in all: it becomes the process's name"));
    }
    Ok(())
}

fn capacity(raw: &RawWorkload, machine: &MachineSpec) -> Checked<Bytes> {
    let id = raw.node.value.0;
    let capacity = machine.memory_of(id).ok_or_else(|| {
        let last = machine.nodes.len() + machine.cxl.len() - 1;
        Fault::at(&raw.node, format!("there is no {id}"))
            .help(format!("the machine has the nodes 0 to {last}"))
    })?;
    match capacity {
        Bytes(0) => Err(Fault::at(&raw.node, format!("{id} has no memory for '{}'", raw.name.value.0))),
        // The page structs of memory that comes online later may lie on another node.
        capacity if machine.is_removable(id) => Ok(capacity),
        Bytes(capacity) => Ok(Bytes(capacity - capacity / PAGE * PAGE_STRUCT)),
    }
}

fn check_size(raw: &RawWorkload, capacity: Bytes, used: &mut u64) -> Checked<()> {
    let size = raw.size.value.0;
    if size.0 == 0 || !size.0.is_multiple_of(PAGE) {
        return Err(Fault::at(&raw.size, format!("a workload is whole pages of 4 KiB, and this is {size}")));
    }
    if raw.huge_pages.given_or(false) && !size.0.is_multiple_of(HUGE_PAGE) {
        return Err(Fault::at(
            &raw.size,
            format!("a workload of huge pages is whole ones of 2 MiB, and this is {size}"),
        ));
    }
    *used = used.saturating_add(size.0);
    if *used > capacity.0 {
        let id = raw.node.value.0;
        let message = if *used == size.0 {
            format!("'{}' is {size}, and {id} has {capacity}", raw.name.value.0)
        } else {
            format!(
                "with '{}' the workloads on {id} come to {}, and it has {capacity}",
                raw.name.value.0,
                Bytes(*used)
            )
        };
        return Err(Fault::at(&raw.size, message).help("that is without the 64 bytes that the kernel keeps for each page; what else it uses is not counted"));
    }
    Ok(())
}

fn workload(raw: &RawWorkload) -> Checked<Workload> {
    let (every, hot_bp, access) = match &raw.touch {
        Some(touch) => touched(touch)?,
        None => (Nanos::from_millis(1_000), BasisPoints(0), Access::Write),
    };
    Ok(Workload {
        name: raw.name.value.0.clone(),
        size: raw.size.value.0,
        node: raw.node.value.0,
        every,
        hot_bp,
        access,
        memcg: raw.memcg.as_ref().map(memcg).transpose()?,
        huge_pages: raw.huge_pages.given_or(false),
    })
}

/// A memory cgroup right below the root, as DAMON's `memcg_path` names it.
fn memcg(raw: &At<Scalar>) -> Checked<String> {
    let text = &raw.value.0;
    let sound = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match text.strip_prefix('/') {
        Some(name) if !name.is_empty() && name.len() <= 32 && name.chars().all(sound) => Ok(text.clone()),
        _ => Err(Fault::at(raw, format!("'{text}' cannot name a memory cgroup"))
            .help("'/', then letters, digits, '-' and '_', 32 in all, as in memcg_path")),
    }
}

/// Pages that are swapped out are kept in memory, compressed; a page's worth of zram is the least.
pub(super) fn swap(raw: Option<&At<Size>>, machine: &MachineSpec) -> Checked<Option<Bytes>> {
    let Some(place) = raw else { return Ok(None) };
    let size = place.value.0;
    let boot = machine.boot_node().map_or(Bytes(0), |node| node.memory);
    if size.0 < 1 << 20 || !size.0.is_multiple_of(PAGE) || size > boot {
        return Err(Fault::at(place, format!("swap of {size} to compressed memory"))
            .help(format!("whole pages, from 1M to the {boot} of the node that the kernel boots on")));
    }
    Ok(Some(size))
}

fn touched(raw: &RawTouch) -> Checked<(Nanos, BasisPoints, Access)> {
    let every = raw.every.value.0;
    if every < Nanos::from_millis(1) {
        return Err(Fault::at(
            &raw.every,
            format!("a pass every {every} would take all the time of the guest"),
        )
        .help("1ms at least; 20ms to 50ms suits 8M to 32M"));
    }
    let hot = raw.hot.given_or(BasisPoints::WHOLE);
    if let Some(place) = raw.hot.as_ref().filter(|_| hot > BasisPoints::WHOLE) {
        return Err(Fault::at(place, "more than 100 % of the workload"));
    }
    let access = match raw.access.as_ref().map(|access| (access, access.value.0.as_str())) {
        None | Some((_, "write")) => Access::Write,
        Some((_, "read")) => Access::Read,
        Some((place, other)) => {
            return Err(Fault::at(place, format!("there is no access '{other}'")).known(other, ACCESSES));
        }
    };
    Ok((every, hot, access))
}
