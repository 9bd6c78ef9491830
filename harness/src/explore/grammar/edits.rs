//! A change of one value of a scheme, as a commit brings it to a scheme that stays.

use super::around::Around;
use super::quota::{goals, weights};
use super::scheme::{apply_interval, pattern};
use super::table::{QUOTA_BEHIND_A_FILTER, QUOTAS};
use super::world::World;
use crate::explore::tree::{Tree, list};
use crate::scenario::Draw;

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edit {
    Filter(&'static str),
    Target,
    Pattern,
    Interval,
    Quota,
    Goals,
    Weights,
}

/// The scheme with one value changed.
pub(super) fn edited(scheme: &Tree, around: Around, world: &World<'_>, draw: &mut Draw) -> Tree {
    let mut possible = vec![Edit::Pattern, Edit::Interval];
    let filters =
        ["core_filters", "ops_filters", "filters"].into_iter().filter(|key| scheme.get(key).is_some());
    // Filters are few, and what a commit does to them is easily wrong.
    possible.extend(filters.flat_map(|key| [Edit::Filter(key); 4]));
    if scheme.get("target_nid").is_some() {
        possible.push(Edit::Target);
    }
    if scheme.get("quotas").is_some() {
        possible.extend([Edit::Quota, Edit::Goals, Edit::Goals, Edit::Weights]);
    }
    let mut new = scheme.clone();
    match *draw.pick(&possible) {
        Edit::Filter(key) => new.set(key, with_other_filter(scheme.get(key).map_or(&[], Tree::items), draw)),
        Edit::Target => new.set("target_nid", world.node(draw).id),
        Edit::Pattern => new.set("access_pattern", pattern(around.times, draw)),
        Edit::Interval => new.set("apply_interval_us", apply_interval(around.times, draw)),
        edit => {
            let mut quota = scheme.get("quotas").cloned().unwrap_or(Tree::Map(Vec::new()));
            match edit {
                Edit::Goals => quota.set("goals", list(goals(around.vaddr, world, draw))),
                Edit::Weights => quota.set("weights", weights(draw)),
                _ => quota.set("sz_bytes", size(draw)),
            }
            new.set("quotas", quota);
        }
    }
    new
}

/// Another size that a filter cannot make slow.
fn size(draw: &mut Draw) -> u64 {
    let size = *draw.weighted(QUOTAS);
    if size < QUOTA_BEHIND_A_FILTER { size + QUOTA_BEHIND_A_FILTER } else { size }
}

/// The filters, one of which says the opposite.
fn with_other_filter(filters: &[Tree], draw: &mut Draw) -> Tree {
    let mut filters = filters.to_vec();
    let place = draw.index(filters.len());
    if let Some(filter) = filters.get_mut(place) {
        let key = *draw.pick(&["allow", "matching"]);
        let was = filter.get(key) == Some(&Tree::from(true));
        filter.set_in_place(key, (!was).into());
    }
    list(filters)
}
