//! The arguments: `--memory` and `--cpus` for virtme-ng, the rest for QEMU.
//!
//! Nodes go to QEMU and not through `vng --numa`: that one makes a shared memfd of each, and to save such
//! a guest takes eleven seconds instead of a half (reading shmem pages allocates them).

use super::qemu_number::{domain, mebibytes};
use super::{cxl, hmat, layout, slit};
use crate::host::fault::{Fault, Faulty};
use crate::host::text::foreign;
use crate::scenario::{MachineSpec, NodeSpec, below_4g};
use damonlab_protocol::units::{Bytes, Nanos, NodeId};

/// The arguments for virtme-ng. None needs quoting in a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argv {
    /// All boot memory; CXL memory does not count in.
    pub memory: Bytes,
    /// How many CPUs.
    pub cpus: u32,
    /// Arguments of QEMU itself, for `--qemu-opts`: nodes, distances, HMAT, CXL. PCI devices that come
    /// after these on the command line need `bus=pcie.0`.
    pub qemu: Vec<String>,
    /// Parameters for the kernel's command line: which RAM is soft-reserved, and what the scenario adds.
    pub kernel: Vec<String>,
    /// The nodes' memory: each entry has its argument in `qemu`.
    pub memories: Vec<NodeMemory>,
    /// Whether CXL devices are among `qemu`.
    pub cxl: bool,
}

/// The memory of a node, as QEMU makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeMemory {
    /// The node.
    pub node: NodeId,
    /// Its size.
    pub size: Bytes,
}

impl NodeMemory {
    /// The value of QEMU's `-object`.
    pub fn argument(&self) -> String {
        format!("memory-backend-ram,{}", self.properties())
    }

    /// What a backend of any type has.
    pub fn properties(&self) -> String {
        format!("id=numa-mem{},size={}", self.node.0, mebibytes(self.size))
    }
}

/// A machine that has no arguments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MachineError {
    /// virtme-ng pastes its arguments into a shell line.
    #[error("the QEMU argument '{}' holds a character that a shell would touch", foreign(.0))]
    Quoting(String),
}

impl Faulty for MachineError {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

impl Argv {
    /// A q35 machine with one CPU and `memory`, and nothing else.
    pub fn plain(memory: Bytes) -> Argv {
        let qemu = vec!["-machine".to_owned(), "q35".to_owned()];
        Argv { memory, cpus: 1, qemu, kernel: Vec::new(), memories: Vec::new(), cxl: false }
    }

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
        kernel: layout::kernel_parameters(spec),
        memories: spec.nodes.iter().filter_map(memory).collect(),
        cxl: !spec.cxl.is_empty(),
    };
    match argv.qemu.iter().find(|argument| !is_plain(argument)) {
        Some(argument) => Err(MachineError::Quoting(argument.clone())),
        None => Ok(argv),
    }
}

/// Characters that mean nothing to a shell.
fn is_plain(argument: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.,=:/+".contains(c);
    !argument.is_empty() && argument.chars().all(plain)
}

fn memory(node: &NodeSpec) -> Option<NodeMemory> {
    (node.memory.0 > 0).then_some(NodeMemory { node: node.id, size: node.memory })
}

/// A node and the memory behind it, `numa-mem<id>`.
fn node(spec: &MachineSpec, node: &NodeSpec) -> Vec<String> {
    let id = node.id.0;
    let memory = memory(node);
    let mut place = format!("node,nodeid={}", domain(spec, node.id));
    if memory.is_some() {
        place.push_str(&format!(",memdev=numa-mem{id}"));
    }
    place.extend(node.cpus.iter().map(|cpu| format!(",cpus={cpu}")));
    // QEMU refuses `initiator=` without hmat=on.
    if node.cpus.is_empty() && spec.has_hmat() {
        place.push_str(&format!(",initiator={}", domain(spec, hmat::initiator(spec, node))));
    }
    let mut arguments = Vec::new();
    if let Some(memory) = memory {
        arguments.extend(["-object".to_owned(), memory.argument()]);
    }
    arguments.extend(["-numa".to_owned(), place]);
    arguments
}

/// A socket for each node with CPUs, where there are several: by itself QEMU puts all CPUs into one, and Linux
/// warns of a socket on two nodes (`topology_sane`). QEMU fills sockets in the order of CPU numbers, so where
/// the nodes' numbers do not come in equal runs each CPU is a socket.
fn sockets(spec: &MachineSpec) -> Option<[String; 2]> {
    let owners: Vec<&NodeSpec> = spec.nodes.iter().filter(|node| !node.cpus.is_empty()).collect();
    if owners.len() < 2 {
        return None;
    }
    let cpus = spec.cpus();
    let cores = cpus / owners.len();
    let in_runs = owners.iter().enumerate().all(|(at, node)| {
        let run = (at * cores) as u32..((at + 1) * cores) as u32;
        node.cpus.len() == cores && node.cpus.iter().all(|cpu| run.contains(cpu))
    });
    let (sockets, cores) = if in_runs { (owners.len(), cores) } else { (cpus, 1) };
    Some(["-smp".to_owned(), format!("cpus={cpus},sockets={sockets},cores={cores},threads=1")])
}

/// QEMU wants a node's cache after its latency and bandwidth.
fn cache(spec: &MachineSpec, node: &NodeSpec) -> Option<[String; 2]> {
    let cache = node.cache?;
    let value = format!(
        "hmat-cache,node-id={},size={}K,level=1,associativity=direct,policy=write-back,line={}",
        domain(spec, node.id),
        cache.size.0 >> 10,
        cache.line
    );
    Some(["-numa".to_owned(), value])
}

fn qemu(spec: &MachineSpec) -> Vec<String> {
    // virtme-ng names no machine type where it finds KVM, and i440fx has no PCIe bus for CXL.
    let mut machine = "q35".to_owned();
    if spec.has_hmat() {
        machine.push_str(",hmat=on");
    }
    if !spec.cxl.is_empty() {
        machine.push_str(",cxl=on");
    }
    if let Some(below) = below_4g(spec) {
        machine.push_str(&format!(",max-ram-below-4g={}", mebibytes(below)));
    }
    let mut arguments = vec!["-machine".to_owned(), machine];
    arguments.extend(sockets(spec).into_iter().flatten());
    arguments.extend(cxl::port_nodes(spec));
    arguments.extend(spec.nodes.iter().flat_map(|one| node(spec, one)));
    for ((from, to), distance) in slit::rows(spec) {
        arguments.extend(["-numa".to_owned(), format!("dist,src={from},dst={to},val={distance}")]);
    }
    for row in hmat::rows(spec) {
        arguments.extend(lb(&row));
    }
    for node in &spec.nodes {
        arguments.extend(cache(spec, node).into_iter().flatten());
    }
    arguments.extend(cxl::arguments(spec));
    arguments
}

fn lb(row: &hmat::Row) -> [String; 4] {
    let head = format!("hmat-lb,initiator={},target={},hierarchy=memory", row.initiator, row.target);
    let Nanos(latency) = row.latency;
    [
        "-numa".to_owned(),
        format!("{head},data-type=access-latency,latency={latency}"),
        "-numa".to_owned(),
        format!("{head},data-type=access-bandwidth,bandwidth={}", mebibytes(row.bandwidth)),
    ]
}

/// QEMU arguments that build the machine as virtme-ng would and stop before the first instruction:
/// whether QEMU takes the machine, in a tenth of a second. The caller ends it by `quit` on stdin.
pub fn qemu_check_args(argv: &Argv) -> Vec<String> {
    let mut arguments: Vec<String> =
        ["-S", "-nodefaults", "-display", "none", "-monitor", "stdio", "-machine", "q35,accel=tcg", "-m"]
            .map(str::to_owned)
            .to_vec();
    arguments.extend([argv.memory_word(), "-smp".to_owned(), argv.cpus.to_string()]);
    arguments.extend(argv.qemu.iter().cloned());
    arguments
}
