//! The ages of regions (R4, R6), and how an action resets them (A5).

use super::dumps::{Dump, dumps, need_passes_at_aggregations, overlap};
use crate::subject::damon::events::{Aggregated, BeforeApply};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Line, Reason, Rule, RuleResult, Violation, Violations, each_kdamond_run,
    each_scheme, in_core,
};
use crate::subject::damon::view::{KdamondRun, View, scheme_events};
use crate::subject::damon::view::{has_fixed_ranges, need_known_action};

pub(crate) static AGE_GROWS_BY_ONE: DamonRule = Rule {
    about: About {
        id: "R4",
        name: "age-grows-by-one",
        kind: Kind::Exact,
        statement: "The age of a region grows by at most 1 per aggregation, and is at most 1 in the first.",
        because: "The kernel increments the age once per aggregation, and merging takes a mean, which is at most the highest age. Schemes may split merged regions, so neighbours with equal accesses are compared together.",
        source: &[
            in_core("damon_merge_regions_of"),
            in_core("damon_merge_two_regions"),
            in_core("damon_split_region_at"),
        ],
        file: file!(),
        when: "damon_aggregated is recorded, intervals are not tuned",
    },
    judge: age_grows_by_one,
};

fn age_grows_by_one(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        run.need_fixed_intervals()?;
        let mut violations = Violations::default();
        each_region(run, &dumps(view, run)?, |line, region, before| {
            let most = match before {
                Before::Start => 1,
                Before::Regions(before) => match oldest(before) {
                    Some(oldest) => oldest.saturating_add(1),
                    None => return,
                },
            };
            if region.age > most {
                violations.push(|| {
                    let expected = format!("an age of at most {most}: one more than the aggregation before");
                    Violation::new(expected, region.age.to_string()).at(evidence(before, line))
                });
            }
        });
        Ok(violations)
    })
}

pub(crate) static ACCESS_CHANGE_RESETS_AGE: DamonRule = Rule {
    about: About {
        id: "R6",
        name: "access-change-resets-age",
        kind: Kind::Conditional,
        statement: "The age of memory does not grow when accesses to it begin or end.",
        because: "The kernel resets the age when accesses begin or end. A region that was merged afterwards may have a part whose accesses did not change, but a large one would show in the accesses of the region.",
        source: &[in_core("damon_merge_regions_of"), in_core("damon_merge_two_regions")],
        file: file!(),
        when: "damon_aggregated is recorded, intervals are not tuned; paddr or fvaddr; probes have no weights",
    },
    judge: access_change_resets_age,
};

fn access_change_resets_age(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        run.need_fixed_intervals()?;
        let context = &run.config.context;
        if !has_fixed_ranges(context) {
            return Err("the kernel moves the regions itself".to_owned());
        }
        if context.probes.iter().any(|probe| probe.weight > 0) {
            return Err("the age follows probes and not accesses".to_owned());
        }
        let samples = (context.intervals.aggr_us / context.intervals.sample_us.max(1)).max(1);
        let mut violations = Violations::default();
        each_region(run, &dumps(view, run)?, |line, region, before| {
            let Before::Regions(regions) = before else { return };
            let Some(most) = most_after_change(region, regions, samples) else { return };
            if region.age > most {
                violations.push(|| {
                    let oldest = oldest(regions).unwrap_or_default();
                    let accesses = regions.iter().map(|(_, old)| old.nr_accesses).max().unwrap_or_default();
                    let expected = format!(
                        "accesses that changed from {accesses} to {} to reset the age from {oldest} to at most {most}",
                        region.nr_accesses
                    );
                    Violation::new(expected, region.age.to_string()).at(evidence(before, line))
                });
            }
        });
        Ok(violations)
    })
}

/// The highest age of a region that was accessed and now is not, or the other way round.
///
/// Regions are merged after their age is counted, so one may consist of a part that changed, whose age is 0, and of one
/// that did not. The accesses of the region limit the size of the latter: a part has at most `samples`, and the mean
/// is rounded down.
fn most_after_change(region: &Aggregated, before: &[Old<'_>], samples: u64) -> Option<u32> {
    let older = u64::from(oldest(before)?.saturating_add(1));
    let was_never = before.iter().all(|(_, old)| old.nr_accesses == 0);
    let was_always = before.iter().all(|(_, old)| old.nr_accesses > 0);
    let now = u64::from(region.nr_accesses).min(samples);
    let most = match now {
        0 if was_always => older - 1,
        1.. if was_never => older * (samples - now) / samples,
        _ => return None,
    };
    u32::try_from(most).ok()
}

type Old<'a> = (&'a Line, &'a Aggregated);

/// The regions of the aggregation before that have the memory of a region.
#[derive(Clone, Copy)]
enum Before<'b, 'a> {
    /// It is the first one since the kdamond started.
    Start,
    /// These regions.
    Regions(&'b [Old<'a>]),
}

fn oldest(regions: &[Old<'_>]) -> Option<u32> {
    regions.iter().map(|(_, region)| region.age).max()
}

fn evidence<'a>(before: Before<'_, 'a>, line: &'a Line) -> Vec<&'a Line> {
    let old = match before {
        Before::Start => None,
        Before::Regions(regions) => regions.iter().max_by_key(|(_, old)| old.age).map(|(line, _)| *line),
    };
    old.into_iter().chain([line]).collect()
}

/// Visits every region with those of the aggregation before that it may come from.
///
/// Schemes split regions after they were merged: the parts of a merged region are neighbours with equal accesses. Where
/// the kernel moves regions itself, it may come from any.
fn each_region<'a>(
    run: &KdamondRun<'a>,
    dumps: &[Dump<'a>],
    mut visit: impl FnMut(&'a Line, &'a Aggregated, Before<'_, 'a>),
) {
    let moves = !has_fixed_ranges(&run.config.context);
    if let Some(first) = dumps.first().filter(|_| run.is_from_start()) {
        first.regions().for_each(|(line, region)| visit(line, region, Before::Start));
    }
    for pair in dumps.windows(2) {
        let [old, new] = pair else { continue };
        for pass in &new.targets {
            let before = old.target(pass.target);
            for run in
                pass.regions.chunk_by(|(_, a), (_, b)| a.end == b.start && a.nr_accesses == b.nr_accesses)
            {
                let own = if moves { before } else { overlapping(before, run) };
                run.iter().for_each(|(line, region)| visit(line, region, Before::Regions(own)));
            }
        }
    }
}

/// Those of the sorted `regions` that overlap a run of sorted regions.
fn overlapping<'b, 'a>(regions: &'b [Old<'a>], run: &[Old<'_>]) -> &'b [Old<'a>] {
    let start = run.first().map_or(0, |(_, region)| region.start);
    let end = run.last().map_or(0, |(_, region)| region.end);
    let from = regions.partition_point(|(_, region)| region.end <= start);
    let count = regions[from..].iter().take_while(|(_, region)| region.start < end).count();
    &regions[from..from + count]
}

pub(crate) static ACTION_RESETS_AGE: DamonRule = Rule {
    about: About {
        id: "A5",
        name: "action-resets-age",
        kind: Kind::Conditional,
        statement: "Memory that a scheme acted on has age 0 in the next aggregation, unless the action is stat.",
        because: "The action resets the age, and later in the same iteration only regions of equal age are merged.",
        source: &[in_core("damos_apply_scheme"), in_core("damos_apply_target")],
        file: file!(),
        when: "passes fall on aggregations; damos_before_apply and damon_aggregated are recorded",
    },
    judge: action_resets_age,
};

fn action_resets_age(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need(&[BeforeApply::NAME])?;
        if scheme.action == "stat" {
            return Err("the action is stat".to_owned());
        }
        need_known_action(scheme)?;
        need_passes_at_aggregations(run, scheme)?;
        acted_on_and_old(run, index, &dumps(view, run)?)
    })
}

/// Regions on which the scheme acted and whose age in the aggregation of the same iteration is not 0.
fn acted_on_and_old(run: &KdamondRun<'_>, index: usize, dumps: &[Dump<'_>]) -> Result<Violations, Reason> {
    let mut violations = Violations::default();
    let mut from = 0;
    let mut acted = false;
    for dump in dumps {
        let lines = run.lines.get(from..dump.at()).unwrap_or_default();
        for (line, event) in scheme_events::<BeforeApply>(lines, index) {
            acted = true;
            let old = |(_, region): &&Old<'_>| overlap(region, event.start, event.end) && region.age != 0;
            if let Some((after, region)) = dump.target(event.target_idx).iter().find(old) {
                violations.push(|| {
                    let name = run.scheme_name(index);
                    let expected = format!("the age of memory on which {name} acted to be 0");
                    Violation::new(expected, region.age.to_string()).at([line, *after])
                });
            }
        }
        from = dump.at();
    }
    if acted { Ok(violations) } else { Err("the scheme did not act".to_owned()) }
}
