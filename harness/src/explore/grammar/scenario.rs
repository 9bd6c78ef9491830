//! A complete scenario, as a tree.

use super::focus::Focus;
use super::machine::machine;
use super::monitor::Kdamond;
use super::part::Part;
use super::refusals::{write, wrong_start};
use super::steps::steps;
use super::table::ABSENT_NODES;
use super::tiering::{self, tiers};
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
    let absent = focus.wants(Part::AbsentNode, &mut draw);
    let (processes, memcgs) = (Vec::new(), Vec::new());
    let mut world = World { focus, nodes, processes, memcgs, absent, tiers: None };
    world.tiers = tiers(&world, &mut draw);
    let workloads = match world.tiers {
        Some(tiers) => tiering::workloads(&tiers, &mut world, &mut draw),
        None => workloads(&mut world, &mut draw),
    };
    let swap = world.focus.wants(Part::Swap, &mut draw);
    let count = if world.focus.wants(Part::Kdamond, &mut draw) { 2 } else { 1 };
    let kdamonds: Vec<Kdamond> = (0..count).map(|place| kdamond(place, &world, &mut draw)).collect();
    let mut tree = map([
        ("version", 1.into()),
        ("summary", format!("Scenario {number} of seed {seed}, drawn by damonlab explore.").into()),
        ("machine", machine),
    ]);
    if absent {
        tree.set("absent_nodes", list(ABSENT_NODES.iter().map(|id| (*id).into())));
    }
    if swap {
        tree.set("swap", *draw.pick(&["1M", "16M", "64M"]));
    }
    if !workloads.is_empty() {
        tree.set("workloads", list(workloads));
    }
    let physical = kdamonds.iter().all(|one| !one.vaddr);
    let never_starts = physical && world.focus.wants(Part::Invalid, &mut draw) && draw.chance(30);
    let (kdamonds, mut steps) = if never_starts {
        let wrong: Vec<Kdamond> = kdamonds.iter().map(|one| wrong_start(one, &mut draw)).collect();
        (wrong, vec![map([("start", map([("refused", "EINVAL".into())]))])])
    } else {
        let steps = steps(&kdamonds, &world, &mut draw);
        (kdamonds, steps)
    };
    tree.set("damon", map([("kdamonds", list(kdamonds.iter().map(Kdamond::tree)))]));
    tree.set("clocks", map([("scenario", CLOCK.into())]));
    if world.focus.wants(Part::Module, &mut draw) {
        steps.splice(0..0, module(&mut draw));
    }
    tree.set("steps", list(steps));
    tree
}

/// A kdamond; the first one may keep memory at shares of nodes.
fn kdamond(place: u64, world: &World<'_>, draw: &mut Draw) -> Kdamond {
    match world.tiers.filter(|_| place == 0) {
        Some(tiers) => tiering::kdamond(&tiers, world, draw),
        None => Kdamond::draw(world, draw),
    }
}

/// DAMON_STAT or DAMON_LRU_SORT runs and stops before the scenario starts DAMON itself.
fn module(draw: &mut Draw) -> Vec<Tree> {
    let module = *draw.pick(&["damon_stat", "damon_reclaim", "damon_lru_sort"]);
    let file = format!("module/{module}/enabled");
    let mut steps = Vec::new();
    if module != "damon_stat" && draw.chance(50) {
        steps.push(write(&format!("module/{module}/commit_inputs"), "Y", Some("EINVAL")));
    }
    if module == "damon_lru_sort" && draw.chance(50) {
        let share = "module/damon_lru_sort/active_mem_bp";
        steps.extend([write(share, "10001", None), write(&file, "Y", Some("EINVAL"))]);
        steps.push(write(share, "10000", None));
    }
    steps.extend([write(&file, "Y", None), write(&file, "N", None)]);
    steps
}
