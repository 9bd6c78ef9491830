//! A region, assembled in a window: the order of the writes is the kernel's (`drivers/cxl/core/region.c`).

use super::tree::{BUS, Device, Window, link};
use crate::agent::failure::Failure;
use crate::agent::{dax, files};
use damonlab_protocol::plan::CxlRegion;
use std::path::{Path, PathBuf};

const BIND: &str = "/sys/bus/cxl/drivers/cxl_region/bind";

/// Any granularity does for one way; this is the smallest.
const SMALLEST: u64 = 256;

/// Makes the region of all devices in their order and commits it.
pub fn make(window: &Window, devices: &[Device], plan: &CxlRegion) -> Result<PathBuf, Failure> {
    let create = window.decoder.join("create_ram_region");
    let name = files::read_line(&create)?;
    files::write(&create, &name)?;
    let region = Path::new(BUS).join(&name);
    let region = link(&region).ok_or_else(|| format!("{} did not appear", region.display()))?;
    files::write(region.join("interleave_granularity"), &granularity(window, plan).to_string())?;
    files::write(region.join("interleave_ways"), &devices.len().to_string())?;
    for device in devices {
        files::write(device.decoder.join("mode"), "ram")?;
        files::write(device.decoder.join("dpa_size"), &plan.device.0.to_string())?;
    }
    files::write(region.join("size"), &plan.size().0.to_string())?;
    for (position, device) in devices.iter().enumerate() {
        // The window's targets take turns: position N has to be below target N modulo the window's ways
        // (`cxl_region_attach_position`). Below one host bridge any order will do: the bridge's decoder
        // gets its targets in the order of the positions (`cxl_port_setup_targets`).
        files::write(region.join(format!("target{position}")), &device.decoder_name())?;
    }
    files::write(region.join("commit"), "1")?;
    // The driver refused the region before it was committed, so it has to be bound by hand.
    if !region.join("driver").exists() {
        files::write(BIND, &name)?;
    }
    Ok(region)
}

/// A window over several host bridges dictates its own: with another the kernel refuses the region
/// (`set_interleave_granularity`). That it is the plan's is seen when the machine is compared.
fn granularity(window: &Window, plan: &CxlRegion) -> u64 {
    match window.granularity {
        Some(granularity) => granularity,
        None if plan.serials.len() > 1 => plan.granularity.0,
        None => SMALLEST,
    }
}

/// The DAX device below a region, once the kmem driver has it. `dax_cxl` registers it from a work queue.
pub fn dax_of(region: &Path) -> Option<PathBuf> {
    dax::devices().into_iter().find(|dax| dax.starts_with(region) && dax::is_memory(dax))
}
