//! The quota of a scheme: its size, its time, its goals and their tuner, the weights of its priorities.

use super::around::Around;
use super::part::Part;
use super::table::{
    ABSENT_NODES, METRICS, PLAIN_WEIGHTS, QUOTA_BEHIND_A_FILTER, QUOTAS, RESETS, SHARES,
    SMALL_QUOTA_BEHIND_A_FILTER,
};
use super::world::World;
use crate::explore::tree::{Tree, list, map};
use crate::scenario::Draw;

/// A quota; `filtered` is one of a scheme with core filters.
pub(super) fn quota(around: Around, world: &World<'_>, filtered: bool, draw: &mut Draw) -> Tree {
    let mut size = *draw.weighted(QUOTAS);
    let is_small = size != 0 && size < QUOTA_BEHIND_A_FILTER;
    if filtered && is_small && draw.below(SMALL_QUOTA_BEHIND_A_FILTER) > 0 {
        size += QUOTA_BEHIND_A_FILTER;
    }
    let size = if size == u64::MAX { "max".into() } else { size.into() };
    let mut quota = map([("sz_bytes", size)]);
    if draw.chance(8) {
        quota.set("time_ms", format!("{} ms", draw.pick(&[1, 10, 50])));
    }
    quota.set("reset_interval_ms", format!("{} ms", draw.weighted(RESETS)));
    if world.focus.wants(Part::Goal, draw) {
        quota.set("goal_tuner", if draw.chance(50) { "temporal" } else { "consist" });
        quota.set("goals", list(goals(around.vaddr, world, draw)));
    }
    if world.focus.wants(Part::Weights, draw) {
        quota.set("weights", weights(draw));
    }
    if draw.chance(8) {
        let (numerator, denominator) = *draw.pick(&[(0, 1), (1, 1), (1, 10), (1, 4_096), (3, 2)]);
        quota.set("fail_charge_num", numerator);
        quota.set("fail_charge_denom", denominator);
    }
    quota
}

/// Weights of priorities: plain ones, or any.
pub(super) fn weights(draw: &mut Draw) -> Tree {
    weights_of(match draw.chance(60) {
        true => *draw.weighted(PLAIN_WEIGHTS),
        false => [(); 3].map(|()| *draw.pick(&[0, 1, 500, 1_000])),
    })
}

/// The weights of the size, the accesses and the age.
pub(super) fn weights_of([size, accesses, age]: [u64; 3]) -> Tree {
    map([("sz_permil", size.into()), ("nr_accesses_permil", accesses.into()), ("age_permil", age.into())])
}

/// One to three goals.
pub(super) fn goals(vaddr: bool, world: &World<'_>, draw: &mut Draw) -> Vec<Tree> {
    let count = *draw.weighted(&[(5, 1), (3, 2), (1, 3)]);
    (0..count).map(|_| goal(vaddr, world, draw)).collect()
}

fn goal(vaddr: bool, world: &World<'_>, draw: &mut Draw) -> Tree {
    let metrics = if vaddr { &METRICS[1..] } else { METRICS };
    let metric = match *draw.weighted(metrics) {
        metric if metric.contains("memcg") && world.memcgs.is_empty() => "inactive_mem_bp",
        metric => metric,
    };
    let mut goal = map([("metric", metric.into())]);
    if metric.starts_with("node_") {
        let absent = world.absent && metric != "node_eligible_mem_bp" && draw.chance(50);
        goal.set("nid", if absent { *draw.pick(ABSENT_NODES) } else { world.node(draw).id });
    }
    if metric.contains("memcg") {
        goal.set("memcg_path", draw.pick(&world.memcgs).clone());
    }
    match metric {
        "user_input" => {
            goal.set("target_value", *draw.pick(&[1, 100, 10_000]));
            goal.set("current_value", *draw.pick(&[0, 1, 99, 100, 101]));
        }
        "some_mem_psi_us" => goal.set("target_value", *draw.pick(&["1 ms", "10 ms"])),
        _ => goal.set("target_value", *draw.pick(SHARES)),
    }
    goal
}
