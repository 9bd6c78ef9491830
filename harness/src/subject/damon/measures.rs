//! The numbers of DAMON by which two kernels are compared.

use super::rules::migration::{migrated, migrates};
use super::view::View;
use crate::check::Summary;
use crate::recording::Recording;
use crate::subject::{Measure, Quantity, Unit, WINDOWS_IN_A_ROW, windowed_means};
use damonlab_protocol::units::Nanos;
use std::collections::BTreeMap;
use std::fmt;

/// A goal that the trace measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Goal {
    pub(super) kdamond: usize,
    pub(super) scheme: usize,
    /// The tracepoint that reports its measurements.
    pub(super) event: &'static str,
    pub(super) nid: i32,
    /// The target value, in basis points.
    pub(super) target: u64,
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Goal { kdamond, scheme, event: _, nid, target } = self;
        write!(f, "kdamond {kdamond} scheme {scheme} node {nid}: {target} bp")
    }
}

/// How far from the target such a mean may be, in basis points.
pub(super) const TOLERANCE: f64 = 500.0;

/// A goal with fewer windows is not compared.
const LEAST_WINDOWS: usize = 2 * WINDOWS_IN_A_ROW;

/// All quantities that a recording has: those of goals, those of schemes, and the cost.
pub(crate) fn measures(recording: &Recording) -> Vec<(Quantity, Measure)> {
    let view = View::new(recording);
    let number = |value| Measure { value, never: false };
    let mut all = goal_measures(&goal_series(&view));
    let moved = migrated(&view).map(|bytes| ("migrated".to_owned(), bytes.0));
    let applied = applied(&view).into_iter().map(|(action, bytes)| (format!("applied by {action}"), bytes));
    for (name, bytes) in moved.into_iter().chain(applied) {
        all.push((Quantity::new(name, Unit::Bytes), number(bytes as f64)));
    }
    if let Some(cpu) = cpu(recording) {
        let instructions = cpu.0 as f64 / recording.meta.pace.nanos();
        all.push((Quantity::new("instructions of kdamond", Unit::Instructions), number(instructions)));
    }
    all
}

/// The value of a goal in each window.
pub(super) type Series = Vec<(Nanos, f64)>;

pub(super) fn goal_series(view: &View<'_>) -> BTreeMap<Goal, Series> {
    let mut all: BTreeMap<Goal, Series> = BTreeMap::new();
    for run in &view.kdamond_runs {
        for (line, measured) in run.measurements() {
            let goal = Goal {
                kdamond: run.kdamond,
                scheme: measured.scheme,
                event: measured.event,
                nid: measured.nid,
                target: measured.target.0,
            };
            all.entry(goal).or_default().push((line.time, measured.current.0 as f64));
        }
    }
    all
}

/// Of every goal, over the second half of its windows, the mean and the standard deviation; and the time until it stays at
/// its target.
fn goal_measures(goals: &BTreeMap<Goal, Series>) -> Vec<(Quantity, Measure)> {
    let (mut means, mut swings, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for (goal, series) in goals.iter().filter(|(_, series)| series.len() >= LEAST_WINDOWS) {
        if let Some(Summary { mean, spread, .. }) = second_half(series) {
            let number = |value| Measure { value, never: false };
            means.push((Quantity::new(format!("mean, {goal}"), Unit::BasisPoints), number(mean)));
            let swing = number(spread.unwrap_or(0.0));
            swings.push((Quantity::new(format!("swing, {goal}"), Unit::BasisPoints), swing));
        }
        let time = time_to_target(goal.target as f64, series);
        times.push((Quantity::new(format!("time to target, {goal}"), Unit::Seconds), time));
    }
    means.into_iter().chain(swings).chain(times).collect()
}

/// What the second half of the windows comes to; none of too few.
pub(super) fn second_half(series: &[(Nanos, f64)]) -> Option<Summary> {
    let half: Vec<f64> = series[series.len() / 2..].iter().map(|(_, value)| *value).collect();
    (series.len() >= LEAST_WINDOWS).then(|| Summary::of(&half)).flatten()
}

/// The time from the first measurement to the end of the first windows in a row whose mean is near the target, as is the
/// mean of all later ones.
pub(super) fn time_to_target(target: f64, series: &[(Nanos, f64)]) -> Measure {
    let since = |time: &Nanos| (time.0.saturating_sub(series[0].0.0)) as f64 / 1e9;
    let is_near = |(_, mean): &(Nanos, f64)| (mean - target).abs() <= TOLERANCE;
    let reached = windowed_means(series).rev().take_while(is_near).last();
    match (&reached, series.last()) {
        (Some((time, _)), _) => Measure { value: since(time), never: false },
        (None, last) => Measure { value: last.map_or(0.0, |(time, _)| since(time)), never: true },
    }
}

/// The final `sz_applied`, by action.
fn applied(view: &View<'_>) -> BTreeMap<String, u64> {
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    for (kdamond, stats) in view.recording.report.kdamond_stats.iter().enumerate() {
        let Some(last) = view.kdamond_runs.iter().rev().find(|run| run.kdamond == kdamond) else { continue };
        for (scheme, stats) in last.config.context.schemes.iter().zip(stats) {
            if !migrates(scheme) && scheme.action != "stat" {
                *all.entry(scheme.action.clone()).or_default() += stats.sz_applied;
            }
        }
    }
    all
}

/// The CPU time of all kdamonds. The counter of a kdamond that is started again begins at 0. The time after the last
/// sample of each run is missing, on both sides alike. None on the real clock, and in recordings of an older damonlab.
fn cpu(recording: &Recording) -> Option<Nanos> {
    if !recording.meta.clock.is_virtual() {
        return None;
    }
    let mut ended = 0;
    let mut running: BTreeMap<usize, u64> = BTreeMap::new();
    let mut has_samples = false;
    for sample in &recording.samples {
        running.retain(|kdamond, before| {
            let continues = sample.cpu.get(kdamond).is_some_and(|now| now.0 >= *before);
            ended += if continues { 0 } else { *before };
            continues
        });
        running.extend(sample.cpu.iter().map(|(kdamond, now)| (*kdamond, now.0)));
        has_samples |= !sample.cpu.is_empty();
    }
    has_samples.then(|| Nanos(ended + running.values().sum::<u64>()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Model, stored};
    use super::*;
    use damonlab_protocol::record::Sample;

    fn series(values: impl IntoIterator<Item = f64>) -> Series {
        (0..).zip(values).map(|(second, value)| (Nanos(second * 1_000_000_000), value)).collect()
    }

    fn reached(values: impl IntoIterator<Item = f64>) -> (f64, bool) {
        let Measure { value, never } = time_to_target(7000.0, &series(values));
        (value, never)
    }

    #[test]
    fn a_goal_is_reached_when_the_mean_of_eight_windows_stays_near_the_target() {
        let swings = [6000.0, 8000.0].into_iter().cycle();
        // Windows 4 to 11 are the first eight of which none is 0.
        assert_eq!(reached(std::iter::repeat_n(0.0, 4).chain(swings.clone().take(20))), (11.0, false));
        let leaves_once = swings.clone().take(20).chain(std::iter::repeat_n(0.0, 8)).chain(swings.take(12));
        assert_eq!(reached(leaves_once), (35.0, false));
    }

    #[test]
    fn a_goal_that_is_not_reached_has_the_length_of_the_run() {
        assert_eq!(reached(std::iter::repeat_n(7501.0, 20)), (19.0, true));
        assert_eq!(reached(std::iter::repeat_n(7500.0, 20)), (7.0, false));
    }

    #[test]
    fn the_cpu_time_of_a_kdamond_that_is_started_again_is_added() {
        let mut recording = Model::pull_push().recording();
        let sample = |cpu: &[(usize, u64)]| Sample {
            cpu: cpu.iter().map(|(kdamond, time)| (*kdamond, Nanos(*time))).collect(),
            ..Sample::default()
        };
        assert_eq!(cpu(&recording), None);
        // Restarted between two samples, then stopped for at least one sample.
        recording.samples = vec![
            sample(&[]),
            sample(&[(0, 100), (1, 7)]),
            sample(&[(0, 30), (1, 8)]),
            sample(&[(1, 9)]),
            sample(&[(0, 5), (1, 10)]),
        ];
        assert_eq!(cpu(&recording), Some(Nanos(100 + 30 + 5 + 10)));
    }

    #[test]
    fn each_goal_of_a_run_is_measured() {
        let measured = measures(&Model::pull_push().recording());
        let of = |name: &str| {
            measured.iter().find(|(quantity, _)| quantity.name == name).map(|(_, one)| one.value)
        };
        // The last 10 of 20 windows: 6000 2000 1000 5000, twice, and 6000 2000.
        assert_eq!(of("mean, kdamond 0 scheme 0 node 1: 3000 bp"), Some(3600.0));
        assert_eq!(measured.iter().filter(|(quantity, _)| quantity.name.starts_with("mean, ")).count(), 2);
        assert_eq!(of("migrated"), None, "no migration was traced");
    }

    #[test]
    fn a_recording_with_migration_has_the_migrated_bytes() {
        let measured = measures(&stored("truth"));
        let (_, bytes) = measured.iter().find(|(quantity, _)| quantity.name == "migrated").unwrap();
        let pages = bytes.value / 4096.0;
        assert!(pages > 0.0 && pages.fract() == 0.0, "{pages}");
    }
}
