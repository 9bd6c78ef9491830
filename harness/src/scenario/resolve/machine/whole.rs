//! The machine as a whole, and what only the whole can be checked for.

use super::{cxl, distances, hmat, nodes, placement, speed};
use crate::grammar::{At, Checked, Fault};
use crate::scenario::machine::MachineSpec;
use crate::scenario::raw_machine::{RawMachine, RawMachineRef, RawWindow};
use damonlab_protocol::units::Bytes;

/// Guests are small; more is a slip of the unit.
const MAX_MEMORY: u64 = 64 << 30;

pub(in crate::scenario) fn resolve(raw: &RawMachine) -> Checked<MachineSpec> {
    let nodes = nodes::resolve(&raw.nodes)?;
    let cxl = cxl::resolve(&raw.cxl, &raw.nodes.value)?;
    check_total(raw)?;
    let distances = distances::resolve(&raw.distances, &nodes, &cxl)?;
    let below_4g = placement::below_4g(raw.below_4g.as_ref())?;
    let machine = MachineSpec { nodes, cxl, distances, below_4g };
    hmat::check(raw, &machine)?;
    placement::check(raw, &machine)?;
    speed::check_alone(&raw.nodes.value, &machine)?;
    speed::check_wanted(raw, &machine)?;
    Ok(machine)
}

fn check_total(raw: &RawMachine) -> Checked<()> {
    let nodes = raw.nodes.value.iter().filter_map(|node| node.memory.as_ref());
    let devices = raw.cxl.iter().flat_map(RawWindow::sizes);
    let mut total = 0u64;
    for size in nodes.chain(devices) {
        total = total.saturating_add(size.value.0.0);
        if total > MAX_MEMORY {
            let message = format!(
                "the machine's memory adds up to more than {} here, and the host has to hold it",
                Bytes(MAX_MEMORY)
            );
            return Err(Fault::at(size, message));
        }
    }
    Ok(())
}

/// On virtual time a machine has one CPU. With more, seven runs of six guest seconds on a loaded host gave
/// seven traces with two CPUs and six with four (QEMU 10.0.2, with `rr=record`; QEMU refuses that for `-smp
/// 2`, and takes it where the second CPU comes by `-device`). As its source reads, a timer that the main
/// loop happens to serve kicks all CPUs out of their turn (`tcg_handle_interrupt`), and one that the CPUs'
/// thread serves kicks none; whose turn it was matters as soon as there are two.
pub(in crate::scenario::resolve) fn check_virtual_time(
    raw: &At<RawMachineRef>,
    machine: &MachineSpec,
) -> Checked<()> {
    if machine.cpus() < 2 {
        return Ok(());
    }
    let message = format!("{} CPUs: on virtual time a machine has one", machine.cpus());
    let second = match &raw.value {
        RawMachineRef::Here(raw) => raw.nodes.value.iter().flat_map(|node| &node.cpus).nth(1),
        RawMachineRef::Named(_) => None,
    };
    let fault = match second {
        Some(second) => Fault::at(second, message),
        None => Fault::at(raw, message),
    };
    Err(fault.help(
        "QEMU takes turns among several at moments that the host decides, and no two runs are the \
         same; leave one CPU on node 0, or say `clock: real`",
    ))
}

/// The machine that `text` means, also one that no clock can be promised for.
#[cfg(test)]
pub(crate) fn machine_of(text: &str) -> MachineSpec {
    try_machine_of(text).unwrap()
}

/// The same, where the grammar may refuse it.
#[cfg(test)]
pub(crate) fn try_machine_of(text: &str) -> Result<MachineSpec, Box<crate::grammar::Wrong>> {
    let raw: RawMachine = serde_saphyr::from_str(text).unwrap();
    resolve(&raw).map_err(|fault| fault.inside("machine.yaml", text))
}
