//! The filters of a scheme.

use super::around::Around;
use super::part::Part;
use super::world::World;
use crate::explore::tree::{Tree, list, map};
use crate::scenario::Draw;

fn filter(kind: &str, draw: &mut Draw) -> Tree {
    let (matching, allow) = (draw.chance(50), draw.chance(50));
    map([("filter_type", kind.into()), ("matching", matching.into()), ("allow", allow.into())])
}

/// Filters of the core: on targets, and on physical addresses.
pub(super) fn core_filters(around: Around, world: &World<'_>, draw: &mut Draw) -> Vec<Tree> {
    let mut filters = Vec::new();
    if !world.focus.wants(Part::Filter, draw) {
        return filters;
    }
    for _ in 0..draw.between(1, 2) {
        // An addr filter takes one range.
        let node = world.node(draw);
        if around.vaddr || node.traits.split || draw.chance(20) {
            let mut one = filter("target", draw);
            one.set("damon_target_idx", draw.index(around.targets) as u64);
            filters.push(one);
        } else {
            let mut one = filter("addr", draw);
            one.set("address_range", map([("node", node.id.into())]));
            filters.push(one);
        }
    }
    filters
}

/// Filters of the operations, which look at pages.
pub(super) fn ops_filters(world: &World<'_>, draw: &mut Draw) -> Vec<Tree> {
    let mut filters = Vec::new();
    if !world.focus.wants(Part::Filter, draw) {
        return filters;
    }
    for _ in 0..draw.between(1, 3) {
        let one = match *draw.pick(&["anon", "active", "young", "unmapped", "hugepage_size", "memcg"]) {
            "memcg" if world.memcgs.is_empty() => filter("anon", draw),
            "memcg" => {
                let mut one = filter("memcg", draw);
                one.set("memcg_path", draw.pick(&world.memcgs).clone());
                one
            }
            "hugepage_size" => {
                let mut one = filter("hugepage_size", draw);
                let least = *draw.pick(&["0", "4 KiB", "2 MiB"]);
                one.set("hugepage_size", list([least.into(), "2 MiB".into()]));
                one
            }
            kind => filter(kind, draw),
        };
        filters.push(one);
    }
    filters
}
