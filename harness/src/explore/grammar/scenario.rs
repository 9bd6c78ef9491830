//! A complete scenario, as a tree.

use super::focus::Focus;
use super::machine::machine;
use super::monitor::Kdamond;
use super::part::Part;
use super::steps::steps;
use super::workloads::workloads;
use super::world::World;
use crate::explore::tree::{Tree, list, map};
use crate::scenario::Draw;

/// The wall-clock limit of a drawn scenario, which has a few seconds of guest time.
const CLOCK: &str = "60s";

/// The scenario `number` of `seed`; a further `attempt` is another scenario.
pub fn scenario(seed: u64, number: u64, attempt: u64, focus: &Focus) -> Tree {
    let mut draw = Draw::of(seed, number, &format!("scenario {attempt}"));
    let (machine, nodes) = machine(seed, number, &mut draw);
    let mut world = World { focus, nodes, processes: Vec::new(), memcgs: Vec::new() };
    let workloads = workloads(&mut world, &mut draw);
    let swap = world.focus.wants(Part::Swap, &mut draw);
    let count = if world.focus.wants(Part::Kdamond, &mut draw) { 2 } else { 1 };
    let kdamonds: Vec<Kdamond> = (0..count).map(|_| Kdamond::draw(&world, &mut draw)).collect();
    let mut tree = map([
        ("version", 1.into()),
        ("summary", format!("Scenario {number} of seed {seed}, drawn by damonlab explore.").into()),
        ("machine", machine),
    ]);
    if swap {
        tree.set("swap", *draw.pick(&["1M", "16M", "64M"]));
    }
    if !workloads.is_empty() {
        tree.set("workloads", list(workloads));
    }
    tree.set("damon", map([("kdamonds", list(kdamonds.iter().map(Kdamond::tree)))]));
    tree.set("clocks", map([("scenario", CLOCK.into())]));
    let mut steps = steps(&kdamonds, &world, &mut draw);
    if world.focus.wants(Part::Module, &mut draw) {
        steps.splice(0..0, module(&mut draw));
    }
    tree.set("steps", list(steps));
    tree
}

/// DAMON_STAT or DAMON_LRU_SORT runs and stops before the scenario starts DAMON itself.
fn module(draw: &mut Draw) -> Vec<Tree> {
    let module = *draw.pick(&["damon_stat", "damon_reclaim", "damon_lru_sort"]);
    let file = format!("module/{module}/enabled");
    let write = |value: &str| map([("write", map([("file", file.clone().into()), ("value", value.into())]))]);
    vec![write("Y"), write("N")]
}
