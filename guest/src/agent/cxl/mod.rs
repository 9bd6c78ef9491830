//! CXL bring-up: volatile devices become an online, movable NUMA node, by sysfs writes alone.
//!
//! [`tree`] finds devices, decoders and windows, [`region`] assembles a region, [`seen`] says what there is.

mod region;
mod tree;
mod view;

pub use view::regions;

use super::dax::{self, LIMIT, STEP};
use super::{Failure, clock};
use damonlab_protocol::plan::CxlRegion;
use std::path::{Path, PathBuf};
use tree::{Device, Window};

/// Brings one region up, and checks that it became the node that the plan says.
pub fn bring_up(plan: &CxlRegion) -> Result<(), Failure> {
    let serials: Vec<String> = plan.serials.iter().map(|serial| format!("{serial:#x}")).collect();
    let said = |error: Failure| format!("CXL region of the devices {}: {error}", serials.join(", "));
    assemble(plan).map_err(|error| said(error).into())
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

/// The DAX device below a region, once the kmem driver has it. `dax_cxl` registers it from a work queue.
fn dax_of(region: &Path) -> Option<PathBuf> {
    dax::devices().into_iter().find(|dax| dax.starts_with(region) && dax::is_memory(dax))
}

/// Whether a DAX device is made of a CXL region.
pub fn is_below_region(dax: &Path) -> bool {
    view::all().iter().any(|region| dax.starts_with(region))
}
