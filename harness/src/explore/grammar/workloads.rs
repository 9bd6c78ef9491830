//! The workloads: processes with memory on the machine's nodes, some in memory cgroups or huge pages.

use super::part::Part;
use super::table::{PAGES_A_MS, TOUCHES, WORKLOADS};
use super::world::{Process, World};
use crate::explore::tree::{Tree, map};
use crate::scenario::Draw;

/// The workloads; the world gets their names and cgroups.
pub(super) fn workloads(world: &mut World<'_>, draw: &mut Draw) -> Vec<Tree> {
    if !world.focus.wants(Part::Workload, draw) {
        return Vec::new();
    }
    let count = draw.between(1, 3);
    (0..count).map(|number| workload(number, world, draw)).collect()
}

fn workload(number: u64, world: &mut World<'_>, draw: &mut Draw) -> Tree {
    let node = world.node(draw);
    let huge = world.focus.wants(Part::Huge, draw) && !node.traits.emulated;
    let kib = match *draw.weighted(WORKLOADS) {
        _ if node.traits.emulated => 1_024,
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
