//! The machine: one of those with a name, or a generated one that neighbouring scenarios share.

use super::table::{BLOCKS, MACHINES, NodeTraits, SCENARIOS_OF_A_MACHINE, SPEEDS};
use super::world::Node;
use crate::explore::tree::{Tree, list, map};
use crate::scenario::Draw;

/// The value of `machine`, and its nodes with memory.
pub(super) fn machine(seed: u64, number: u64, draw: &mut Draw) -> (Tree, Vec<Node>) {
    match draw.weighted(MACHINES) {
        Some(named) => (named.name.into(), numbered(named.nodes)),
        None => {
            let mut shared = Draw::of(seed, number / SCENARIOS_OF_A_MACHINE, "machine");
            generated(&mut shared)
        }
    }
}

fn numbered(traits: &[NodeTraits]) -> Vec<Node> {
    let nodes = traits.iter().enumerate().map(|(id, traits)| Node { id: id as u64, traits: *traits });
    nodes.filter(|node| node.traits.mib > 0).collect()
}

/// Two to four nodes, the first with the CPU.
fn generated(draw: &mut Draw) -> (Tree, Vec<Node>) {
    let count = draw.between(2, 4);
    let timed = draw.chance(60);
    let (mut nodes, mut traits) = (Vec::new(), Vec::new());
    for id in 0..count {
        // The kernel, its page structs and the trace need some of the first node.
        let blocks = if id == 0 { 4 } else { *draw.weighted(BLOCKS) };
        let mut node = map([("id", id.into()), ("memory", format!("{}M", blocks * 128).into())]);
        let removable = id > 0 && draw.chance(15);
        if id == 0 {
            node.set("cpus", list([0.into()]));
        } else if timed || removable && draw.chance(50) {
            let (latency, bandwidth) = *draw.pick(SPEEDS);
            let speed = [("node", 0.into()), ("latency", format!("{latency}ns").into())];
            let mut from = map(speed);
            from.set("bandwidth", format!("{bandwidth}M"));
            node.set("from", from);
        }
        if removable {
            node.set("soft_reserved", true);
        }
        nodes.push(node);
        traits.push(NodeTraits { mib: blocks * 128, removable, emulated: false, split: false });
    }
    let mut machine = map([("nodes", list(nodes))]);
    if draw.chance(30) {
        let (to, distance) = (draw.between(1, count - 1), *draw.pick(&[11, 20, 21, 40, 254]));
        let entry = map([("from", 0.into()), ("to", to.into()), ("distance", distance.into())]);
        machine.set("distances", list([entry]));
    }
    (machine, numbered(&traits))
}
