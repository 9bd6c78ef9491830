//! From the devices of a region to an online node.

use super::region::{self, dax_of};
use super::tree::{Device, Window};
use crate::agent::clock;
use crate::agent::dax::{self, LIMIT, STEP};
use crate::agent::failure::Failure;
use damonlab_protocol::plan::CxlRegion;

/// Brings one region up, and checks that it became the node of the plan.
pub fn bring_up(plan: &CxlRegion) -> Result<(), Failure> {
    let serials: Vec<String> = plan.serials.iter().map(|serial| format!("{serial:#x}")).collect();
    let named = |error: Failure| format!("CXL region of the devices {}: {error}", serials.join(", "));
    assemble(plan).map_err(|error| named(error).into())
}

fn assemble(plan: &CxlRegion) -> Result<(), Failure> {
    let devices =
        plan.serials.iter().map(|serial| Device::wait_for(*serial)).collect::<Result<Vec<_>, _>>()?;
    let window = Window::over(&devices)?;
    let region = region::make(&window, &devices, plan)?;
    let dax = clock::poll(STEP, LIMIT, || dax_of(&region)).ok_or_else(|| {
        format!("no kmem device appeared under {} within {} s", region.display(), LIMIT.0 / 1_000_000_000)
    })?;
    dax::put_online(&dax)?;
    match dax::node_of(&dax) {
        Some(node) if node == plan.node => dax::check_memory(node, plan.size()),
        Some(node) => Err(format!("the region became {node}, the plan wants {}", plan.node).into()),
        None => Err(format!("{} belongs to no node", dax.display()).into()),
    }
}
