//! The numbers of one recording that two kernels are compared by.

use crate::judge::Summary;
use crate::recording::Recording;
use crate::subject::damon::rules::migration::migrated;
use crate::subject::damon::view::View;
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
    pub scheme: usize,
    /// The tracepoint that reports its measurements.
    pub event: &'static str,
    /// The node.
    pub nid: i32,
    /// What it is to come to, in parts of 10000.
    pub target: u64,
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Goal { kdamond, scheme, event: _, nid, target } = self;
        write!(f, "kdamond {kdamond} scheme {scheme} node {nid}: {target} bp")
    }
}

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// The mean of a goal's value over the second half of the windows, in parts of 10000.
    Mean(Goal),
    /// Its standard deviation there.
    Swing(Goal),
    /// How long after its first measurement it had come to its target for good, in seconds.
    TimeToTarget(Goal),
    /// Bytes that DAMON had migrated, as the migration core counts them.
    Migrated,
    /// Bytes that schemes with an action other than migration say they acted on.
    Applied(String),
    /// How many instructions the kdamonds executed, as far as samples tell.
    Instructions,
}

/// One number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// The number.
    pub value: f64,
    /// It never came to that within the run, which the number is the length of.
    pub never: bool,
}

/// How many windows in a row a goal's value is taken the mean of: the temporal tuner swings around its target by design.
const IN_A_ROW: usize = 8;

/// How far from its target that mean may be, in parts of 10000.
const TOLERANCE: f64 = 500.0;

/// A goal that was measured less often is not compared.
const LEAST_WINDOWS: usize = 2 * IN_A_ROW;

const MIB: f64 = 1_048_576.0;

impl Quantity {
    /// A difference of no more than this is not called one, whatever the seeds say: `median` is the larger of the two.
    pub fn floor(&self, median: f64) -> f64 {
        match self {
            // One percent of the memory.
            Quantity::Mean(_) | Quantity::Swing(_) => 100.0,
            Quantity::TimeToTarget(_) => (0.05 * median).max(0.5),
            Quantity::Migrated | Quantity::Applied(_) => (0.05 * median).max(MIB),
            // Another layout of the same code moves it a little, and always in one direction.
            Quantity::Instructions => 0.02 * median,
        }
    }

    /// A number of it, in words.
    pub fn amount(&self, value: f64) -> String {
        format!("{} {}", self.number(value), self.unit())
    }

    /// A number of it, without its unit.
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

/// Everything that can be measured in a recording.
pub fn measures(recording: &Recording) -> BTreeMap<Quantity, Measure> {
    let view = View::new(recording);
    let mut all = BTreeMap::new();
    for (goal, course) in courses(&view) {
        convergence(goal, &course, &mut all);
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

/// A goal's value, window by window.
type Series = Vec<(Nanos, f64)>;

fn courses(view: &View<'_>) -> BTreeMap<Goal, Series> {
    let mut courses: BTreeMap<Goal, Series> = BTreeMap::new();
    for run in &view.kdamond_runs {
        for (line, goal) in run.measurements() {
            let value = goal.current.0 as f64;
            let goal = Goal {
                kdamond: run.kdamond,
                scheme: goal.scheme,
                event: goal.event,
                nid: goal.nid,
                target: goal.target.0,
            };
            courses.entry(goal).or_default().push((line.time, value));
        }
    }
    courses
}

fn convergence(goal: Goal, course: &[(Nanos, f64)], all: &mut BTreeMap<Quantity, Measure>) {
    if course.len() < LEAST_WINDOWS {
        return;
    }
    let half: Vec<f64> = course[course.len() / 2..].iter().map(|(_, value)| *value).collect();
    if let Some(summary) = Summary::of(&half) {
        all.insert(Quantity::Mean(goal), Measure { value: summary.mean, never: false });
        all.insert(Quantity::Swing(goal), Measure { value: summary.spread.unwrap_or(0.0), never: false });
    }
    all.insert(Quantity::TimeToTarget(goal), time_to_target(goal.target as f64, course));
}

/// From the first measurement to the end of the first windows in a row whose mean is near the target, and that of all
/// later ones too.
fn time_to_target(target: f64, course: &[(Nanos, f64)]) -> Measure {
    let since = |time: &Nanos| (time.0.saturating_sub(course[0].0.0)) as f64 / 1e9;
    let near = |windows: &[(Nanos, f64)]| {
        let mean = windows.iter().map(|(_, value)| value).sum::<f64>() / windows.len() as f64;
        (mean - target).abs() <= TOLERANCE
    };
    let mut reached = None;
    for windows in course.windows(IN_A_ROW).rev().take_while(|windows| near(windows)) {
        reached = windows.last();
    }
    match (reached, course.last()) {
        (Some((time, _)), _) => Measure { value: since(time), never: false },
        (None, last) => Measure { value: last.map_or(0.0, |(time, _)| since(time)), never: true },
    }
}

/// What the statistics say at the end, by action.
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

/// The CPU time of all kdamonds; one that is started again counts again from 0. What one did after the last sample of
/// its run is missing, on both sides alike. None in recordings of an older damonlab, and on the real clock.
fn cpu(recording: &Recording) -> Option<Nanos> {
    if !recording.meta.clock.is_virtual() {
        return None;
    }
    let mut ended = 0;
    let mut running: BTreeMap<usize, u64> = BTreeMap::new();
    let mut told = false;
    for sample in &recording.samples {
        running.retain(|kdamond, before| {
            let goes_on = sample.cpu.get(kdamond).is_some_and(|now| now.0 >= *before);
            ended += if goes_on { 0 } else { *before };
            goes_on
        });
        running.extend(sample.cpu.iter().map(|(kdamond, now)| (*kdamond, now.0)));
        told |= !sample.cpu.is_empty();
    }
    told.then(|| Nanos(ended + running.values().sum::<u64>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::damon::events::TRACED_METRICS;
    use crate::subject::damon::testing::{Model, stored};
    use damonlab_protocol::record::Sample;

    fn course(values: impl IntoIterator<Item = f64>) -> Series {
        (0..).zip(values).map(|(second, value)| (Nanos(second * 1_000_000_000), value)).collect()
    }

    fn reached(values: impl IntoIterator<Item = f64>) -> (f64, bool) {
        let Measure { value, never } = time_to_target(7000.0, &course(values));
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
    fn a_goal_that_is_not_reached_has_the_runs_length_and_says_so() {
        assert_eq!(reached(std::iter::repeat_n(7501.0, 20)), (19.0, true));
        assert_eq!(reached(std::iter::repeat_n(7500.0, 20)), (7.0, false));
    }

    #[test]
    fn a_kdamond_that_is_started_again_counts_again() {
        let mut recording = Model::pull_push().recording();
        let sample = |cpu: &[(usize, u64)]| Sample {
            cpu: cpu.iter().map(|(kdamond, time)| (*kdamond, Nanos(*time))).collect(),
            ..Sample::default()
        };
        assert_eq!(cpu(&recording), None);
        // Stopped and started again unseen, then stopped and seen to be.
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
    fn the_goals_of_a_run_are_measured_one_by_one() {
        for (metric, event) in TRACED_METRICS {
            let mut model = Model::pull_push();
            model.scheme(0).quota.goals[0].metric = (*metric).into();
            let measured = measures(&model.recording());
            let goal = Goal { kdamond: 0, scheme: 0, event, nid: 1, target: 3000 };
            // The last 10 of 20 windows: 6000 2000 1000 5000, twice, and 6000 2000.
            assert_eq!(measured[&Quantity::Mean(goal)].value, 3600.0);
            assert_eq!(measured.keys().filter(|quantity| matches!(quantity, Quantity::Mean(_))).count(), 2);
            assert!(!measured.contains_key(&Quantity::Migrated), "no migration was traced");
        }
    }

    #[test]
    fn a_real_run_has_what_it_migrated() {
        let measured = measures(&stored("truth"));
        let pages = measured[&Quantity::Migrated].value / 4096.0;
        assert!(pages > 0.0 && pages.fract() == 0.0, "{pages}");
    }
}
