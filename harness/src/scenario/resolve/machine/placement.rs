//! Addresses: where the 4 GiB hole is, and whether soft-reserved memory is clear of its edge.

use super::limits::MEMORY_BLOCK;
use crate::grammar::{At, Checked, Fault, Size};
use crate::scenario::machine::MachineSpec;
use crate::scenario::raw_machine::RawMachine;
use damonlab_protocol::units::Bytes;

/// QEMU's q35 keeps 768 MiB below 4 GiB for devices, more where there is more RAM (`pc_q35_init`).
const MOST_BELOW_4G: u64 = 0x8000_0000;

pub(super) fn below_4g(raw: Option<&At<Size>>) -> Checked<Option<Bytes>> {
    let Some(place) = raw else { return Ok(None) };
    let size = place.value.0;
    if size.0 == 0 || !size.0.is_multiple_of(MEMORY_BLOCK) || size.0 > MOST_BELOW_4G {
        return Err(Fault::at(place, format!("{size} of RAM below the hole that ends at 4 GiB"))
            .help("a multiple of 128M, 2G at most"));
    }
    Ok(Some(size))
}

/// Firmware keeps the last pages of RAM below 4 GiB for itself, and `dax_hmem` takes whole ranges only.
pub(super) fn check(raw: &RawMachine, machine: &MachineSpec) -> Checked<()> {
    check_first(raw, machine)?;
    let (Some(place), Some(hole)) = (&raw.below_4g, machine.below_4g) else { return Ok(()) };
    let mut start = 0u64;
    for node in &machine.nodes {
        let end = start.saturating_add(node.memory.0);
        if node.soft_reserved && start < hole.0 && end >= hole.0 {
            let message =
                format!("{} would end at or span the 4 GiB hole, where firmware keeps some pages", node.id);
            return Err(Fault::at(place, message)
                .help("leave `below_4g` out: soft-reserved nodes are then put above 4 GiB"));
        }
        start = end;
    }
    if start <= hole.0 {
        let message = format!("the nodes have {} in all, so no RAM is above the hole", Bytes(start));
        return Err(Fault::at(place, message).help("make it less, or leave it out"));
    }
    Ok(())
}

/// RAM at address 0 is what the machine boots in.
fn check_first(raw: &RawMachine, machine: &MachineSpec) -> Checked<()> {
    let first = machine.nodes.iter().find(|node| node.memory.0 > 0);
    let place = raw.nodes.value.iter().find(|node| Some(node.id.value.0) == first.map(|node| node.id));
    match (first, place.and_then(|node| node.soft_reserved.as_ref())) {
        (Some(node), Some(place)) if node.soft_reserved => Err(Fault::at(
            place,
            format!("{} is the first with memory, and the machine boots in it", node.id),
        )
        .help("put a node whose memory is there from boot on before it")),
        _ => Ok(()),
    }
}
