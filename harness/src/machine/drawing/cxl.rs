//! The CXL tree, read from QEMU's own options: it cannot show another tree than the one that is built.

use super::line::{Branch, tier_of};
use crate::machine::Machine;
use crate::machine::option::QemuOption;
use crate::machine::ports::ports;
use crate::scenario::{Across, CxlWindow, From, MachineSpec};
use damonlab_protocol::units::Bytes;
use std::collections::BTreeMap;

/// A paragraph a window; empty without windows.
pub(super) fn tree(spec: &MachineSpec, machine: &Machine) -> String {
    let options: Vec<QemuOption<'_>> = machine.argv.options().collect();
    let tree = Tree { options: &options, ports: ports(spec).collect() };
    let mut text = String::new();
    for (number, window) in spec.cxl.iter().enumerate() {
        let tier = machine.view.nodes.get(&window.node).map(tier_of).unwrap_or_default();
        text.push_str(&format!(
            "\nCXL window {number}: {}, {}, {tier}, {}\n",
            window.node,
            window.size(),
            ways(window)
        ));
        tree.siblings(&tree.targets(number), "", &mut text);
    }
    text
}

fn ways(window: &CxlWindow) -> String {
    let across = match window.across {
        Across::Ports => "root ports",
        Across::Bridges => "host bridges",
        Across::Switch => "a switch",
    };
    match window.devices.len() {
        1 => "no interleave".to_owned(),
        ways => format!("{ways} ways of {} across {across}", window.granularity),
    }
}

struct Tree<'a> {
    options: &'a [QemuOption<'a>],
    /// How far the host bridges are that say so, by number.
    ports: BTreeMap<usize, From>,
}

impl<'a> Tree<'a> {
    /// The host bridges of a window.
    fn targets(&self, window: usize) -> Vec<QemuOption<'a>> {
        let start = format!("cxl-fmw.{window}.targets.");
        let machines = self.options.iter().filter(|option| option.name == "-machine");
        let named = machines.flat_map(QemuOption::properties).filter(|(key, _)| key.starts_with(&start));
        named.filter_map(|(_, bridge)| self.find("-device", bridge)).collect()
    }

    fn find(&self, name: &str, id: &str) -> Option<QemuOption<'a>> {
        self.options.iter().find(|option| option.name == name && option.property("id") == Some(id)).copied()
    }

    fn below(&self, id: &str) -> Vec<QemuOption<'a>> {
        let devices = self.options.iter().filter(|option| option.name == "-device");
        devices.filter(|device| device.property("bus") == Some(id)).copied().collect()
    }

    fn siblings(&self, devices: &[QemuOption<'a>], indent: &str, text: &mut String) {
        for (at, device) in devices.iter().enumerate() {
            let branch = Branch { last: at + 1 == devices.len() };
            text.push_str(&format!("{indent}{}{}\n", branch.head(), self.label(device)));
            let children = self.below(device.property("id").unwrap_or_default());
            self.siblings(&children, &format!("{indent}{}", branch.below()), text);
        }
    }

    fn label(&self, device: &QemuOption<'a>) -> String {
        let kind = device.kind().unwrap_or_default();
        let (id, value) =
            (device.property("id").unwrap_or_default(), |key| device.property(key).unwrap_or("?"));
        match kind {
            "pxb-cxl" => format!("host bridge {id}, bus {}{}", value("bus_nr"), self.port(id)),
            "cxl-rp" => format!("root port {id}"),
            "cxl-upstream" => format!("switch {id}"),
            "cxl-downstream" => format!("downstream port {id}"),
            "cxl-type3" => {
                let memory = self.find("-object", value("volatile-memdev"));
                let size = memory.and_then(|memory| memory.property("size")).and_then(mebibytes);
                format!("device {id}: {}, serial {}", size.unwrap_or_default(), value("sn"))
            }
            other => format!("{other} {id}"),
        }
    }

    fn port(&self, bridge: &str) -> String {
        let number = bridge.strip_prefix("cxl.").and_then(|number| number.parse().ok());
        let from = number.and_then(|number: usize| self.ports.get(&number));
        from.map_or_else(String::new, |from| {
            format!("; generic port: {}, {}/s from {}", from.latency, from.bandwidth, from.node)
        })
    }
}

/// `256M`, as in QEMU's options.
fn mebibytes(size: &str) -> Option<Bytes> {
    size.strip_suffix('M')?.parse().ok().map(|count: u64| Bytes(count * Bytes::MIB.0))
}
