//! The regions that are committed, as sysfs shows them.

use super::region::dax_of;
use super::tree::{BUS, link, serial_below, value};
use crate::agent::{dax, files, speed};
use damonlab_protocol::machine_view::RegionView;
use damonlab_protocol::units::{Bytes, NodeId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every region with a DAX device, by that one's node.
pub fn regions() -> BTreeMap<NodeId, RegionView> {
    all().iter().filter_map(|path| region(path)).collect()
}

/// The folder of every region.
fn all() -> Vec<PathBuf> {
    let indices = files::numbered::<u64>(BUS, "region").into_iter();
    indices.filter_map(|index| link(Path::new(BUS).join(format!("region{index}")))).collect()
}

fn region(region: &Path) -> Option<(NodeId, RegionView)> {
    let node = dax::node_of(&dax_of(region)?)?;
    // A region is a child of the root decoder that it was made by.
    let window = region.parent()?;
    let number = |folder: &Path, name: &str| value(folder.join(name)).unwrap_or(0);
    let ways = |folder: &Path| u32::try_from(number(folder, "interleave_ways")).unwrap_or(0);
    let targets = (0..ways(region)).map(|position| region.join(format!("target{position}")));
    let serial = |target| serial_below(&files::read_line(target).ok()?);
    let view = RegionView {
        window: Bytes(number(window, "size")),
        window_ways: ways(window),
        size: Bytes(number(region, "size")),
        ways: ways(region),
        granularity: if ways(region) > 1 { number(region, "interleave_granularity") } else { 0 },
        serials: targets.map(|target| serial(target).unwrap_or(0)).collect(),
        // Every region has the files; they are empty where no port describes how far away the region is.
        speed: Some(speed::read(&region.join("access0"))).filter(|speed| speed.read_latency > 0),
    };
    Some((node, view))
}

/// Whether a DAX device is made of a CXL region.
pub fn is_below_region(dax: &Path) -> bool {
    all().iter().any(|region| dax.starts_with(region))
}
