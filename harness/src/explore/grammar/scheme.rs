//! A scheme: its action, what it acts on, and when.

use super::around::{Around, Times, time};
use super::filters::{core_filters, ops_filters};
use super::part::Part;
use super::quota::quota;
use super::table::{DEPRECATED_FILTERS, PADDR_ACTIONS, VADDR_ACTIONS};
use super::world::World;
use crate::explore::tree::{Tree, list, map};
use crate::scenario::Draw;

/// A scheme.
pub(super) fn scheme(around: Around, world: &World<'_>, draw: &mut Draw) -> Tree {
    let mut scheme = action(around.vaddr, world, draw);
    let pattern = pattern(around.times, draw);
    if !matches!(&pattern, Tree::Map(entries) if entries.is_empty()) {
        scheme.set("access_pattern", pattern);
    }
    if draw.chance(30) {
        scheme.set("apply_interval_us", apply_interval(around.times, draw));
    }
    let core = core_filters(around, world, draw);
    if world.focus.wants(Part::Quota, draw) {
        scheme.set("quotas", quota(around, world, !core.is_empty(), draw));
    }
    let ops = ops_filters(world, draw);
    let all = if draw.chance(DEPRECATED_FILTERS) {
        // The folder that takes both kinds.
        vec![("filters", core.into_iter().chain(ops).collect())]
    } else {
        vec![("core_filters", core), ("ops_filters", ops)]
    };
    for (key, filters) in all {
        if !filters.is_empty() {
            scheme.set(key, list(filters));
        }
    }
    if world.focus.wants(Part::Watermarks, draw) {
        scheme.set("watermarks", watermarks(draw));
    }
    if world.focus.wants(Part::Snapshots, draw) {
        scheme.set("stats", map([("max_nr_snapshots", (*draw.pick(&[1, 2, 7])).into())]));
    }
    scheme
}

fn action(vaddr: bool, world: &World<'_>, draw: &mut Draw) -> Tree {
    if !world.focus.wants(Part::Migrate, draw) {
        let actions = if vaddr { VADDR_ACTIONS } else { PADDR_ACTIONS };
        return map([("action", (*draw.weighted(actions)).into())]);
    }
    let action = if draw.chance(60) { "migrate_hot" } else { "migrate_cold" };
    let mut scheme = map([("action", action.into())]);
    if vaddr && draw.chance(40) {
        let mut dests = Vec::new();
        for _ in 0..draw.between(1, 3) {
            let weight = *draw.pick(&[0, 1, 2, 100]);
            dests.push(map([("id", world.node(draw).id.into()), ("weight", weight.into())]));
        }
        scheme.set("dests", list(dests));
    } else {
        scheme.set("target_nid", world.node(draw).id);
    }
    scheme
}

/// The pattern of what a scheme acts on.
pub(super) fn pattern(times: Times, draw: &mut Draw) -> Tree {
    let mut pattern = Tree::Map(Vec::new());
    if draw.chance(75) {
        let most = times.aggregation;
        let least = *draw.pick(&[0, 0, 1, 1, 1, most / 2, most]);
        let most = draw.between(least, most);
        let most = if draw.chance(50) { "max".to_owned() } else { format!("{most} samples") };
        let ends = map([("min", format!("{least} samples").into()), ("max", most.into())]);
        pattern.set("nr_accesses", ends);
    }
    if draw.chance(35) {
        let least = *draw.pick(&["0", "4 KiB", "4097", "1 MiB"]);
        let most = *draw.pick(&["max", "max", "2 MiB", "64 MiB"]);
        pattern.set("sz_bytes", map([("min", least.into()), ("max", most.into())]));
    }
    if draw.chance(35) {
        let least = *draw.pick(&[0, 0, 1, 2, 5]);
        let most = if draw.chance(65) { "max".to_owned() } else { format!("{} aggr_intervals", least + 3) };
        let ends = map([("min", format!("{least} aggr_intervals").into()), ("max", most.into())]);
        pattern.set("age", ends);
    }
    pattern
}

/// An apply interval: less than a sample, a sample, an aggregation, more, and what is no multiple of either.
pub(super) fn apply_interval(times: Times, draw: &mut Draw) -> Tree {
    let (sample, aggregation) = (times.sample_us, times.aggregation_us());
    time(*draw.pick(&[1_000, sample, sample * 3, aggregation, aggregation * 2, aggregation / 2 + 1_001]))
}

fn watermarks(draw: &mut Draw) -> Tree {
    let bounds = *draw.pick(&[
        (1_000, 999, 0),
        (1_000, 900, 0),
        (999, 500, 1),
        (500, 400, 200),
        (0, 0, 0),
        (900, 900, 900),
    ]);
    map([
        ("metric", "free_mem_rate".into()),
        ("interval_us", time(*draw.pick(&[100_000, 500_000, 1_000_000]))),
        ("high_permil", bounds.0.into()),
        ("mid_permil", bounds.1.into()),
        ("low_permil", bounds.2.into()),
    ])
}
