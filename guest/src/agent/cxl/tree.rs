//! The CXL bus as sysfs shows it: devices, endpoints and decoders, found by what they are.
//!
//! No name is assumed: a device is known by its serial number, its endpoint by `uport`, the host bridge by the
//! place of the endpoint in the tree of ports.

use crate::agent::files;
use damonlab_guest::kernel_text::number;
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

/// The names `memN` of the memory devices.
pub fn memory_devices() -> Vec<String> {
    files::numbered(BUS, "mem").into_iter().map(|index| format!("mem{index}")).collect()
}

/// The serial number of `memN`.
pub fn serial_of(device: &str) -> Option<u64> {
    value(Path::new(BUS).join(device).join("serial"))
}

/// The serial number of the device that an endpoint decoder belongs to.
pub fn serial_below(decoder: &str) -> Option<u64> {
    let decoder = link(Path::new(BUS).join(decoder))?;
    value(decoder.parent()?.join("uport/serial"))
}
