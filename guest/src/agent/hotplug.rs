//! A node's memory taken away while the guest runs, and put back: whole DAX devices, as kmem has them.

use super::dax;
use super::failure::Failure;
use super::files::FileError;
use super::{clock, files, topology};
use damonlab_protocol::plan::Plan;
use damonlab_protocol::units::{Bytes, Nanos, NodeId};
use nix::errno::Errno;
use std::path::{Path, PathBuf};

/// How long the kernel is given to empty a device, tries and all.
const LIMIT: Nanos = Nanos(10_000_000_000);
/// How long it is given among steps at once, where nothing has to come of it.
const TRY_LIMIT: Nanos = Nanos(1_000_000_000);
/// From one try to the next.
const STEP: Nanos = Nanos(50_000_000);

/// The fields of `nodeN/meminfo` that show what keeps a node's memory.
const KEEPERS: &[&str] =
    &["AnonPages", "FilePages", "Mlocked", "Unevictable", "Slab", "PageTables", "KernelStack"];

/// Takes all memory of a node away; its pages move elsewhere first, whoever they belong to.
pub fn offline(node: NodeId) -> Result<(), Failure> {
    let end = Nanos(clock::now().0.saturating_add(LIMIT.0));
    for device in devices(node)? {
        unplug(&device, end).map_err(|error| still_there(node, &error))?;
    }
    dax::check_memory(node, Bytes(0))
}

/// Tries once to take each of a node's devices away, for a moment: the errno names with which the kernel refused.
pub fn try_offline(node: NodeId) -> Result<Vec<String>, Failure> {
    let mut refused = Vec::new();
    for device in devices(node)? {
        refused.extend(refusal(clock::interrupted_after(TRY_LIMIT, || dax::unplug(&device))?)?);
    }
    Ok(refused)
}

/// Tries once to put each of them back.
pub fn try_online(node: NodeId) -> Result<Vec<String>, Failure> {
    let mut refused = Vec::new();
    for device in devices(node)? {
        refused.extend(refusal(dax::put_online(&device))?);
    }
    Ok(refused)
}

/// The errno name, where the kernel refused a read or a write; any other failure is one.
fn refusal(result: Result<(), Failure>) -> Result<Option<String>, Failure> {
    let Err(error) = result else { return Ok(None) };
    match error.downcast_ref::<FileError>() {
        Some(refused) => Ok(Some(files::errno_name(refused.errno))),
        None => Err(error),
    }
}

/// Puts it back, and checks that the node has all of it again.
pub fn online(node: NodeId, plan: &Plan) -> Result<(), Failure> {
    for device in devices(node)? {
        dax::put_online(&device)?;
    }
    dax::check_memory(node, memory_of(node, plan))
}

fn devices(node: NodeId) -> Result<Vec<PathBuf>, Failure> {
    let devices = dax::of_node(node);
    if devices.is_empty() {
        return Err(format!(
            "{node} has no kmem device, so its memory can be neither taken away nor put back"
        )
        .into());
    }
    Ok(devices)
}

/// Tries until `end`. A try that cannot move a page goes on for ever (`offline_pages`), so a signal ends it.
fn unplug(device: &Path, end: Nanos) -> Result<(), Failure> {
    loop {
        let left = Nanos(end.0.saturating_sub(clock::now().0));
        let result = clock::interrupted_after(left, || dax::unplug(device))?;
        match result {
            Err(error) if may_pass(&*error) && clock::now() < end => clock::sleep(STEP),
            other => return other,
        }
    }
}

/// A page that is held for a moment.
fn may_pass(error: &(dyn std::error::Error + 'static)) -> bool {
    let errno = error.downcast_ref::<FileError>().map(|error| error.errno);
    matches!(errno, Some(Errno::EBUSY | Errno::EAGAIN | Errno::ENOMEM))
}

fn still_there(node: NodeId, error: &Failure) -> String {
    let meminfo = topology::meminfo(node).unwrap_or_default();
    let kept: Vec<String> = KEEPERS
        .iter()
        .filter_map(|name| Some((name, meminfo.get(*name).filter(|size| size.0 > 0)?)))
        .map(|(name, size)| format!("{name} {size}"))
        .collect();
    let kept = if kept.is_empty() { "nothing that meminfo counts".to_owned() } else { kept.join(", ") };
    format!("{node} cannot be taken away within {LIMIT}: {error}; still on it: {kept}")
}

fn memory_of(node: NodeId, plan: &Plan) -> Bytes {
    let regions = plan.cxl.iter().filter(|region| region.node == node).map(|region| region.size().0);
    let reserved = plan.soft_reserved.iter().filter(|memory| memory.node == node).map(|memory| memory.size.0);
    Bytes(regions.chain(reserved).sum())
}
