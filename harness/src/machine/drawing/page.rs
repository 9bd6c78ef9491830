//! The drawing as a page.

use super::line::{Branch, tier_word};
use super::{cxl, tables};
use crate::machine::hmat;
use crate::machine::{Machine, MachineError};
use crate::scenario::{MachineSpec, NodeSpec};
use damonlab_protocol::units::{Bytes, NodeId};

/// The drawing, some lines with an end each.
///
/// # Errors
///
/// [`MachineError`]: the machine has no arguments.
pub fn drawing(spec: &MachineSpec) -> Result<String, MachineError> {
    let machine = Machine::new(spec)?;
    let mut text = format!("{}\n\n", summary(spec));
    for (number, home) in spec.nodes.iter().filter(|node| !node.cpus.is_empty()).enumerate() {
        let here: Vec<&NodeSpec> = spec.nodes.iter().filter(|node| home_of(spec, node) == home.id).collect();
        text.push_str(&socket(&machine, number, home));
        for (at, node) in here.iter().enumerate() {
            let branch = Branch { last: at + 1 == here.len() };
            text.push_str(&node_lines(spec, node, &machine, branch));
        }
    }
    text.push_str(&cxl::tree(spec, &machine));
    text.push_str(&tables::addresses(&machine));
    text.push_str(&tables::distances(&machine));
    Ok(text)
}

fn summary(spec: &MachineSpec) -> String {
    let ram = Bytes(spec.nodes.iter().map(|node| node.memory.0).sum());
    let window_memory: u64 = spec.cxl.iter().map(|window| window.size().0).sum();
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let mut parts = vec![
        count(spec.nodes.len() + spec.cxl.len(), "node"),
        count(spec.cpus(), "CPU"),
        format!("{ram} of RAM"),
    ];
    if !spec.cxl.is_empty() {
        parts.push(format!("{} behind {}", Bytes(window_memory), count(spec.cxl.len(), "CXL window")));
    }
    parts.join(", ")
}

/// The socket that a node belongs to.
fn home_of(spec: &MachineSpec, node: &NodeSpec) -> NodeId {
    if node.cpus.is_empty() { hmat::initiator(spec, node) } else { node.id }
}

/// A node's sockets and CPUs. Where the nodes' CPUs are uneven each is a socket of its own.
fn socket(machine: &Machine, number: usize, node: &NodeSpec) -> String {
    let mut cpus = node.cpus.clone();
    cpus.sort_unstable();
    let topology = machine.argv.options().find(|option| option.name == "-smp");
    let sockets = topology.and_then(|option| option.property("sockets")?.parse().ok());
    let own = if sockets == Some(machine.argv.cpus) { cpus.clone() } else { vec![number as u32] };
    format!("{}: {}\n", numbered("socket", &own), numbered("CPU", &cpus))
}

fn numbered(what: &str, numbers: &[u32]) -> String {
    let list: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    format!("{what}{} {}", if list.len() == 1 { "" } else { "s" }, list.join(", "))
}

fn node_lines(spec: &MachineSpec, node: &NodeSpec, machine: &Machine, branch: Branch) -> String {
    let tier = machine.view.nodes.get(&node.id).and_then(|view| view.tier);
    let mut line = format!("{}{:<7}", branch.head(), node.id.to_string());
    match tier {
        Some(tier) => line.push_str(&format!("  {:>8}  {:<14}", node.memory.to_string(), tier_word(tier))),
        None => line.push_str("  no memory"),
    }
    if tier.is_some() && spec.has_hmat() {
        let (latency, bandwidth) = hmat::speed(spec, home_of(spec, node), node);
        line.push_str(&format!("  {:>7}  {:>11}", latency.to_string(), format!("{bandwidth}/s")));
        if let (Some(from), true) = (node.from, node.cpus.is_empty()) {
            line.push_str(&format!("  from {}", from.node));
        }
    }
    let mut text = format!("{}\n", line.trim_end());
    let mut note = |what: &str| text.push_str(&format!("{}           {what}\n", branch.below()));
    if node.soft_reserved {
        note("soft-reserved: not there at boot, comes online through dax_hmem");
    }
    if let Some(cache) = node.cache {
        note(&format!(
            "behind a direct-mapped write-back cache of {}, lines of {} bytes",
            cache.size, cache.line
        ));
    }
    text
}
