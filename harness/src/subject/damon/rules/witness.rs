//! Schemes that act on nothing and show every region: passes between two aggregations are visible through them alone.

use super::region_count::splits;
use super::stats::period;
use crate::subject::damon::events::BeforeApply;
use crate::subject::damon::rule::Reason;
use crate::subject::damon::view::{KdamondRun, PAGE};
use damonlab_protocol::damon::{Context, Ops, Range, Scheme};

/// Whether a scheme's events name every region of every target, and change none: it counts whatever there is, and has
/// neither a quota nor filters.
pub(crate) fn is_witness(context: &Context, scheme: &Scheme) -> bool {
    let samples = context.intervals.aggr_us / context.intervals.sample_us.max(1);
    let any = |range: Range, most: u64| range.min == 0 && range.max >= most;
    scheme.action == "stat"
        && !splits(scheme)
        && scheme.watermarks.metric == "none"
        && scheme.max_nr_snapshots == 0
        && (scheme.sz.min <= PAGE && scheme.sz.max >= u64::from(u32::MAX))
        && any(scheme.nr_accesses, samples)
        && any(scheme.age, u64::from(u32::MAX))
}

/// An error unless regions, and when schemes are applied, change in no other way than the kernel's own.
pub(crate) fn need_steady_passes(run: &KdamondRun<'_>) -> Result<(), Reason> {
    run.need_bytes()?;
    run.need_fixed_intervals()?;
    if run.config.context.ops == Ops::Vaddr {
        return Err("the kernel moves the ranges of virtual addresses itself".to_owned());
    }
    match run.is_from_start() {
        true => Ok(()),
        false => Err("the configuration was changed online".to_owned()),
    }
}

/// Whether two schemes that begin together are applied in the same iterations.
pub(crate) fn in_step(context: &Context, one: &Scheme, other: &Scheme) -> bool {
    period(&context.intervals, one) == period(&context.intervals, other)
}

/// The regions of one pass by target, upwards and disjoint. Where another scheme splits the region that a witness has just
/// shown, the part that is split off comes again.
#[derive(Default)]
pub(crate) struct PassRegions<'a> {
    regions: Vec<&'a BeforeApply>,
}

impl<'a> PassRegions<'a> {
    /// Adds the next event of the witness.
    pub(crate) fn add(&mut self, event: &'a BeforeApply) {
        let again = |last: &&BeforeApply| last.target_idx == event.target_idx && event.start < last.end;
        if !self.regions.last().is_some_and(again) {
            self.regions.push(event);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a BeforeApply> {
        self.regions.iter().copied()
    }

    /// Whether a region of the target begins at an address. A target whose process has ended is passed over.
    pub(crate) fn shows(&self, target: u64, start: u64) -> bool {
        self.regions.iter().any(|one| one.target_idx == target && one.start == start)
    }

    /// Whether a region of the target begins within a range, and not with it.
    pub(crate) fn split(&self, target: u64, start: u64, end: u64) -> bool {
        self.regions.iter().any(|one| one.target_idx == target && start < one.start && one.start < end)
    }
}
