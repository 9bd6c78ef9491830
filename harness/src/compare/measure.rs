//! The numbers of one recording by which two kernels are compared.

use crate::judge::Summary;
use crate::recording::Recording;
use crate::subject::damon::rules::migration::migrated;
use crate::subject::damon::view::View;
use crate::trace::Event;
use damonlab_protocol::units::Nanos;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// A goal whose measurements the trace has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Goal {
    /// The kdamond's index.
    pub kdamond: usize,
    /// The scheme's index.
    pub scheme: u32,
    /// The node.
    pub nid: i32,
    /// The target value, in basis points.
    pub target: u64,
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Goal { kdamond, scheme, nid, target } = self;
        write!(f, "kdamond {kdamond} scheme {scheme} node {nid}: {target} bp")
    }
}

/// A quantity that is measured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// The mean of the value of a goal over the second half of the windows, in basis points.
    Mean(Goal),
    /// The standard deviation of the value of a goal there.
    Swing(Goal),
    /// The time from the first measurement of a goal until it stays at its target, in seconds.
    TimeToTarget(Goal),
    /// The bytes that DAMON migrated, as the migration core counts them.
    Migrated,
    /// `sz_applied` of the schemes with this action, which is not migration.
    Applied(String),
    /// The instructions that the kdamonds executed up to their last sample.
    Instructions,
}

/// One number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// The number.
    pub value: f64,
    /// The goal never stayed at its target; the number is the length of the run.
    pub never: bool,
}

/// How many windows in a row form a mean: the temporal tuner swings around its target by design.
const IN_A_ROW: usize = 8;

/// How far from the target such a mean may be, in basis points.
const TOLERANCE: f64 = 500.0;

/// A goal with fewer windows is not compared.
const LEAST_WINDOWS: usize = 2 * IN_A_ROW;

const MIB: f64 = 1_048_576.0;

impl Quantity {
    /// A difference of at most this amount is never significant. `median` is the larger one of the two sides.
    pub fn floor(&self, median: f64) -> f64 {
        match self {
            // One percent of the memory.
            Quantity::Mean(_) | Quantity::Swing(_) => 100.0,
            Quantity::TimeToTarget(_) => (0.05 * median).max(0.5),
            Quantity::Migrated | Quantity::Applied(_) => (0.05 * median).max(MIB),
            // Another layout of the same code changes it slightly, and with every seed in the same direction.
            Quantity::Instructions => 0.02 * median,
        }
    }

    /// A number with its unit.
    pub fn amount(&self, value: f64) -> String {
        format!("{} {}", self.number(value), self.unit())
    }

    /// A number without its unit.
    pub fn number(&self, value: f64) -> String {
        match self {
            Quantity::Mean(_) | Quantity::Swing(_) => format!("{value:.0}"),
            Quantity::TimeToTarget(_) => format!("{value:.1}"),
            Quantity::Migrated | Quantity::Applied(_) => format!("{:.1}", value / MIB),
            Quantity::Instructions => format!("{:.1}", value / 1e6),
        }
    }

    fn unit(&self) -> &'static str {
        match self {
            Quantity::Mean(_) | Quantity::Swing(_) => "bp",
            Quantity::TimeToTarget(_) => "s",
            Quantity::Migrated | Quantity::Applied(_) => "MiB",
            Quantity::Instructions => "million",
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quantity::Mean(goal) => write!(f, "mean, {goal}"),
            Quantity::Swing(goal) => write!(f, "swing, {goal}"),
            Quantity::TimeToTarget(goal) => write!(f, "time to target, {goal}"),
            Quantity::Migrated => f.write_str("migrated"),
            Quantity::Applied(action) => write!(f, "applied by {action}"),
            Quantity::Instructions => f.write_str("instructions of kdamond"),
        }
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// All quantities that a recording has.
pub fn measures(recording: &Recording) -> BTreeMap<Quantity, Measure> {
    let view = View::new(recording);
    let mut all = BTreeMap::new();
    for (goal, series) in goal_series(&view) {
        convergence(goal, &series, &mut all);
    }
    let mut put = |quantity, value| all.insert(quantity, Measure { value, never: false });
    if let Some(bytes) = migrated(&view) {
        put(Quantity::Migrated, bytes.0 as f64);
    }
    for (action, bytes) in applied(&view) {
        put(Quantity::Applied(action), bytes as f64);
    }
    if let Some(cpu) = cpu(recording) {
        put(Quantity::Instructions, cpu.0 as f64 / recording.meta.pace.nanos());
    }
    all
}

/// The value of a goal in each window.
type Series = Vec<(Nanos, f64)>;

fn goal_series(view: &View<'_>) -> BTreeMap<Goal, Series> {
    let mut all: BTreeMap<Goal, Series> = BTreeMap::new();
    for run in &view.kdamond_runs {
        for line in &run.lines {
            let Event::NodeEligible(event) = &line.event else { continue };
            let goal = Goal {
                kdamond: run.kdamond,
                scheme: event.scheme_idx,
                nid: event.nid,
                target: event.target_value,
            };
            all.entry(goal).or_default().push((line.time, event.current_value as f64));
        }
    }
    all
}

fn convergence(goal: Goal, series: &[(Nanos, f64)], all: &mut BTreeMap<Quantity, Measure>) {
    if series.len() < LEAST_WINDOWS {
        return;
    }
    let half: Vec<f64> = series[series.len() / 2..].iter().map(|(_, value)| *value).collect();
    if let Some(summary) = Summary::of(&half) {
        all.insert(Quantity::Mean(goal), Measure { value: summary.mean, never: false });
        all.insert(Quantity::Swing(goal), Measure { value: summary.spread.unwrap_or(0.0), never: false });
    }
    all.insert(Quantity::TimeToTarget(goal), time_to_target(goal.target as f64, series));
}

/// The time from the first measurement to the end of the first windows in a row whose mean is near the target, as is the
/// mean of all later ones.
fn time_to_target(target: f64, series: &[(Nanos, f64)]) -> Measure {
    let since = |time: &Nanos| (time.0.saturating_sub(series[0].0.0)) as f64 / 1e9;
    let near = |windows: &[(Nanos, f64)]| {
        let mean = windows.iter().map(|(_, value)| value).sum::<f64>() / windows.len() as f64;
        (mean - target).abs() <= TOLERANCE
    };
    let mut reached = None;
    for windows in series.windows(IN_A_ROW).rev().take_while(|windows| near(windows)) {
        reached = windows.last();
    }
    match (reached, series.last()) {
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
            let counted = !scheme.action.starts_with("migrate_") && scheme.action != "stat";
            if counted {
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
    use super::*;
    use crate::subject::damon::testing::{Model, stored};
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
        let goal = Goal { kdamond: 0, scheme: 0, nid: 1, target: 3000 };
        // The last 10 of 20 windows: 6000 2000 1000 5000, twice, and 6000 2000.
        assert_eq!(measured[&Quantity::Mean(goal)].value, 3600.0);
        assert_eq!(measured.keys().filter(|quantity| matches!(quantity, Quantity::Mean(_))).count(), 2);
        assert!(!measured.contains_key(&Quantity::Migrated), "no migration was traced");
    }

    #[test]
    fn a_recording_with_migration_has_the_migrated_bytes() {
        let measured = measures(&stored("truth"));
        let pages = measured[&Quantity::Migrated].value / 4096.0;
        assert!(pages > 0.0 && pages.fract() == 0.0, "{pages}");
    }
}
