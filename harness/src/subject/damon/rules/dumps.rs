//! The aggregations of a run, as `damon_aggregated` shows them.
//!
//! `kdamond_reset_aggregated` prints every region of every target, after schemes were applied and before
//! regions are split: the monitoring results as the schemes left them.

use super::stats::period;
use crate::subject::damon::events::{Aggregated, RegionAggregated};
use crate::subject::damon::rule::{Line, Reason, Violation, Violations};
use crate::subject::damon::view::{KdamondRun, View};
use crate::trace::TypedEvent;
use damonlab_protocol::damon::Scheme;

/// The regions of one target in one aggregation.
pub(crate) struct Pass<'a> {
    pub(crate) target: u64,
    pub(crate) regions: Vec<(&'a Line, &'a Aggregated)>,
    /// The place of the first region among the events of the kdamond.
    pub(crate) at: usize,
}

/// The regions of all targets in one aggregation.
pub(crate) struct Dump<'a> {
    /// One entry per target that has regions.
    pub(crate) targets: Vec<Pass<'a>>,
}

impl<'a> Dump<'a> {
    /// The place of the first region among the events of the kdamond.
    pub(crate) fn at(&self) -> usize {
        self.targets.first().map_or(0, |pass| pass.at)
    }

    /// The regions of one target.
    pub(crate) fn target(&self, target: u64) -> &[(&'a Line, &'a Aggregated)] {
        self.targets.iter().find(|pass| pass.target == target).map_or(&[], |pass| &pass.regions)
    }

    /// The regions of all targets.
    pub(crate) fn regions(&self) -> impl Iterator<Item = &(&'a Line, &'a Aggregated)> {
        self.targets.iter().flat_map(|pass| &pass.regions)
    }

    /// The size of all regions.
    pub(crate) fn bytes(&self) -> u64 {
        self.regions().map(|(_, region)| size(region)).sum()
    }
}

/// The size of a region.
pub(crate) fn size(region: &Aggregated) -> u64 {
    region.end.saturating_sub(region.start)
}

/// Whether a region and a range have an address in common.
pub(crate) fn overlap(region: &Aggregated, start: u64, end: u64) -> bool {
    region.start < end && start < region.end
}

/// The aggregations of a run, in order; the last one may be cut off with the trace.
pub(crate) fn dumps<'a>(view: &View<'_>, run: &KdamondRun<'a>) -> Result<Vec<Dump<'a>>, Reason> {
    view.need(&[Aggregated::NAME])?;
    let mut dumps: Vec<Dump<'a>> = Vec::new();
    for pass in passes(run).0 {
        match dumps.last_mut() {
            // Targets come in order, and nothing comes between them.
            Some(Dump { targets }) if targets.last().is_some_and(|last| last.target < pass.target) => {
                targets.push(pass);
            }
            _ => dumps.push(Dump { targets: vec![pass] }),
        }
    }
    Ok(dumps)
}

/// An error unless every pass of a scheme is followed by an aggregation of the same iteration of the
/// kdamond's loop, so that the aggregation shows the result of the pass.
pub(crate) fn need_passes_at_aggregations(run: &KdamondRun<'_>, scheme: &Scheme) -> Result<(), Reason> {
    run.need_fixed_intervals()?;
    let context = &run.config.context;
    // An inactive scheme does not count its interval, and may be due at any sample after it becomes active.
    if context.schemes.iter().any(|scheme| scheme.watermarks.metric != "none") {
        return Err("watermarks decide when schemes are applied".to_owned());
    }
    // A commit changes the end of the aggregation, and not the time of the next pass.
    if !run.is_from_start() {
        return Err("the configuration was changed online".to_owned());
    }
    let aggregation = (context.intervals.aggr_us / context.intervals.sample_us.max(1)).max(1);
    match period(&context.intervals, scheme).is_multiple_of(aggregation) {
        true => Ok(()),
        false => Err("the scheme is applied between aggregations".to_owned()),
    }
}

/// Splits the events into aggregations, with a violation for each that is shorter than its `nr_regions`. The last one
/// may be cut off with the trace.
pub(crate) fn passes<'a>(run: &KdamondRun<'a>) -> (Vec<Pass<'a>>, Violations) {
    let mut passes = Vec::new();
    let mut violations = Violations::default();
    let mut open: Option<Pass<'a>> = None;
    for (at, line) in run.lines.iter().enumerate() {
        if RegionAggregated::of(&line.event).is_some() {
            continue;
        }
        let event = Aggregated::of(&line.event);
        if let Some(pass) = open.take_if(|pass| !event.is_some_and(|event| pass.continues_with(event))) {
            violations.push(|| pass.too_short(line));
        }
        let Some(event) = event else { continue };
        let pass = open.get_or_insert_with(|| Pass { target: event.target_id, regions: Vec::new(), at });
        pass.regions.push((line, event));
        if let Some(pass) = open.take_if(|pass| pass.regions.len() as u64 >= u64::from(event.nr_regions)) {
            passes.push(pass);
        }
    }
    (passes, violations)
}

impl Pass<'_> {
    fn nr_regions(&self) -> u32 {
        self.regions.first().map_or(0, |(_, event)| event.nr_regions)
    }

    fn continues_with(&self, event: &Aggregated) -> bool {
        (event.target_id, event.nr_regions) == (self.target, self.nr_regions())
    }

    fn too_short(&self, by: &Line) -> Violation {
        let expected = format!("{} regions of target {} in a row", self.nr_regions(), self.target);
        let seen = format!("{}, and then another event", self.regions.len());
        Violation::new(expected, seen).at(self.regions.last().map(|(line, _)| *line)).at([by])
    }
}
