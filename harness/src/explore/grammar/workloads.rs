//! The workloads: processes with memory on the machine's nodes, some in memory cgroups or huge pages.

use super::part::Part;
use super::table::{LARGE, LEFT_FREE, PAGES_A_MS, TOUCHES, WORKLOADS};
use super::world::{Node, Process, World};
use crate::explore::tree::{Tree, map};
use crate::scenario::Draw;

/// The workloads; the world gets their names and cgroups.
pub(super) fn workloads(world: &mut World<'_>, draw: &mut Draw) -> Vec<Tree> {
    if !world.focus.wants(Part::Workload, draw) {
        return Vec::new();
    }
    let count = draw.between(1, 3);
    let mut all: Vec<Tree> = (0..count).map(|number| workload(number, world, draw)).collect();
    let filler = filler(&all, world, draw);
    all.extend(filler);
    all
}

/// A workload that, with the others, nearly fills a node.
fn filler(others: &[Tree], world: &mut World<'_>, draw: &mut Draw) -> Option<Tree> {
    if !world.focus.wants(Part::FullNode, draw) {
        return None;
    }
    let plain = |node: &Node| !node.traits.emulated && !node.traits.split;
    let fits = |node: &&Node| plain(node) && node.id > 0 && node.traits.mib <= 256;
    let nodes: Vec<&Node> = world.nodes.iter().filter(fits).collect();
    let node = **nodes.get(draw.index(nodes.len()))?;
    let name = format!("w{}", others.len());
    let there = others.iter().filter(|other| other.get("node") == Some(&node.id.into()));
    let taken: u64 = there.filter_map(|other| other.get("size")).map(mib).sum();
    let size = format!("{}M", node.traits.mib.checked_sub(LEFT_FREE + taken)?);
    world.processes.push(Process { name: name.clone(), touches: false });
    Some(map([("name", name.into()), ("size", size.into()), ("node", node.id.into())]))
}

/// A size as it is drawn, rounded up to MiB.
fn mib(size: &Tree) -> u64 {
    let Tree::Leaf(text) = size else { return 0 };
    match text.strip_suffix('M') {
        Some(mib) => mib.parse().unwrap_or(0),
        None => text.trim_end_matches('K').parse::<u64>().unwrap_or(0).div_ceil(1_024),
    }
}

fn workload(number: u64, world: &mut World<'_>, draw: &mut Draw) -> Tree {
    let node = world.node(draw);
    let huge = world.focus.wants(Part::Huge, draw) && !node.traits.emulated;
    let kib = match *draw.weighted(WORKLOADS) {
        _ if node.traits.emulated => 1_024,
        _ if huge && node.traits.mib >= 512 && draw.chance(25) => LARGE,
        kib if huge => kib.next_multiple_of(2_048),
        kib => kib,
    };
    let size = if kib % 1_024 == 0 { format!("{}M", kib / 1_024) } else { format!("{kib}K") };
    let name = format!("w{number}");
    let mut tree = map([("name", name.clone().into()), ("size", size.into()), ("node", node.id.into())]);
    let touches = draw.chance(75);
    if touches {
        tree.set("touch", touch(kib / 4, draw));
    }
    if world.focus.wants(Part::Memcg, draw) {
        let memcg = if draw.chance(60) { "/a" } else { "/b" }.to_owned();
        tree.set("memcg", memcg.clone());
        if !world.memcgs.contains(&memcg) {
            world.memcgs.push(memcg);
        }
    }
    if huge {
        tree.set("huge_pages", true);
    }
    world.processes.push(Process { name, touches });
    tree
}

fn touch(pages: u64, draw: &mut Draw) -> Tree {
    let every = (*draw.pick(TOUCHES)).max(pages / PAGES_A_MS);
    let mut touch = map([("every", format!("{every}ms").into())]);
    if draw.chance(40) {
        touch.set("hot", format!("{}%", draw.pick(&[1, 10, 25, 50, 75, 99])));
    }
    if draw.chance(50) {
        touch.set("access", "read");
    }
    touch
}
