//! Memory that is kept at shares of two nodes: hot memory, two schemes that move it, and goals that sum up to the whole.

use super::around::{Around, Times};
use super::monitor::Kdamond;
use super::part::Part;
use super::quota::weights;
use super::table::{
    COLD, TIERING_INTERVALS, TIERING_QUOTAS, TIERING_REGIONS, TIERING_SHARES, TIERING_WORKLOADS,
};
use super::world::{Node, Process, Tiers, World};
use crate::explore::tree::{Tree, list, map};
use crate::scenario::Draw;

/// Two nodes and the intervals of the kdamond that watches them; none where there are not two.
pub(super) fn tiers(world: &World<'_>, draw: &mut Draw) -> Option<Tiers> {
    if !world.focus.wants(Part::Tiering, draw) || world.nodes.len() < 2 {
        return None;
    }
    let first = draw.index(world.nodes.len());
    let second = (first + 1 + draw.index(world.nodes.len() - 1)) % world.nodes.len();
    let (sample_us, aggregation) = *draw.pick(TIERING_INTERVALS);
    let (fast, slow) = (*world.nodes.get(first)?, *world.nodes.get(second)?);
    Some(Tiers { fast, slow, times: Times { sample_us, aggregation } })
}

/// One to three workloads that touch all of their memory in each aggregation, at least one on a node that memory leaves.
pub(super) fn workloads(tiers: &Tiers, world: &mut World<'_>, draw: &mut Draw) -> Vec<Tree> {
    let count = draw.between(1, 3);
    let cold = cold(count, tiers, world, draw);
    let all = (0..count).map(|number| {
        let node = if number == 0 || draw.chance(50) { tiers.slow } else { tiers.fast };
        let mib = if node.traits.emulated { 1 } else { *draw.weighted(TIERING_WORKLOADS) };
        let name = format!("w{number}");
        let every = if mib > 8 { 40 } else { *draw.pick(&[10, 20, 40]) };
        world.processes.push(Process { name: name.clone(), touches: true });
        map([
            ("name", name.into()),
            ("size", format!("{mib}M").into()),
            ("node", node.id.into()),
            ("touch", map([("every", format!("{every}ms").into())])),
        ])
    });
    all.chain(cold).collect()
}

/// Much memory that nobody touches, in huge pages.
fn cold(number: u64, tiers: &Tiers, world: &mut World<'_>, draw: &mut Draw) -> Option<Tree> {
    let node = if draw.chance(50) { tiers.slow } else { tiers.fast };
    if !draw.chance(30) || node.traits.emulated || node.traits.mib < 512 {
        return None;
    }
    let name = format!("w{number}");
    world.processes.push(Process { name: name.clone(), touches: false });
    Some(map([
        ("name", name.into()),
        ("size", format!("{}M", draw.pick(COLD)).into()),
        ("node", node.id.into()),
        ("huge_pages", true.into()),
    ]))
}

/// A kdamond over all nodes whose schemes keep the shares.
pub(super) fn kdamond(tiers: &Tiers, world: &World<'_>, draw: &mut Draw) -> Kdamond {
    let all = world.nodes.iter().map(|node| map([("node", node.id.into())]));
    let targets = vec![map([("regions", list(all))])];
    let (min, max) = *draw.pick(TIERING_REGIONS);
    let regions = map([("min", min.into()), ("max", max.into())]);
    let mut kdamond = Kdamond::plain(tiers.times, targets, regions);
    if draw.chance(25) {
        // Nothing moves, so each measurement is known closely.
        kdamond.schemes.push(gauge(tiers, world, draw));
        return kdamond;
    }
    let share = *draw.pick(TIERING_SHARES);
    kdamond.schemes.push(mover(tiers, (tiers.slow, tiers.fast), share, draw));
    if draw.chance(75) {
        kdamond.schemes.push(mover(tiers, (tiers.fast, tiers.slow), 10_000 - share, draw));
    }
    if draw.chance(40) {
        kdamond.schemes.push(gauge(tiers, world, draw));
    }
    if draw.chance(20) {
        let around = Around { vaddr: false, targets: 1, times: tiers.times };
        kdamond.schemes.push(super::scheme::scheme(around, world, draw));
    }
    kdamond
}

/// A scheme that takes all memory and counts it, with goals that measure the shares of nodes.
fn gauge(tiers: &Tiers, world: &World<'_>, draw: &mut Draw) -> Tree {
    let size = *draw.weighted(TIERING_QUOTAS);
    let all = world.nodes.iter().take(3).map(|node| {
        map([
            ("metric", "node_eligible_mem_bp".into()),
            ("nid", node.id.into()),
            ("target_value", (*draw.pick(TIERING_SHARES)).into()),
        ])
    });
    let quota = map([
        ("sz_bytes", size.into()),
        ("reset_interval_ms", format!("{} ms", tiers.times.aggregation_us() / 1_000).into()),
        ("goals", list(all)),
    ]);
    map([("action", "stat".into()), ("quotas", quota)])
}

/// A scheme that moves hot memory from one node to another until that has its share, or counts what it would move.
fn mover(tiers: &Tiers, (from, to): (Node, Node), share: u64, draw: &mut Draw) -> Tree {
    let mut scheme = if draw.chance(80) {
        map([("action", "migrate_hot".into()), ("target_nid", to.id.into())])
    } else {
        map([("action", "stat".into())])
    };
    let accesses = map([("min", "1 samples".into()), ("max", "max".into())]);
    let mut pattern = map([("nr_accesses", accesses)]);
    if draw.chance(50) {
        pattern.set("sz_bytes", map([("min", "4 KiB".into()), ("max", "max".into())]));
    }
    scheme.set("access_pattern", pattern);
    if draw.chance(20) {
        scheme.set("apply_interval_us", super::around::time(tiers.times.aggregation_us()));
    }
    let goal =
        [("metric", "node_eligible_mem_bp".into()), ("nid", to.id.into()), ("target_value", share.into())];
    let mut quota = map([
        ("sz_bytes", (*draw.weighted(TIERING_QUOTAS)).into()),
        ("reset_interval_ms", format!("{} ms", tiers.times.aggregation_us() / 1_000).into()),
        ("goal_tuner", if draw.chance(60) { "temporal" } else { "consist" }.into()),
        ("goals", list([map(goal)])),
    ]);
    if draw.chance(30) {
        quota.set("weights", weights(draw));
    }
    scheme.set("quotas", quota);
    // An addr filter takes one range.
    if !from.traits.split && draw.chance(75) {
        let range = map([("node", from.id.into())]);
        let filter = map([
            ("filter_type", "addr".into()),
            ("matching", false.into()),
            ("allow", false.into()),
            ("address_range", range),
        ]);
        scheme.set("core_filters", list([filter]));
    }
    scheme
}
