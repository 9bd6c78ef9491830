//! The statistics of a scheme against its apply interval and its actions: S1, S2, S6.

use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::recording::{Event, Line};
use crate::subject::damon::events::{BeforeApply, Stat};
use crate::subject::damon::rule::{About, DamonRule, Kind, Rule, RuleResult, each_scheme, in_core};
use crate::subject::damon::view::{KdamondRun, View};
use damonlab_protocol::damon::{Intervals, Scheme};
use damonlab_protocol::units::Nanos;

/// A sleep is at least as long as requested, by the clock of jiffies; 10 ms is the longest jiffy.
pub(crate) const JIFFY: u64 = 10_000_000;

pub(crate) static STATS_ADVANCE_EACH_INTERVAL: DamonRule = Rule {
    about: About {
        id: "S1",
        name: "stats-advance-each-interval",
        kind: Kind::Exact,
        statement: "A scheme's statistics never fall, and the kernel emits them once in each apply interval.",
        because: "The kernel only adds to them, and counts intervals in samples.",
        source: &[in_core("damos_update_stat"), in_core("damos_set_next_apply_sis")],
        file: file!(),
        when: "damos_stat_after_apply_interval is recorded",
    },
    judge: stats_advance_each_interval,
};

fn stats_advance_each_interval(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, _| {
        view.need(&[Stat::NAME])?;
        let stats = stats(run, index);
        let mut findings = Violations::default();
        let before = last_before(view, run, index);
        for pair in before.into_iter().chain(stats.iter().copied()).collect::<Vec<_>>().windows(2) {
            let [(before, old), (line, new)] = pair else { continue };
            if let Some(name) = fell(old, new) {
                findings.push(|| {
                    let expected = format!("{name} of {} never to fall", run.scheme_name(index));
                    Violation::new(expected, "less than before").at([*before, *line])
                });
            }
        }
        if run.need_fixed_intervals().is_ok() {
            findings.extend(out_of_step(run, index));
        }
        Ok(findings)
    })
}

pub(crate) static APPLY_INTERVALS_ARE_KEPT: DamonRule = Rule {
    about: About {
        id: "S6",
        name: "apply-intervals-are-kept",
        kind: Kind::Timed,
        statement: "Between two events with a scheme's statistics there is at least one apply interval.",
        because: "A sleep is never shorter than requested, and an interval is a number of samples.",
        source: &[in_core("kdamond_fn"), in_core("kdamond_usleep"), in_core("damos_set_next_apply_sis")],
        file: file!(),
        when: "damos_stat_after_apply_interval is recorded, intervals are not tuned",
    },
    judge: apply_intervals_are_kept,
};

fn apply_intervals_are_kept(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need(&[Stat::NAME])?;
        run.need_fixed_intervals()?;
        Ok(too_soon(run, index, scheme, &stats(run, index)))
    })
}

/// The statistics of a scheme, in order.
pub(crate) fn stats<'a>(run: &KdamondRun<'a>, index: usize) -> Vec<(&'a Line, &'a Stat)> {
    run.scheme_events(index).collect()
}

/// The statistics of a scheme when this configuration came into force; a commit keeps them.
pub(crate) fn last_before<'a>(
    view: &View<'a>,
    run: &KdamondRun<'a>,
    index: usize,
) -> Option<(&'a Line, &'a Stat)> {
    view.history(run, index).iter().rev().find_map(|era| stats(era, index).pop())
}

/// The first counter that is smaller than it was.
fn fell(old: &Stat, new: &Stat) -> Option<&'static str> {
    let counters = [
        ("nr_tried", old.nr_tried, new.nr_tried),
        ("sz_tried", old.sz_tried, new.sz_tried),
        ("nr_applied", old.nr_applied, new.nr_applied),
        ("sz_applied", old.sz_applied, new.sz_applied),
        ("sz_ops_filter_passed", old.sz_ops_filter_passed, new.sz_ops_filter_passed),
        ("qt_exceeds", old.qt_exceeds, new.qt_exceeds),
        ("nr_snapshots", old.nr_snapshots, new.nr_snapshots),
    ];
    counters.into_iter().find(|(_, old, new)| new < old).map(|(name, _, _)| name)
}

/// How many samples lie between two passes of a scheme (`damos_set_next_apply_sis`); an interval
/// shorter than a sample still takes one.
pub(crate) fn period(intervals: &Intervals, scheme: &Scheme) -> u64 {
    let apply = if scheme.apply_interval_us == 0 { intervals.aggr_us } else { scheme.apply_interval_us };
    (apply / intervals.sample_us.max(1)).max(1)
}

fn too_soon(run: &KdamondRun<'_>, index: usize, scheme: &Scheme, stats: &[(&Line, &Stat)]) -> Violations {
    let intervals = &run.config.context.intervals;
    let least = Nanos::from_micros(period(intervals, scheme).saturating_mul(intervals.sample_us));
    let mut findings = Violations::default();
    for pair in stats.windows(2) {
        let [(before, _), (line, _)] = pair else { continue };
        let gap = line.time.0.saturating_sub(before.time.0);
        if gap.saturating_add(JIFFY) < least.0 {
            findings.push(|| {
                let expected = format!("passes of {} at least {least} apart", run.scheme_name(index));
                Violation::new(expected, format!("{}", Nanos(gap))).at([*before, *line])
            });
        }
    }
    findings
}

/// Compares the count of passes with that of another clock of the same kdamond: scheme 0's, or the
/// aggregations. After N samples a clock of period p has ticked floor(N / p) times, whatever a sample
/// takes in time.
///
/// After a commit neither clock begins at 0, and the next pass may still come when the interval before
/// wanted it (`damos_commit` leaves `next_apply_sis`): what comes after the first pass is compared.
fn out_of_step(run: &KdamondRun<'_>, index: usize) -> Option<Violation> {
    let context = &run.config.context;
    let always_active = context.schemes.iter().all(|scheme| scheme.watermarks.metric == "none");
    if !always_active || context.pause {
        return None;
    }
    let from = if run.continues() { 1 + first_pass(run, index)? } else { 0 };
    let lines = &run.lines[from..];
    let count = passes(lines, index);
    let mine = period(&context.intervals, &context.schemes[index]);
    let (other, other_count, name) = match aggregations(lines) {
        0 => (period(&context.intervals, &context.schemes[0]), passes(lines, 0), "passes of scheme 0"),
        count => (context.intervals.aggr_us / context.intervals.sample_us.max(1), count, "aggregations"),
    };
    let early = if run.continues() { other } else { 0 };
    let (samples, other_samples) = (mine.saturating_mul(count), other.saturating_mul(other_count));
    let in_step = samples < other_samples.saturating_add(other)
        && other_samples.saturating_sub(early) < samples.saturating_add(mine);
    if in_step {
        return None;
    }
    let expected = format!(
        "{} to make a pass every {mine} samples, beside {other_count} {name} of {other} samples each",
        run.scheme_name(index)
    );
    Some(Violation::new(expected, format!("{count} passes")))
}

fn is_pass(line: &Line, index: usize) -> bool {
    matches!(&line.event, Event::Stat(stat) if stat.scheme_idx as usize == index)
}

fn first_pass(run: &KdamondRun<'_>, index: usize) -> Option<usize> {
    run.lines.iter().position(|line| is_pass(line, index))
}

fn passes(lines: &[&Line], index: usize) -> u64 {
    lines.iter().filter(|line| is_pass(line, index)).count() as u64
}

/// How many aggregations the trace shows: runs of `damon_aggregated` of target 0 that begin anew.
fn aggregations(lines: &[&Line]) -> u64 {
    let (mut count, mut left) = (0, 0);
    for line in lines {
        if let Event::Aggregated(event) = &line.event
            && event.target_id == 0
        {
            if left == 0 {
                count += 1;
                left = event.nr_regions;
            }
            left = left.saturating_sub(1);
        }
    }
    count
}

pub(crate) static TRIED_MATCHES_BEFORE_APPLY: DamonRule = Rule {
    about: About {
        id: "S2",
        name: "tried-matches-before-apply",
        kind: Kind::Exact,
        statement: "nr_tried and sz_tried grow by the regions that damos_before_apply shows.",
        because: "Both are counted and traced for the same regions: those that the core filters let through.",
        source: &[in_core("damos_apply_scheme")],
        file: file!(),
        when: "damos_before_apply and damos_stat_after_apply_interval are recorded",
    },
    judge: tried_matches_before_apply,
};

fn tried_matches_before_apply(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, _| {
        view.need(&[BeforeApply::NAME, Stat::NAME])?;
        let mut findings = Violations::default();
        let before = last_before(view, run, index);
        let (mut old_regions, mut old_bytes) = before.map_or((0, 0), |(_, s)| (s.nr_tried, s.sz_tried));
        let (mut regions, mut bytes) = (0u64, 0u64);
        for line in &run.lines {
            match &line.event {
                Event::BeforeApply(event) if event.scheme_idx as usize == index => {
                    regions += 1;
                    bytes = bytes.saturating_add(event.end.saturating_sub(event.start));
                }
                Event::Stat(stat) if stat.scheme_idx as usize == index => {
                    let grown =
                        (stat.nr_tried.saturating_sub(old_regions), stat.sz_tried.saturating_sub(old_bytes));
                    if grown != (regions, bytes) {
                        findings.push(|| {
                            let name = run.scheme_name(index);
                            let expected = format!(
                                "nr_tried of {name} to grow by {regions} and sz_tried by {bytes}, as damos_before_apply shows"
                            );
                            let seen = format!("{} and {}", grown.0, grown.1);
                            Violation::new(expected, seen).at([*line])
                        });
                    }
                    (old_regions, old_bytes) = (stat.nr_tried, stat.sz_tried);
                    (regions, bytes) = (0, 0);
                }
                _ => {}
            }
        }
        Ok(findings)
    })
}

#[cfg(test)]
mod tests {
    use crate::subject::damon::testing::{Model, found, of_event, rewrite};

    #[test]
    fn s1_sees_each_counter_fall() {
        for name in
            ["nr_tried", "sz_tried", "nr_applied", "sz_applied", "sz_ops_filter_passed", "nr_snapshots"]
        {
            let mut model = Model::pull_push();
            // So long that passes come to the end of the memory, which makes a snapshot.
            model.turns = 80;
            let mut recording = model.recording();
            rewrite(&mut recording, |lines| {
                let last = *of_event(lines, "damos_stat_after_apply_interval").last().unwrap();
                let words: Vec<String> = lines[last]
                    .split(' ')
                    .map(|word| match word.split_once('=') {
                        Some((key, _)) if key == name => format!("{key}=0"),
                        _ => word.to_owned(),
                    })
                    .collect();
                lines[last] = words.join(" ");
            });
            let findings = found(&recording, "S1");
            assert_eq!(findings.len(), 1, "{name}: {findings:?}");
            assert!(findings[0].expected.starts_with(name));
        }
    }

    #[test]
    fn s1_sees_a_scheme_that_is_applied_at_the_pace_of_a_faster_one() {
        let mut recording = Model::pull_push().recording();
        recording.plan.kdamonds[0].context.schemes[1].apply_interval_us = 400_000;
        let findings = found(&recording, "S1");
        assert!(findings.iter().any(|f| f.expected.contains("every 40 samples")), "{findings:?}");
    }

    #[test]
    fn s6_sees_passes_that_come_too_soon() {
        let mut recording = Model::pull_push().recording();
        recording.plan.kdamonds[0].context.schemes[1].apply_interval_us = 400_000;
        let findings = found(&recording, "S6");
        assert!(findings.iter().any(|f| f.expected.contains("at least 400ms apart")), "{findings:?}");
    }

    #[test]
    fn s1_sees_a_scheme_that_stops() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| {
            let mut kept = 3;
            lines.retain(|line| {
                let mine = line.contains("damos_stat") && line.contains("scheme_idx=1");
                kept -= i32::from(mine);
                !mine || kept >= 0
            });
        });
        assert!(found(&recording, "S1").iter().any(|finding| finding.seen == "3 passes"));
    }

    #[test]
    fn s1_compares_schemes_where_aggregations_are_not_recorded() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| {
            lines.retain(|line| !line.contains("damon_aggregated"));
            let stats = of_event(lines, "damos_stat_after_apply_interval");
            let of_one: Vec<usize> =
                stats.into_iter().filter(|at| lines[*at].contains("scheme_idx=1")).collect();
            of_one.into_iter().skip(3).rev().for_each(|at| drop(lines.remove(at)));
        });
        assert!(!found(&recording, "S1").is_empty());
    }

    #[test]
    fn s2_sees_a_region_that_is_not_counted() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| {
            let at = of_event(lines, "damos_before_apply")[1];
            lines.remove(at);
        });
        assert_eq!(found(&recording, "S2").len(), 1);
    }

    #[test]
    fn s2_sees_bytes_that_are_not_counted() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| {
            let at = of_event(lines, "damos_stat_after_apply_interval")[0];
            let (head, tail) = lines[at].split_once("sz_tried=").unwrap();
            let (bytes, tail) = tail.split_once(' ').unwrap();
            let more = bytes.parse::<u64>().unwrap() + 4096;
            lines[at] = format!("{head}sz_tried={more} {tail}");
        });
        assert!(!found(&recording, "S2").is_empty());
    }
}
