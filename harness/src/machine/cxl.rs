//! The CXL tree as arguments of QEMU: host bridges, ports, switches, devices, windows, as in QEMU's
//! `docs/system/devices/cxl.rst`.

use super::ports::ports;
use super::qemu_number::mebibytes;
use crate::scenario::{Across, CxlWindow, MachineSpec};

/// Host bridges take bus numbers from here on, this far apart: what is below each needs some.
const FIRST_BUS: usize = 12;
const BUSES: usize = 32;

/// All of it; empty without windows.
pub(super) fn arguments(spec: &MachineSpec) -> Vec<String> {
    let mut tree = Tree::default();
    for (index, window) in spec.cxl.iter().enumerate() {
        tree.window(index, window);
    }
    // One argument for all: QEMU reads each `-machine` by itself, and in one that begins with the second window
    // the first entry of the list is missing ("Parameters 'cxl-fmw.*' used inconsistently").
    if !tree.windows.is_empty() {
        let windows = tree.windows.join(",");
        tree.add("-machine", windows);
    }
    for (domain, (bridge, _)) in ports(spec).enumerate() {
        tree.add(
            "-object",
            format!("acpi-generic-port,id=cxl-port{domain},pci-bus=cxl.{bridge},node={domain}"),
        );
    }
    tree.arguments
}

/// The proximity domains of the ports, without memory or CPUs.
pub(super) fn port_nodes(spec: &MachineSpec) -> Vec<String> {
    (0..ports(spec).count())
        .flat_map(|domain| ["-numa".to_owned(), format!("node,nodeid={domain}")])
        .collect()
}

/// A tree under construction: names are numbered through the whole machine.
#[derive(Default)]
struct Tree {
    arguments: Vec<String>,
    windows: Vec<String>,
    bridges: usize,
    root_ports: usize,
    switches: usize,
    devices: usize,
    slots: usize,
}

impl Tree {
    fn add(&mut self, option: &str, value: String) {
        self.arguments.extend([option.to_owned(), value]);
    }

    fn window(&mut self, index: usize, window: &CxlWindow) {
        let first = self.bridges + 1;
        match window.across {
            Across::Ports => {
                let bridge = self.bridge();
                for (number, device) in window.devices.iter().enumerate() {
                    let port = self.root_port(&bridge, number);
                    self.device(&port, device.size, device.serial);
                }
            }
            Across::Bridges => {
                for device in &window.devices {
                    let bridge = self.bridge();
                    let port = self.root_port(&bridge, 0);
                    self.device(&port, device.size, device.serial);
                }
            }
            Across::Switch => self.switch(window),
        }
        let targets = (first..=self.bridges).enumerate();
        self.windows.extend(targets.map(|(at, bridge)| format!("cxl-fmw.{index}.targets.{at}=cxl.{bridge}")));
        self.windows.push(format!("cxl-fmw.{index}.size={}", mebibytes(window.size())));
        if self.bridges > first {
            self.windows.push(format!(
                "cxl-fmw.{index}.interleave-granularity={}",
                granularity(window.granularity.0)
            ));
        }
    }

    /// A bridge with one root port has no decoder of its own unless `hdm_for_passthrough=on`, and needs none:
    /// it has one window, and whatever is interleaved below a switch goes through that port (run on 10.0.2).
    fn bridge(&mut self) -> String {
        self.bridges += 1;
        let name = format!("cxl.{}", self.bridges);
        let bus = FIRST_BUS + BUSES * (self.bridges - 1);
        self.add("-device", format!("pxb-cxl,bus_nr={bus},bus=pcie.0,id={name}"));
        name
    }

    fn root_port(&mut self, bridge: &str, number: usize) -> String {
        let (name, slot) = (format!("cxl-rp{}", self.root_ports), self.slot());
        self.add("-device", format!("cxl-rp,port={number},bus={bridge},id={name},chassis=0,slot={slot}"));
        self.root_ports += 1;
        name
    }

    fn switch(&mut self, window: &CxlWindow) {
        let bridge = self.bridge();
        let port = self.root_port(&bridge, 0);
        let upstream = format!("cxl-us{}", self.switches);
        self.add("-device", format!("cxl-upstream,bus={port},id={upstream}"));
        for (number, device) in window.devices.iter().enumerate() {
            let (name, slot) = (format!("cxl-ds{}-{number}", self.switches), self.slot());
            self.add(
                "-device",
                format!("cxl-downstream,port={number},bus={upstream},id={name},chassis=0,slot={slot}"),
            );
            self.device(&name, device.size, device.serial);
        }
        self.switches += 1;
    }

    /// Slots are numbered from 2 on: chassis and slot have to be a machine's only ones.
    fn slot(&mut self) -> usize {
        self.slots += 1;
        self.slots + 1
    }

    fn device(&mut self, port: &str, size: damonlab_protocol::units::Bytes, serial: u64) {
        let index = self.devices;
        let memory = backend(index);
        self.add("-object", format!("memory-backend-ram,id={memory},size={}", mebibytes(size)));
        self.add(
            "-device",
            format!("cxl-type3,bus={port},volatile-memdev={memory},id=cxl-dev{index},sn={serial:#x}"),
        );
        self.devices += 1;
    }
}

/// What QEMU calls the memory of a machine's `number`th device, from 0.
pub fn backend(number: usize) -> String {
    format!("cxl-mem{number}")
}

/// `256`, `512` or `4k`: the values that QEMU knows.
fn granularity(bytes: u64) -> String {
    if bytes < 1 << 10 { bytes.to_string() } else { format!("{}k", bytes >> 10) }
}
