//! The CXL bus as sysfs shows it: devices, endpoints and decoders, found by what they are.
//!
//! No name is assumed: a device is known by its serial number, its endpoint by `uport`, the host bridge by the
//! place of the endpoint in the tree of ports, a window by the host bridges that it targets.

use crate::agent::dax::{LIMIT, STEP};
use crate::agent::failure::Failure;
use crate::agent::{clock, files};
use damonlab_protocol::kernel_text::number;
use std::fs;
use std::path::{Path, PathBuf};

/// Every device of the bus, by name.
pub const BUS: &str = "/sys/bus/cxl/devices";

/// Where a link leads, without a link on the way.
pub fn link(path: impl AsRef<Path>) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

/// A number out of a file, in either base.
pub fn value(path: impl AsRef<Path>) -> Option<u64> {
    number(&files::read(path).ok()?)
}

/// The serial number of the device that an endpoint decoder belongs to.
pub fn serial_below(decoder: &str) -> Option<u64> {
    let decoder = link(Path::new(BUS).join(decoder))?;
    value(decoder.parent()?.join("uport/serial"))
}

/// A memory device that is ready to join a region.
pub struct Device {
    /// Its endpoint, a port.
    endpoint: PathBuf,
    /// The endpoint's decoder that is free.
    pub decoder: PathBuf,
}

impl Device {
    /// The device with that serial number, once the kernel has made an endpoint of it.
    pub fn wait_for(serial: u64) -> Result<Device, Failure> {
        let endpoint = clock::poll(STEP, LIMIT, || endpoint_of(serial)).ok_or_else(|| no_device(serial))?;
        let decoder = clock::poll(STEP, LIMIT, || free_decoder_of(&endpoint)).ok_or_else(|| {
            format!("{} has no free decoder of the kind cxl_decoder_endpoint", endpoint.display())
        })?;
        Ok(Device { endpoint, decoder })
    }

    /// `decoderN.M`
    pub fn decoder_name(&self) -> String {
        name_of(&self.decoder)
    }

    /// The root of its tree, and the port below it on the way to the device: the host bridge's.
    fn root_and_bridge(&self) -> Result<(&Path, &Path), Failure> {
        let mut below = self.endpoint.as_path();
        for path in self.endpoint.ancestors().skip(1) {
            if name_of(path).starts_with("root") {
                return Ok((path, below));
            }
            below = path;
        }
        Err(format!("{} is below no CXL root", self.endpoint.display()).into())
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn memory_devices() -> Vec<String> {
    files::numbered::<u64>(BUS, "mem").into_iter().map(|index| format!("mem{index}")).collect()
}

fn serial_of(device: &str) -> Option<u64> {
    value(Path::new(BUS).join(device).join("serial"))
}

fn no_device(serial: u64) -> String {
    let found: Vec<String> = memory_devices()
        .iter()
        .map(|name| {
            let serial = serial_of(name).map_or("none".to_owned(), |serial| format!("{serial:#x}"));
            format!("{name} with {serial}")
        })
        .collect();
    let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
    format!("no endpoint for serial {serial:#x} after {} s; memory devices: {found}", LIMIT.0 / 1_000_000_000)
}

/// The endpoint port whose `uport` is the device with that serial number.
fn endpoint_of(serial: u64) -> Option<PathBuf> {
    let device = memory_devices().into_iter().find(|name| serial_of(name) == Some(serial))?;
    let device = link(Path::new(BUS).join(device))?;
    files::names(BUS)
        .into_iter()
        .filter(|name| name.starts_with("endpoint"))
        .filter_map(|name| link(Path::new(BUS).join(name)))
        .find(|endpoint| link(endpoint.join("uport")).as_ref() == Some(&device))
}

/// The first decoder of an endpoint that is free.
fn free_decoder_of(endpoint: &Path) -> Option<PathBuf> {
    let free = |decoder: &PathBuf| {
        files::read_line(decoder.join("devtype")).is_ok_and(|kind| kind == "cxl_decoder_endpoint")
            && files::read_line(decoder.join("region")).is_ok_and(|region| region.is_empty())
    };
    decoders(endpoint).into_iter().find(free)
}

fn decoders(port: &Path) -> Vec<PathBuf> {
    let names = files::names(port).into_iter();
    names.filter(|name| name.starts_with("decoder")).map(|name| port.join(name)).collect()
}

/// A window of addresses for volatile memory: a root decoder.
pub struct Window {
    /// `decoder0.N`
    pub decoder: PathBuf,
    /// The granularity of its own interleave, where it has one.
    pub granularity: Option<u64>,
}

impl Window {
    /// The free window, lowest in address, whose targets are the host bridges above these devices and no other,
    /// in the order of the devices.
    pub fn over(devices: &[Device]) -> Result<Window, Failure> {
        let mut targets: Vec<String> = Vec::new();
        let mut roots: Vec<&Path> = Vec::new();
        for device in devices {
            let (root, bridge) = device.root_and_bridge()?;
            let target = target_id(root, bridge)
                .ok_or_else(|| format!("{} is no target below {}", bridge.display(), root.display()))?;
            roots.push(root);
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        let root = *roots.first().ok_or("a region of no device")?;
        if roots.iter().any(|other| *other != root) {
            return Err("the devices are below several CXL roots".into());
        }
        let list = targets.join(",");
        let mut free: Vec<PathBuf> =
            decoders(root).into_iter().filter(|decoder| is_free_over(decoder, &list)).collect();
        free.sort_by_key(|decoder| value(decoder.join("start")));
        let decoder = free.into_iter().next().ok_or_else(|| no_window(root, &list))?;
        let ways = value(decoder.join("interleave_ways")).unwrap_or(1);
        let own = value(decoder.join("interleave_granularity"));
        Ok(Window { decoder, granularity: own.filter(|_| ways > 1) })
    }
}

/// The id of a host bridge among the targets of root decoders: `dportN` of the root leads to the bridge.
fn target_id(root: &Path, bridge_port: &Path) -> Option<String> {
    let bridge = link(bridge_port.join("parent_dport"))?;
    let names = files::names(root).into_iter();
    names
        .filter(|name| link(root.join(name)).as_ref() == Some(&bridge))
        .find_map(|name| Some(name.strip_prefix("dport")?.to_owned()))
}

fn is_free_over(decoder: &Path, targets: &str) -> bool {
    files::read_line(decoder.join("target_list")).is_ok_and(|list| list == targets)
        && decoder.join("create_ram_region").exists()
        && files::numbered::<u64>(decoder, "region").is_empty()
}

fn no_window(root: &Path, targets: &str) -> String {
    let windows: Vec<String> = decoders(root)
        .iter()
        .map(|decoder| {
            let list = files::read_line(decoder.join("target_list")).unwrap_or_default();
            let free = if files::numbered::<u64>(decoder, "region").is_empty() { "free" } else { "taken" };
            format!("{} over {list}, {free}", name_of(decoder))
        })
        .collect();
    let windows = if windows.is_empty() { "none".to_owned() } else { windows.join("; ") };
    format!("no free window for volatile memory over the host bridges {targets}; windows: {windows}")
}
