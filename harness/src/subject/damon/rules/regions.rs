//! The monitoring regions of every aggregation: R1, R2, R3.

use super::dumps::{Pass, passes};
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::recording::{Event, Line};
use crate::subject::damon::events::Aggregated;
use crate::subject::damon::rule::{About, DamonRule, Kind, Rule, RuleResult, each_kdamond_run, in_core};
use crate::subject::damon::view::need_known_ops;
use crate::subject::damon::view::{KdamondRun, View, joined};

pub(crate) static REGIONS_ARE_SORTED_AND_DISJOINT: DamonRule = Rule {
    about: About {
        id: "R1",
        name: "regions-are-sorted-and-disjoint",
        kind: Kind::Exact,
        statement: "An aggregation emits nr_regions regions of a target, one after the other, sorted and disjoint.",
        because: "One loop emits the entire list with its length, and the list is sorted.",
        source: &[in_core("kdamond_reset_aggregated")],
        file: file!(),
        when: "damon_aggregated is recorded",
    },
    judge: regions_are_sorted_and_disjoint,
};

fn regions_are_sorted_and_disjoint(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        view.need(&[Aggregated::NAME])?;
        let (passes, mut findings) = passes(run);
        findings.extend(passes.iter().filter_map(unsorted));
        Ok(findings)
    })
}

fn unsorted(pass: &Pass<'_>) -> Option<Violation> {
    if let Some((line, event)) = pass.regions.iter().find(|(_, event)| event.start >= event.end) {
        let seen = format!("{}-{}", event.start, event.end);
        return Some(Violation::new("a region that ends after its start", seen).at([*line]));
    }
    let pair = pass.regions.windows(2).find(|pair| pair[0].1.end > pair[1].1.start)?;
    let expected = format!("the regions of target {} to be sorted and disjoint", pass.target);
    let seen = format!("{} after one that ends at {}", pair[1].1.start, pair[0].1.end);
    Some(Violation::new(expected, seen).at(pair.iter().map(|(line, _)| *line)))
}

pub(crate) static REGIONS_COVER_TARGETS: DamonRule = Rule {
    about: About {
        id: "R2",
        name: "regions-cover-targets",
        kind: Kind::Exact,
        statement: "The regions of an aggregation cover exactly the configured ranges.",
        because: "Splitting a region and merging neighbours do not change the union.",
        source: &[
            in_core("damon_set_regions"),
            in_core("damon_merge_two_regions"),
            in_core("damon_split_region_at"),
        ],
        file: file!(),
        when: "damon_aggregated is recorded; paddr or fvaddr",
    },
    judge: regions_cover_targets,
};

fn regions_cover_targets(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        view.need(&[Aggregated::NAME])?;
        run.need_targets()?;
        let context = &run.config.context;
        let targets = 0..context.targets.len();
        let ranges: Vec<_> = targets.map(|target| view.ranges(context, target)).collect();
        if ranges.iter().all(Option::is_none) {
            return Err("the kernel chooses the regions itself, or addr_unit is not 1".to_owned());
        }
        let mut findings = Violations::default();
        for pass in passes(run).0 {
            let Some(Some(wanted)) = ranges.get(pass.target as usize) else { continue };
            let covered = joined(pass.regions.iter().map(|(_, event)| (event.start, event.end)));
            if covered != *wanted {
                findings.push(|| {
                    let expected = format!("target {} to cover {}", pass.target, shown(wanted));
                    let ends = [pass.regions.first(), pass.regions.last()];
                    let lines = ends.into_iter().flatten().map(|(line, _)| *line);
                    Violation::new(expected, shown(&covered)).at(lines)
                });
            }
        }
        Ok(findings)
    })
}

/// The first ranges, and how many more.
fn shown(ranges: &[(u64, u64)]) -> String {
    let first: Vec<String> = ranges.iter().take(6).map(|(start, end)| format!("{start}-{end}")).collect();
    match ranges.len().saturating_sub(6) {
        0 => first.join(" "),
        more => format!("{} and {more} more", first.join(" ")),
    }
}

pub(crate) static ACCESSES_ARE_AT_MOST_SAMPLES: DamonRule = Rule {
    about: About {
        id: "R3",
        name: "accesses-are-at-most-samples",
        kind: Kind::Exact,
        statement: "A region is seen accessed at most once a sample; never when probes have weights.",
        because: "Each sample adds at most one to a region; if probes have weights, the kernel checks no accesses.",
        source: &[in_core("damon_update_region_access_rate")],
        file: file!(),
        when: "damon_aggregated is recorded, intervals are not tuned",
    },
    judge: accesses_are_at_most_samples,
};

fn accesses_are_at_most_samples(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        view.need(&[Aggregated::NAME])?;
        run.need_fixed_intervals()?;
        let context = &run.config.context;
        need_known_ops(context)?;
        let weighted = context.probes.iter().any(|probe| probe.weight > 0);
        let samples = context.intervals.aggr_us / context.intervals.sample_us.max(1);
        let most = if weighted { 0 } else { samples.max(1) };
        let mut findings = Violations::default();
        let skipped = if weighted { counted_before(run) } else { 0 };
        for line in run.lines.iter().skip(skipped) {
            if let Event::Aggregated(event) = &line.event
                && u64::from(event.nr_accesses) > most
            {
                findings.push(|| {
                    let expected = format!("at most {most} accesses in an aggregation of {samples} samples");
                    Violation::new(expected, event.nr_accesses.to_string()).at([*line])
                });
            }
        }
        Ok(findings)
    })
}

/// How many lines end the aggregation in which a commit came: the probes before it may have had no weights. What was counted
/// with other intervals is no exception: it is converted to those of the commit, or begins at 0
/// (`damon_update_monitoring_results`).
fn counted_before(run: &KdamondRun<'_>) -> usize {
    if !run.continues() {
        return 0;
    }
    let aggregated = |line: &&Line| matches!(line.event, Event::Aggregated(_) | Event::RegionAggregated(_));
    let first = run.lines.iter().take_while(|line| !aggregated(line)).count();
    first + run.lines[first..].iter().take_while(|line| aggregated(line)).count()
}

#[cfg(test)]
mod tests {
    use crate::subject::damon::testing::{Model, edit, found, of_event, replace, rewrite};
    use damonlab_protocol::damon::Probe;

    #[test]
    fn r1_sees_a_region_too_few_and_one_too_many() {
        for keep in [0, 2] {
            let mut recording = Model::pull_push().recording();
            rewrite(&mut recording, |lines| {
                let at = of_event(lines, "damon_aggregated")[5];
                let line = lines.remove(at);
                (0..keep).for_each(|_| lines.insert(at, line.clone()));
            });
            assert!(!found(&recording, "R1").is_empty(), "{keep} of one region");
        }
    }

    #[test]
    fn r1_sees_regions_that_overlap_or_are_empty() {
        let split = Model::NODE0.0 + (16 << 20);
        for (from, to) in [(split, split + 4096), (split, Model::NODE0.0)] {
            let mut recording = Model::pull_push().recording();
            let (from, to) = (format!("-{from}:"), format!("-{to}:"));
            rewrite(&mut recording, |lines| replace(lines, "damon_aggregated", 1, &from, &to));
            assert_eq!(found(&recording, "R1").len(), 1, "{to}");
        }
    }

    #[test]
    fn r2_sees_a_hole() {
        let mut recording = Model::pull_push().recording();
        let split = Model::NODE0.0 + (16 << 20);
        let (from, to) = (format!("-{split}:"), format!("-{}:", split - 4096));
        rewrite(&mut recording, |lines| replace(lines, "damon_aggregated", 1, &from, &to));
        assert_eq!(found(&recording, "R1"), []);
        assert_eq!(found(&recording, "R2").len(), 1);
    }

    #[test]
    fn r2_sees_memory_that_is_not_monitored() {
        let mut recording = Model::pull_push().recording();
        let node = recording.report.node_ranges.values_mut().last().unwrap();
        node[0].1.0 += 4096;
        assert!(!found(&recording, "R2").is_empty());
    }

    #[test]
    fn r2_aligns_the_ranges_as_the_kernel_does() {
        let mut recording = Model::pull_push().recording();
        let node = recording.report.node_ranges.values_mut().last().unwrap();
        node[0].1.0 -= 1;
        assert_eq!(found(&recording, "R2"), []);
    }

    #[test]
    fn r3_sees_more_accesses_than_samples() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| {
            edit(lines, "damon_aggregated", 0, |line| {
                let (head, age) = line.rsplit_once(' ').unwrap();
                let (head, _) = head.rsplit_once(' ').unwrap();
                format!("{head} 21 {age}")
            });
        });
        assert_eq!(found(&recording, "R3").len(), 1);
    }

    #[test]
    fn r3_counts_the_aggregation_of_a_commit_too() {
        let mut model = Model::pull_push();
        model.commit(10, |_| {});
        let mut recording = model.recording();
        let mut count = 0;
        rewrite(&mut recording, |lines| {
            for at in of_event(lines, "damon_aggregated") {
                let (head, age) = lines[at].rsplit_once(' ').unwrap();
                let (head, _) = head.rsplit_once(' ').unwrap();
                lines[at] = format!("{head} 21 {age}");
                count += 1;
            }
        });
        let findings = found(&recording, "R3");
        assert_eq!(findings.len() + findings.iter().map(|one| one.more).sum::<usize>(), count);
    }

    #[test]
    fn r3_wants_no_access_checks_beside_weighted_probes() {
        let mut recording = Model::pull_push().recording();
        recording.plan.kdamonds[0].context.probes =
            vec![Probe { preps: Vec::new(), weight: 1, filters: Vec::new() }];
        assert!(!found(&recording, "R3").is_empty());
    }
}
