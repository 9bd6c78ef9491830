//! How many regions there are: R5.

use super::dumps::{Dump, dumps, size};
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::recording::{Event, Line};
use crate::subject::damon::events::{Aggregated, BeforeApply};
use crate::subject::damon::rule::{About, DamonRule, Kind, Rule, RuleResult, each_kdamond_run, in_core};
use crate::subject::damon::view::{KdamondRun, PAGE, View};
use crate::subject::damon::view::{has_fixed_ranges, is_limited, need_known_action};
use damonlab_protocol::damon::{FilterKind, FilterLayer, Scheme};

/// Aggregations after a commit that may still be of the limits before it: a commit comes after regions are merged, and
/// the next merging goes by the largest size that was computed after this one (`sz_limit` of `kdamond_fn`; seen in
/// `commit-max-nr-regions`: 43 regions where 20 were allowed, and 7 an aggregation later).
const AFTER_A_COMMIT: usize = 2;

pub(crate) static REGION_COUNT_IS_WITHIN_LIMITS: DamonRule = Rule {
    about: About {
        id: "R5",
        name: "region-count-is-within-limits",
        kind: Kind::Conditional,
        statement: "There are at most max_nr_regions regions that differ, and none is so large that there could be fewer than min_nr_regions.",
        because: "Neighbours are merged until there are few enough, and large regions are split. Afterwards only an action makes regions differ, at two borders.",
        source: &[
            in_core("kdamond_merge_regions"),
            in_core("damon_apply_min_nr_regions"),
            in_core("damon_region_sz_limit"),
        ],
        file: file!(),
        when: "damon_aggregated is recorded; the maximum where it is at least twice the minimum, and ranges are fixed",
    },
    judge: region_count_is_within_limits,
};

fn region_count_is_within_limits(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        run.need_bytes()?;
        let skipped = if run.is_from_start() { 0 } else { AFTER_A_COMMIT };
        let mut from = 0;
        let mut findings = Violations::default();
        for (nth, dump) in dumps(view, run)?.iter().enumerate() {
            if nth >= skipped {
                findings.extend(too_large(run, dump));
                findings.extend(too_many(view, run, dump, from));
            }
            from = dump.at();
        }
        Ok(findings)
    })
}

/// `damon_apply_min_nr_regions` splits what is larger, and nothing is merged beyond that size.
fn too_large(run: &KdamondRun<'_>, dump: &Dump<'_>) -> Option<Violation> {
    let least = run.config.context.nr_regions.min.max(1);
    let most = (dump.bytes() / least).max(PAGE).next_multiple_of(PAGE);
    let (line, region) = dump.regions().find(|(_, region)| size(region) > most)?;
    let expected = format!("no region above {most} bytes, so that there are {least} regions at least");
    Some(Violation::new(expected, format!("one of {} bytes", size(region))).at([*line]))
}

/// More regions than the maximum. Where schemes split regions, neighbours with the same age and number of
/// accesses count as one: an action makes at most two borders between others. Elsewhere every region counts.
fn too_many(view: &View<'_>, run: &KdamondRun<'_>, dump: &Dump<'_>, from: usize) -> Option<Violation> {
    let context = &run.config.context;
    let runs = dump.targets.iter().map(|pass| breaks(dump, pass.target, |old, new| old.end != new.start));
    let runs: u64 = runs.sum();
    // Neighbours are not merged to more than a region's largest size, which leaves as many.
    let unmergeable = context.nr_regions.min.saturating_mul(2).saturating_add(runs);
    let actions_are_traced = context.schemes.is_empty() || view.traced(BeforeApply::NAME);
    let splits_are_known = context.schemes.iter().all(has_known_splits);
    if !has_fixed_ranges(context)
        || context.nr_regions.max < unmergeable
        || !actions_are_traced
        || !splits_are_known
    {
        return None;
    }
    if !context.schemes.iter().any(splits) {
        let count = dump.regions().count() as u64;
        return (count > context.nr_regions.max).then(|| {
            let expected = format!(
                "at most {} regions once they are merged: no scheme splits any",
                context.nr_regions.max
            );
            Violation::new(expected, count.to_string()).at(ends(dump))
        });
    }
    let lines = run.lines.get(from..dump.at()).unwrap_or_default();
    let actions = lines.iter().filter(|line| matches!(line.event, Event::BeforeApply(_))).count() as u64;
    let most = context.nr_regions.max.saturating_add(actions.saturating_mul(2));
    let differ = |old: &Aggregated, new: &Aggregated| {
        old.end != new.start || (old.nr_accesses, old.age) != (new.nr_accesses, new.age)
    };
    let count: u64 = dump.targets.iter().map(|pass| breaks(dump, pass.target, differ)).sum();
    if count <= most {
        return None;
    }
    let max = context.nr_regions.max;
    let expected = format!("at most {max} regions, and two more for each of the {actions} actions since");
    let seen = format!("{count} regions that differ from their neighbours");
    Some(Violation::new(expected, seen).at(ends(dump)))
}

/// The lines of the first and the last region.
fn ends<'a>(dump: &Dump<'a>) -> impl Iterator<Item = &'a Line> {
    let ends = [dump.regions().next().copied(), dump.regions().last().copied()];
    ends.into_iter().flatten().map(|(line, _)| line)
}

/// An action or a filter that the scenario introduces may split any region.
fn has_known_splits(scheme: &Scheme) -> bool {
    let is_core = |kind: &FilterKind| matches!(kind, FilterKind::Introduced { layer: FilterLayer::Core, .. });
    let mut filters = scheme.core_filters.iter().chain(&scheme.filters);
    need_known_action(scheme).is_ok() && !filters.any(|filter| is_core(&filter.kind))
}

/// A quota splits the region that it ends in (`damos_apply_scheme`), a filter those that it cuts (`damos_filter_match`).
pub(crate) fn splits(scheme: &Scheme) -> bool {
    is_limited(scheme)
        || [&scheme.core_filters, &scheme.ops_filters, &scheme.filters]
            .iter()
            .any(|filters| !filters.is_empty())
}

/// How many groups a target's regions fall into, where `apart` separates neighbours.
fn breaks(dump: &Dump<'_>, target: u64, apart: impl Fn(&Aggregated, &Aggregated) -> bool) -> u64 {
    let regions = dump.target(target);
    let borders = regions.windows(2).filter(|pair| apart(pair[0].1, pair[1].1)).count() as u64;
    borders + u64::from(!regions.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::recording::Event;
    use crate::subject::damon::testing::{Model, found, stored};

    #[test]
    fn r5_counts_neighbours_that_are_alike_too_where_no_scheme_splits_any() {
        let mut recording = stored("tuned");
        let counts = recording.trace.lines.iter().filter_map(|line| match &line.event {
            Event::Aggregated(event) => Some(u64::from(event.nr_regions)),
            _ => None,
        });
        let most = counts.max();
        let context = &mut recording.plan.kdamonds[0].context;
        context.schemes.clear();
        (context.nr_regions.min, context.nr_regions.max) = (1, most.unwrap());
        assert_eq!(found(&recording, "R5"), []);
        recording.plan.kdamonds[0].context.nr_regions.max -= 1;
        let findings = found(&recording, "R5");
        assert!(findings[0].expected.ends_with("no scheme splits any"), "{findings:?}");
    }

    #[test]
    fn r5_lets_the_first_two_aggregations_after_a_commit_have_more_than_its_maximum() {
        let after = |aggregations: u64| {
            let mut model = Model::pull_push();
            model.turns = 10 + aggregations;
            let mut lower = model.kdamonds.clone();
            let context = &mut lower[0].context;
            context.schemes.clear();
            (context.nr_regions.min, context.nr_regions.max) = (0, 2);
            model.commits.push((10, lower));
            found(&model.recording(), "R5").len()
        };
        assert_eq!([after(0), after(1), after(2), after(3), after(4)], [0, 0, 0, 1, 2]);
    }
}
