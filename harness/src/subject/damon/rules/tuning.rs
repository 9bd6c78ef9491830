//! The auto-tuning of the intervals, replayed: T1.
//!
//! Every `aggrs` aggregations `kdamond_tune_intervals` compares the accesses that were seen with those that
//! are wanted. It uses what `damon_aggregated` reports right after, so the new sampling interval can be
//! computed. (The aggregation interval follows: its number of samples never changes.)

use super::dumps::{Dump, dumps, size};
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::recording::{Event, Line};
use crate::subject::damon::events::IntervalsTune;
use crate::subject::damon::formulas::{self, FeedLoop};
use crate::subject::damon::oracle::next_input;
use crate::subject::damon::rule::{About, DamonRule, Kind, Rule, RuleResult, each_kdamond_run, in_core};
use crate::subject::damon::view::{KdamondRun, View};
use damonlab_protocol::damon::{Intervals, IntervalsGoal};

/// The unit of scores and of the adaptation.
const WHOLE: u64 = 10_000;

pub(crate) static TUNED_INTERVAL_FOLLOWS_ACCESSES: DamonRule = Rule {
    about: About {
        id: "T1",
        name: "tuned-interval-follows-accesses",
        kind: Kind::Exact,
        statement: "A tuned sampling interval follows from the accesses of its aggregation, within its limits.",
        because: "The score is the ratio of the accesses that were seen to those that were wanted, and both are traced right after. An interval shrinks to no less than a half and grows to no more than twice its length.",
        source: &[
            in_core("kdamond_tune_intervals"),
            in_core("damon_get_intervals_adaptation_bp"),
            in_core("damon_get_intervals_score"),
        ],
        file: file!(),
        when: "intervals are tuned; replayed where an aggregation's samples divide 10000",
    },
    judge: tuned_interval_follows_accesses,
};

fn tuned_interval_follows_accesses(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        view.need(&[IntervalsTune::NAME])?;
        let intervals = &run.config.context.intervals;
        let Some(goal) = intervals.goal.as_ref().filter(|goal| goal.aggrs > 0) else {
            return Err("intervals are not tuned".to_owned());
        };
        if !run.is_from_start() {
            return Err("the configuration was changed online".to_owned());
        }
        let mut findings = steps(run, intervals, goal);
        let samples = intervals.aggr_us / intervals.sample_us.max(1);
        // Otherwise the counters in the aggregation were rounded (`damon_nr_samples_for_new_attrs`).
        if samples > 0 && WHOLE.is_multiple_of(samples) && formulas::feed_loop(view.recording).is_ok() {
            findings.extend(replay(run, intervals, goal, samples, &dumps(view, run)?));
        }
        Ok(findings)
    })
}

/// The least and the most that a sampling interval can become.
fn bounds(old: u64, goal: &IntervalsGoal) -> (u64, u64) {
    let clamped = |value: u64| value.min(goal.max_sample_us).max(goal.min_sample_us);
    (clamped(old / 2), clamped(old.saturating_mul(2)))
}

/// Intervals that are out of their limits, or that jump.
fn steps(run: &KdamondRun<'_>, intervals: &Intervals, goal: &IntervalsGoal) -> Violations {
    let mut findings = Violations::default();
    let mut old = intervals.sample_us;
    for (line, event) in run.events::<IntervalsTune>() {
        let (least, most) = bounds(old, goal);
        if !(least..=most).contains(&event.sample_us) {
            findings.push(|| {
                let expected = format!(
                    "a sampling interval of {least} to {most} us: half to twice {old} us, within limits"
                );
                Violation::new(expected, format!("sample_us={}", event.sample_us)).at([line])
            });
        }
        old = event.sample_us;
    }
    findings
}

/// The first tuning that does not follow from the accesses of its aggregation.
fn replay(
    run: &KdamondRun<'_>,
    intervals: &Intervals,
    goal: &IntervalsGoal,
    samples: u64,
    dumps: &[Dump<'_>],
) -> Option<Violation> {
    let mut old = intervals.sample_us;
    let mut from = 0;
    for (nth, dump) in (1u64..).zip(dumps) {
        let lines = run.lines.get(from..dump.at()).unwrap_or_default();
        from = dump.at();
        let tuned: Vec<(&Line, u64)> = lines.iter().filter_map(|line| tuned(line)).collect();
        let wanted = nth.is_multiple_of(goal.aggrs).then(|| next(dump, old, goal, samples)).flatten();
        let same = match (wanted, &tuned[..]) {
            (None, []) => true,
            (Some(wanted), [(_, seen)]) => wanted == *seen,
            _ => false,
        };
        if !same {
            let aggregation = dump.regions().next().map(|(line, _)| *line);
            let expected = match wanted {
                Some(wanted) => {
                    format!("sample_us={wanted} in aggregation {nth}, for the accesses seen in it")
                }
                None => format!("no tuning in aggregation {nth}"),
            };
            let seen = match &tuned[..] {
                [] => "none".to_owned(),
                [(_, seen)] => format!("sample_us={seen}"),
                many => format!("{} tunings", many.len()),
            };
            let lines = tuned.iter().map(|(line, _)| *line).chain(aggregation);
            return Some(Violation::new(expected, seen).at(lines));
        }
        old = wanted.unwrap_or(old);
    }
    None
}

fn tuned<'a>(line: &&'a Line) -> Option<(&'a Line, u64)> {
    match &line.event {
        Event::IntervalsTune(event) => Some((line, event.sample_us)),
        _ => None,
    }
}

/// The next sampling interval, or nothing where the accesses are as many as wanted
/// (`damon_get_intervals_score`, `damon_get_intervals_adaptation_bp`, `kdamond_tune_intervals`).
fn next(dump: &Dump<'_>, old: u64, goal: &IntervalsGoal, samples: u64) -> Option<u64> {
    let mut seen = 0u64;
    for (_, region) in dump.regions() {
        seen = seen.wrapping_add(size(region).wrapping_mul(region.nr_accesses.into()));
    }
    let possible = dump.bytes().wrapping_mul(samples);
    let wanted = (possible.wrapping_mul(goal.access_bp) / WHOLE).max(1);
    let score =
        (seen / wanted).wrapping_mul(WHOLE).wrapping_add((seen % wanted).wrapping_mul(WHOLE) / wanted);
    // The variants of the loop differ where a product overflows. Here it does not.
    let adaptation = match next_input(FeedLoop::default(), WHOLE * WHOLE, score) / WHOLE {
        shrink @ ..=WHOLE => WHOLE / 2 + shrink / 2,
        grow => grow,
    };
    let new = old.wrapping_mul(adaptation) / WHOLE;
    (adaptation != WHOLE).then(|| new.min(goal.max_sample_us).max(goal.min_sample_us))
}
