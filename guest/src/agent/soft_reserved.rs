//! Soft-reserved memory: `dax_hmem` makes a device of it at boot, and kmem memory of that.

use super::dax::{self, LIMIT, STEP};
use super::failure::Failure;
use super::{clock, cxl};
use damonlab_protocol::plan::SoftReserved;
use std::path::PathBuf;

/// Puts the memory of one node online, and checks that the node has all of it.
pub fn bring_up(plan: &SoftReserved) -> Result<(), Failure> {
    let named = |error: Failure| format!("soft-reserved memory of {}: {error}", plan.node);
    let online = || {
        let devices = clock::poll(STEP, LIMIT, || devices(plan)).ok_or_else(missing)?;
        devices.iter().try_for_each(|dax| dax::put_online(dax))?;
        dax::check_memory(plan.node, plan.size)
    };
    online().map_err(|error| named(error).into())
}

/// A node on both sides of the hole below 4 GiB has two.
fn devices(plan: &SoftReserved) -> Option<Vec<PathBuf>> {
    let found: Vec<PathBuf> =
        dax::of_node(plan.node).into_iter().filter(|dax| !cxl::is_below_region(dax)).collect();
    (!found.is_empty()).then_some(found)
}

fn missing() -> String {
    let found: Vec<String> = dax::devices()
        .iter()
        .map(|dax| {
            let node = dax::node_of(dax).map_or("no node".to_owned(), |node| node.to_string());
            let driver = if dax::is_memory(dax) { "kmem" } else { "another driver or none" };
            format!("{} of {node} with {driver}", dax.display())
        })
        .collect();
    let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
    format!("no kmem device after {} s; DAX devices: {found}", LIMIT.0 / 1_000_000_000)
}
