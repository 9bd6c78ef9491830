//! CXL windows: one device, or several that share their addresses.

use super::limits::{MAX_NODES, nearest};
use super::speed;
use crate::grammar::{At, Checked, Fault, Number, Scalar, Size};
use crate::scenario::machine::{Across, CxlDevice, CxlWindow};
use crate::scenario::raw_machine::{RawDevice, RawNode, RawWindow};
use damonlab_protocol::units::{Bytes, NodeId};
use std::collections::BTreeMap;

/// CXL's own unit: windows, devices and decoders are multiples of it.
const CXL_UNIT: u64 = 256 << 20;

/// What an interleave may be split into here: the kernel's HDM decoders and QEMU both take these.
const WAYS: [usize; 3] = [1, 2, 4];

/// HDM decoders know 256 bytes to 16 KiB, powers of two.
const GRANULARITY: std::ops::RangeInclusive<u64> = 256..=16 << 10;

/// QEMU gives host bridges bus numbers that we choose, 32 apart from 12 on.
const MAX_BRIDGES: usize = 7;

/// The kernel's value for none, and QEMU's (`UI64_NULL`).
const NO_SERIAL: [u64; 2] = [0, u64::MAX];

pub(in crate::scenario) const ACROSS: &[&str] = &["ports", "bridges", "switch"];

pub(super) fn resolve(raw: &[RawWindow], nodes: &[RawNode]) -> Checked<Vec<CxlWindow>> {
    let mut serials = Serials::default();
    let mut windows = Vec::new();
    let mut bridges = 0;
    for (index, window) in raw.iter().enumerate() {
        check_node(window, nodes.len() + index, &windows)?;
        let spec = self::window(window, nodes, &mut serials)?;
        bridges += if spec.across == Across::Bridges { spec.devices.len() } else { 1 };
        if bridges > MAX_BRIDGES {
            return Err(Fault::at(
                &window.node,
                format!("the CXL windows up to here need {bridges} host bridges, and a machine has room for {MAX_BRIDGES}"),
            )
            .help("a window has one, and one for each device with `across: bridges`"));
        }
        windows.push(spec);
    }
    Ok(windows)
}

fn check_node(raw: &RawWindow, next: usize, windows: &[CxlWindow]) -> Checked<()> {
    let id = raw.node.value.0;
    if windows.iter().any(|window| window.node == id) {
        return Err(Fault::at(&raw.node, format!("{id} is a CXL window already: windows may not overlap"))
            .help("several devices in one window are its `devices`; another window is the next node"));
    }
    if next >= MAX_NODES {
        return Err(Fault::at(
            &raw.node,
            format!("more than {MAX_NODES} nodes; the kernel is built for no more"),
        ));
    }
    let wanted = NodeId(next as u16);
    if id == wanted {
        return Ok(());
    }
    Err(Fault::at(&raw.node, format!("a CXL window becomes {wanted} here, not {id}"))
        .help("windows are numbered after the last of `nodes`"))
}

fn window(raw: &RawWindow, nodes: &[RawNode], serials: &mut Serials) -> Checked<CxlWindow> {
    let devices = match (&raw.size, &raw.devices) {
        (Some(size), None) => vec![device(size, raw.serial.as_ref(), serials)?],
        (None, Some(devices)) => self::devices(devices, raw, serials)?,
        _ => {
            return Err(Fault::at(&raw.node, "a CXL window has either a `size` or `devices` with one each")
                .help("size: 256M, or devices: [{size: 256M}, {size: 256M}]"));
        }
    };
    let across = match &raw.across {
        None => Across::Ports,
        Some(value) => across(value, devices.len())?,
    };
    Ok(CxlWindow {
        node: raw.node.value.0,
        across,
        granularity: granularity(raw.granularity.as_ref(), across, devices.len())?,
        port: raw.port.as_ref().map(|port| speed::from(port, nodes)).transpose()?,
        devices,
    })
}

fn devices(raw: &At<Vec<RawDevice>>, window: &RawWindow, serials: &mut Serials) -> Checked<Vec<CxlDevice>> {
    if !WAYS.contains(&raw.value.len()) {
        return Err(Fault::at(raw, format!("a window of {} devices", raw.value.len()))
            .help("1, 2 or 4: an interleave is a power of two"));
    }
    if let Some(serial) = &window.serial {
        return Err(Fault::at(serial, "the serial numbers of `devices` stand with each of them")
            .help("devices: [{size: 256M, serial: 7}, {size: 256M, serial: 8}]"));
    }
    let devices = raw
        .value
        .iter()
        .map(|one| device(&one.size, one.serial.as_ref(), serials))
        .collect::<Checked<Vec<CxlDevice>>>()?;
    let first = devices.first().map(|device| device.size);
    match raw.value.iter().find(|device| Some(device.size.value.0) != first) {
        Some(other) => Err(Fault::at(
            &other.size,
            format!(
                "an interleave of unequal devices: {} beside {}",
                other.size.value.0,
                first.unwrap_or_default()
            ),
        )
        .help(
            "every second piece would have nowhere to go; make them equal, or give each a window of its own",
        )),
        None => Ok(devices),
    }
}

fn device(size: &At<Size>, serial: Option<&At<Number>>, serials: &mut Serials) -> Checked<CxlDevice> {
    check_size(size)?;
    Ok(CxlDevice { size: size.value.0, serial: serials.take(size, serial)? })
}

/// The serial numbers so far, with the number of the device that has each.
#[derive(Default)]
struct Serials(BTreeMap<u64, usize>);

impl Serials {
    /// The serial number of the next device: its own, or its place in the machine, from 1.
    fn take(&mut self, size: &At<Size>, own: Option<&At<Number>>) -> Checked<u64> {
        let number = self.0.len() + 1;
        let serial = own.map_or(number as u64, |serial| serial.value.0);
        let wrong = |message: String| match own {
            Some(place) => Fault::at(place, message),
            None => Fault::at(size, message),
        };
        if NO_SERIAL.contains(&serial) {
            return Err(wrong(format!("{serial} means that a CXL device has no serial number"))
                .help("any other number; without `serial` it is the device's place in the machine, from 1"));
        }
        match self.0.insert(serial, number) {
            Some(other) => Err(wrong(format!(
                "CXL device {number} would have the serial number {serial}, which is device {other}'s"
            ))
            .help("a device is in one window alone, and is known by its `serial`; without one that is its place in the machine, from 1")),
            None => Ok(serial),
        }
    }
}

fn check_size(raw: &At<Size>) -> Checked<()> {
    let size = raw.value.0;
    if size.0 == 0 || !size.0.is_multiple_of(CXL_UNIT) {
        return Err(Fault::at(raw, format!("CXL memory comes in units of 256 MiB, and this is {size}"))
            .help(format!("the nearest is {}", nearest(size, CXL_UNIT))));
    }
    Ok(())
}

fn across(raw: &At<Scalar>, devices: usize) -> Checked<Across> {
    let across = match raw.value.0.as_str() {
        "ports" => Across::Ports,
        "bridges" => Across::Bridges,
        "switch" => Across::Switch,
        other => {
            return Err(Fault::at(raw, format!("devices are never across '{other}'")).known(other, ACROSS));
        }
    };
    match across {
        Across::Bridges if devices == 1 => {
            Err(Fault::at(raw, "one device cannot be across several host bridges")
                .help("leave `across` out, or give the window 2 or 4 `devices`"))
        }
        _ => Ok(across),
    }
}

fn granularity(raw: Option<&At<Size>>, across: Across, devices: usize) -> Checked<Bytes> {
    let default = if across == Across::Bridges { 4 << 10 } else { 256 };
    let Some(place) = raw else { return Ok(Bytes(default)) };
    let bytes = place.value.0;
    if devices == 1 {
        return Err(Fault::at(place, "a granularity without an interleave: the window has one device")
            .help("leave `granularity` out, or give the window 2 or 4 `devices`"));
    }
    if !bytes.0.is_power_of_two() || !GRANULARITY.contains(&bytes.0) {
        return Err(Fault::at(place, format!("an interleave granularity of {bytes}"))
            .help("a power of two from 256B to 16K"));
    }
    let most = most_granularity(across, devices);
    if bytes > most {
        let message = format!("an interleave granularity of {bytes} over {devices} devices");
        return Err(Fault::at(place, message).help(format!("{most} at most: the kernel refuses more here")));
    }
    Ok(bytes)
}

/// Endpoint decoders interleave by address bits 8 to 14 (`check_interleave_cap`), so granularity times ways is
/// 32 KiB at most. Across host bridges that product is the granularity of each bridge's own decoder, which has
/// 16 KiB at most (`cxl_port_setup_targets`). Linux 7.3 on QEMU 10.0.2 answered ENXIO to the one (4 devices,
/// 16 KiB) and EINVAL to the other (2 of 16 KiB, 4 of 8 KiB), and took one step less of each.
fn most_granularity(across: Across, devices: usize) -> Bytes {
    let product: u64 = if across == Across::Bridges { 16 << 10 } else { 32 << 10 };
    Bytes((product / devices as u64).min(16 << 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_granularity_is_the_one_that_a_kernel_took() {
        let most = |across, devices| most_granularity(across, devices).0 >> 10;
        assert_eq!([most(Across::Ports, 2), most(Across::Ports, 4)], [16, 8]);
        assert_eq!([most(Across::Switch, 2), most(Across::Switch, 4)], [16, 8]);
        assert_eq!([most(Across::Bridges, 2), most(Across::Bridges, 4)], [8, 4]);
    }
}
