//! A walk over a configuration as it is written: each keyword of a kind that may be introduced, and each `sysfs:` with
//! its folder.

use super::introduced::WordKind;
use super::raw::{
    RawContext, RawFilter, RawGoal, RawIntervals, RawKdamond, RawProbe, RawQuotas, RawScheme, RawWatermarks,
};
use super::raw_files::RawFiles;
use crate::grammar::{At, Scalar};

/// What the walk comes by.
pub(super) enum Part<'a> {
    Keyword(WordKind, &'a At<Scalar>),
    /// The files of a folder, relative to the kdamond's; empty, or with a slash at its end.
    Files(String, &'a RawFiles),
}

/// The parts of a kdamond, a folder before those below it.
pub(super) fn of_kdamond<'a>(raw: &'a RawKdamond, visit: &mut impl FnMut(Part<'a>)) {
    visit(Part::Files(String::new(), &raw.sysfs));
    for (index, context) in raw.contexts.value.iter().enumerate() {
        self::context(context, &format!("contexts/{index}/"), visit);
    }
}

fn context<'a>(raw: &'a RawContext, at: &str, visit: &mut impl FnMut(Part<'a>)) {
    visit(Part::Keyword(WordKind::Operations, &raw.ops));
    visit(Part::Files(at.to_owned(), &raw.sysfs));
    if let Some(intervals) = &raw.intervals {
        self::intervals(intervals, &format!("{at}monitoring_attrs/intervals/"), visit);
    }
    if let Some(regions) = &raw.nr_regions {
        visit(Part::Files(format!("{at}monitoring_attrs/nr_regions/"), &regions.sysfs));
    }
    for (index, raw) in raw.probes.iter().enumerate() {
        probe(&raw.value, &format!("{at}monitoring_attrs/probes/{index}/"), visit);
    }
    for (index, target) in raw.targets.value.iter().enumerate() {
        visit(Part::Files(format!("{at}targets/{index}/"), &target.value.sysfs));
    }
    for (index, raw) in raw.schemes.iter().enumerate() {
        scheme(raw, &format!("{at}schemes/{index}/"), visit);
    }
}

fn intervals<'a>(raw: &'a RawIntervals, at: &str, visit: &mut impl FnMut(Part<'a>)) {
    visit(Part::Files(at.to_owned(), &raw.sysfs));
    if let Some(goal) = &raw.intervals_goal {
        visit(Part::Files(format!("{at}intervals_goal/"), &goal.sysfs));
    }
}

fn probe<'a>(raw: &'a RawProbe, at: &str, visit: &mut impl FnMut(Part<'a>)) {
    visit(Part::Files(at.to_owned(), &raw.sysfs));
    for (index, filter) in raw.filters.iter().enumerate() {
        visit(Part::Keyword(WordKind::Filter, &filter.value.filter_type));
        visit(Part::Files(format!("{at}filters/{index}/"), &filter.value.sysfs));
    }
}

fn scheme<'a>(raw: &'a RawScheme, at: &str, visit: &mut impl FnMut(Part<'a>)) {
    raw.action.iter().for_each(|action| visit(Part::Keyword(WordKind::Action, action)));
    visit(Part::Files(at.to_owned(), &raw.sysfs));
    if let Some(pattern) = &raw.access_pattern {
        visit(Part::Files(format!("{at}access_pattern/"), &pattern.sysfs));
    }
    if let Some(quotas) = &raw.quotas {
        self::quotas(quotas, &format!("{at}quotas/"), visit);
    }
    if let Some(RawWatermarks { metric, sysfs, .. }) = &raw.watermarks {
        visit(Part::Keyword(WordKind::WatermarkMetric, metric));
        visit(Part::Files(format!("{at}watermarks/"), sysfs));
    }
    filters(&raw.core_filters, &format!("{at}core_filters/"), visit);
    filters(&raw.ops_filters, &format!("{at}ops_filters/"), visit);
    filters(&raw.filters, &format!("{at}filters/"), visit);
    for (index, dest) in raw.dests.iter().enumerate() {
        visit(Part::Files(format!("{at}dests/{index}/"), &dest.sysfs));
    }
    if let Some(stats) = &raw.stats {
        visit(Part::Files(format!("{at}stats/"), &stats.sysfs));
    }
}

fn quotas<'a>(raw: &'a RawQuotas, at: &str, visit: &mut impl FnMut(Part<'a>)) {
    raw.goal_tuner.iter().for_each(|tuner| visit(Part::Keyword(WordKind::GoalTuner, tuner)));
    visit(Part::Files(at.to_owned(), &raw.sysfs));
    if let Some(weights) = &raw.weights {
        visit(Part::Files(format!("{at}weights/"), &weights.sysfs));
    }
    of_goals(&raw.goals, &format!("{at}goals/"), visit);
}

/// The parts of the goals in the folder `at`.
pub(super) fn of_goals<'a>(raw: &'a [At<RawGoal>], at: &str, visit: &mut impl FnMut(Part<'a>)) {
    for (index, goal) in raw.iter().enumerate() {
        visit(Part::Keyword(WordKind::GoalMetric, &goal.value.metric));
        visit(Part::Files(format!("{at}{index}/"), &goal.value.sysfs));
    }
}

fn filters<'a>(raw: &'a [At<RawFilter>], at: &str, visit: &mut impl FnMut(Part<'a>)) {
    for (index, filter) in raw.iter().enumerate() {
        visit(Part::Keyword(WordKind::Filter, &filter.value.filter_type));
        visit(Part::Files(format!("{at}{index}/"), &filter.value.sysfs));
    }
}
