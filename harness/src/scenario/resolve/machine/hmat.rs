//! What a machine with HMAT must be like as a whole: the table names every node, and says of each how fast
//! it is.

use crate::scenario::error::{Checked, Fault};
use crate::scenario::raw_machine::RawMachine;

/// What gives a machine its HMAT, and takes it away again.
const WITHOUT: &str = "leave out every `from` and `port`";

pub(super) fn check(raw: &RawMachine) -> Checked<()> {
    let nodes = &raw.nodes.value;
    if nodes.iter().any(|node| node.from.is_some()) || raw.cxl.iter().any(|window| window.port.is_some()) {
        return check_soft_reserved(raw);
    }
    // QEMU takes a cache after the latency and the bandwidth of its node.
    match nodes.iter().find_map(|node| node.cache.as_ref()) {
        Some(cache) => Err(Fault::at(&cache.size, "a memory-side cache in a machine without HMAT")
            .help("give a node a `from`: {node, latency, bandwidth}")),
        None => Ok(()),
    }
}

/// Kmem memory has a default abstract distance only where HMAT says nothing of it
/// (`hmat_calculate_adistance`), and QEMU's table says something of every node: DRAM's speed where a scenario
/// says none.
fn check_soft_reserved(raw: &RawMachine) -> Checked<()> {
    for node in &raw.nodes.value {
        if let (Some(place), None) = (&node.soft_reserved, &node.from)
            && place.value.0
        {
            let message = format!(
                "{} does not say how fast it is, and in this machine's HMAT it would be DRAM",
                node.id.value.0
            );
            return Err(Fault::at(place, message).help(format!("give it a `from`, or {WITHOUT}")));
        }
    }
    Ok(())
}
