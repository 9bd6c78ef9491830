//! A scheme that counts all memory and changes nothing, so that each of its passes shows every region: alone with several
//! passes in an aggregation, or before a scheme that spends a quota by what was accessed most.

use super::around::{Around, time};
use super::quota::{weights, weights_of};
use super::scheme::scheme;
use super::table::{WITNESSED_ACTIONS, WITNESSED_QUOTAS, WITNESSED_RESETS};
use super::world::World;
use crate::explore::tree::{Tree, map};
use crate::scenario::Draw;

/// The witness, and what it stands before.
pub(super) fn schemes(around: Around, world: &World<'_>, draw: &mut Draw) -> Vec<Tree> {
    let interval = interval(around, draw);
    let mut witness = map([("action", "stat".into())]);
    if let Some(interval) = &interval {
        witness.set("apply_interval_us", interval.clone());
    }
    let mut schemes = vec![witness];
    match draw.below(10) {
        0..3 => {}
        3..8 => schemes.push(spender(interval, world, draw)),
        _ => schemes.push(scheme(around, world, draw)),
    }
    schemes
}

/// Several passes in an aggregation, or one.
fn interval(around: Around, draw: &mut Draw) -> Option<Tree> {
    let sample = around.times.sample_us;
    match draw.below(3) {
        0 => None,
        1 => Some(time(sample * draw.between(1, around.times.aggregation))),
        _ => Some(time(sample * (around.times.aggregation / *draw.pick(&[2, 4, 5])).max(1))),
    }
}

/// A scheme that takes all memory, has a quota and no filters, and is applied together with the witness.
fn spender(interval: Option<Tree>, world: &World<'_>, draw: &mut Draw) -> Tree {
    let action = *draw.pick(WITNESSED_ACTIONS);
    let mut scheme = map([("action", action.into())]);
    if action.starts_with("migrate") {
        scheme.set("target_nid", world.node(draw).id);
    }
    let pattern = match draw.below(3) {
        0 => None,
        1 => Some(("nr_accesses", map([("min", "1 samples".into()), ("max", "max".into())]))),
        _ => Some(("age", map([("min", "1 aggr_intervals".into()), ("max", "max".into())]))),
    };
    if let Some((key, range)) = pattern {
        scheme.set("access_pattern", map([(key, range)]));
    }
    if let Some(interval) = interval {
        scheme.set("apply_interval_us", interval);
    }
    let reset = format!("{} ms", draw.pick(WITNESSED_RESETS));
    let mut quota =
        map([("sz_bytes", (*draw.pick(WITNESSED_QUOTAS)).into()), ("reset_interval_ms", reset.into())]);
    quota.set("weights", if draw.chance(50) { weights_of([0, 1_000, 0]) } else { weights(draw) });
    scheme.set("quotas", quota);
    scheme
}
