//! What needs an HMAT in the machine as a whole.

use crate::grammar::{Checked, Fault};
use crate::scenario::machine::MachineSpec;
use crate::scenario::raw_machine::RawMachine;

/// QEMU takes a cache after the latency and the bandwidth of its node.
pub(super) fn check(raw: &RawMachine, machine: &MachineSpec) -> Checked<()> {
    match raw.nodes.value.iter().find_map(|node| node.cache.as_ref()) {
        Some(cache) if !machine.has_hmat() => {
            Err(Fault::at(&cache.size, "a memory-side cache in a machine without HMAT")
                .help("give a node a `from`: {node, latency, bandwidth}"))
        }
        _ => Ok(()),
    }
}
