//! The words themselves: `--memory` and `--cpus` for virtme-ng, the rest for QEMU.
//!
//! Nodes go to QEMU and not through `vng --numa`: that one makes a shared memfd of each, and to save such
//! a guest takes eleven seconds instead of a half (reading shmem pages allocates them; qemu.md section 0).

use super::{hmat, slit};
use crate::scenario::{CxlDevice, MachineSpec, NodeSpec};
use damonlab_guest::units::{Bytes, Nanos};

/// What virtme-ng is told, word by word. No word needs quoting in a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argv {
    /// All boot memory; CXL memory does not count in.
    pub memory: Bytes,
    /// How many CPUs.
    pub cpus: u32,
    /// Arguments of QEMU itself, for `--qemu-opts`: nodes, distances, HMAT, CXL. PCI devices that come
    /// after these on the command line need `bus=pcie.0`.
    pub qemu: Vec<String>,
}

/// A machine that cannot be put into words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MachineError {
    /// virtme-ng pastes its arguments into a shell line.
    #[error("the QEMU argument '{0}' holds a character that a shell would touch")]
    Quoting(String),
}

impl Argv {
    /// `--memory`'s value, in MiB as virtme-ng and QEMU read it.
    pub fn memory_word(&self) -> String {
        mebibytes(self.memory)
    }

    /// The arguments of vng, but for those of QEMU.
    pub fn vng(&self) -> Vec<String> {
        vec!["--cpus".to_owned(), self.cpus.to_string(), "--memory".to_owned(), self.memory_word()]
    }
}

pub(super) fn compose(spec: &MachineSpec) -> Result<Argv, MachineError> {
    let argv = Argv {
        memory: Bytes(spec.nodes.iter().map(|node| node.memory.0).sum()),
        cpus: spec.cpus() as u32,
        qemu: qemu(spec),
    };
    match argv.qemu.iter().find(|word| !is_plain(word)) {
        Some(word) => Err(MachineError::Quoting(word.clone())),
        None => Ok(argv),
    }
}

/// Characters that mean nothing to a shell.
fn is_plain(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.,=:/+".contains(c);
    !word.is_empty() && word.chars().all(plain)
}

/// A node and the memory behind it, `numa-mem<id>`.
fn node(spec: &MachineSpec, node: &NodeSpec) -> [String; 4] {
    let id = node.id.0;
    let mut place = format!("node,nodeid={id},memdev=numa-mem{id}");
    place.extend(node.cpus.iter().map(|cpu| format!(",cpus={cpu}")));
    // QEMU refuses `initiator=` without hmat=on.
    if node.cpus.is_empty() && hmat::wanted(spec) {
        place.push_str(&format!(",initiator={}", hmat::initiator(spec, node).0));
    }
    [
        "-object".to_owned(),
        format!("memory-backend-ram,id=numa-mem{id},size={}", mebibytes(node.memory)),
        "-numa".to_owned(),
        place,
    ]
}

fn mebibytes(size: Bytes) -> String {
    format!("{}M", size.0 / Bytes::MIB.0)
}

fn qemu(spec: &MachineSpec) -> Vec<String> {
    // virtme-ng names no machine type where it finds KVM, and i440fx has no PCIe bus for CXL.
    let mut machine = "q35".to_owned();
    if hmat::wanted(spec) {
        machine.push_str(",hmat=on");
    }
    if !spec.cxl.is_empty() {
        machine.push_str(",cxl=on");
    }
    let mut words = vec!["-machine".to_owned(), machine];
    words.extend(spec.nodes.iter().flat_map(|one| node(spec, one)));
    for ((from, to), distance) in slit::table(spec) {
        words.extend(["-numa".to_owned(), format!("dist,src={},dst={},val={distance}", from.0, to.0)]);
    }
    for row in hmat::rows(spec) {
        words.extend(lb(&row));
    }
    for (index, device) in spec.cxl.iter().enumerate() {
        words.extend(cxl(index, device));
    }
    words
}

fn lb(row: &hmat::Row) -> [String; 4] {
    let head = format!("hmat-lb,initiator={},target={},hierarchy=memory", row.initiator.0, row.target.0);
    let Nanos(latency) = row.latency;
    [
        "-numa".to_owned(),
        format!("{head},data-type=access-latency,latency={latency}"),
        "-numa".to_owned(),
        format!("{head},data-type=access-bandwidth,bandwidth={}", mebibytes(row.bandwidth)),
    ]
}

/// The window of a device: whole GiB, as large as the device at least.
fn window(device: &CxlDevice) -> String {
    format!("{}G", device.size.0.div_ceil(1 << 30))
}

/// One volatile device on one root port on one bridge behind one window, the layout of QEMU's
/// `docs/system/devices/cxl.rst`. Bridges take bus numbers from 12 on, 32 apart.
fn cxl(index: usize, device: &CxlDevice) -> Vec<String> {
    let bridge = format!("cxl.{}", index + 1);
    let bus = 12 + 32 * index;
    [
        "-object".to_owned(),
        format!("memory-backend-ram,id=cxl-mem{index},size={}", mebibytes(device.size)),
        "-device".to_owned(),
        format!("pxb-cxl,bus_nr={bus},bus=pcie.0,id={bridge}"),
        "-device".to_owned(),
        format!("cxl-rp,port=0,bus={bridge},id=cxl-rp{index},chassis={index},slot=2"),
        "-device".to_owned(),
        format!(
            "cxl-type3,bus=cxl-rp{index},volatile-memdev=cxl-mem{index},id=cxl-dev{index},sn={:#x}",
            device.serial
        ),
        "-machine".to_owned(),
        format!("cxl-fmw.{index}.targets.0={bridge},cxl-fmw.{index}.size={}", window(device)),
    ]
    .to_vec()
}

/// QEMU arguments that build the machine as virtme-ng would and stop before the first instruction:
/// whether QEMU takes the machine, in a tenth of a second. The caller ends it by `quit` on stdin.
pub fn qemu_check_args(argv: &Argv) -> Vec<String> {
    let mut words: Vec<String> =
        ["-S", "-nodefaults", "-display", "none", "-monitor", "stdio", "-machine", "q35,accel=tcg", "-m"]
            .map(str::to_owned)
            .to_vec();
    words.extend([argv.memory_word(), "-smp".to_owned(), argv.cpus.to_string()]);
    words.extend(argv.qemu.iter().cloned());
    words
}
