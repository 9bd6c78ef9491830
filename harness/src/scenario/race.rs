//! When each of several steps at once begins, and which goes before which, drawn from the run's seed. Pure: the plan has every
//! draw, so a run repeats, and a replay needs no generator.
//!
//! A system call of DAMON's sysfs takes from some to some hundred microseconds of guest time, or waits for the kdamond, which
//! wakes up at each sample. So tasks begin near one of two moments, the common start or one within a sample, and how near
//! is drawn over several magnitudes.

use super::draw::Draw;
use damonlab_protocol::damon::Kdamond;
use damonlab_protocol::plan::{Step, Task};
use damonlab_protocol::race::LEAST_PRIORITY;
use damonlab_protocol::units::Nanos;
use std::collections::BTreeMap;

/// Where nothing is monitored.
const SAMPLE: Nanos = Nanos(10_000_000);

/// The largest distance from a moment in ns, each as often as its weight says.
const NEAR: &[(u32, u64)] = &[(2, 0), (2, 1_000), (4, 10_000), (5, 100_000), (2, 1_000_000)];

/// The longest sleep before a repetition in ns; the last is a sample. While the one with the highest priority does not sleep, no
/// other goes on.
const PAUSES: &[(u32, Option<u64>)] = &[(1, Some(0)), (4, Some(20_000)), (4, Some(500_000)), (1, None)];

/// The steps of a plan with this seed.
pub(super) fn scheduled(steps: &[Step], kdamonds: &[Kdamond], seed: u64) -> Vec<Step> {
    let sample = kdamonds.first().map(|kdamond| Nanos::from_micros(kdamond.context.intervals.sample_us));
    let sample = sample.filter(|sample| sample.0 > 0).unwrap_or(SAMPLE);
    let mut races = 0;
    let mut scheduled = steps.to_vec();
    for step in &mut scheduled {
        if let Step::Together { tasks, kdamonds } = step {
            schedule(tasks, kdamonds, sample, |stream| Draw::of(seed, races, stream));
            races += 1;
        }
    }
    scheduled
}

/// Draws what the scenario leaves open. What a task draws does not depend on the other tasks, so that a scenario keeps most of
/// its order when one is left out.
fn schedule(tasks: &mut [Task], kdamonds: &mut u8, sample: Nanos, stream: impl Fn(&str) -> Draw) {
    let mut common = stream("race");
    let moments = [0, common.below(sample.0 + sample.0 / 8)];
    let mut known = BTreeMap::<String, u32>::new();
    for task in tasks.iter_mut() {
        let kind = kind(&task.step);
        let nth = known.entry(kind.clone()).or_default();
        let mut draw = stream(&format!("race {kind} {nth}"));
        *nth += 1;
        let moment = *draw.weighted(&[(3, moments[0]), (2, moments[1])]);
        let near = draw.weighted(NEAR);
        let drawn = Nanos(moment + draw.below(near + 1));
        task.after.get_or_insert(drawn);
        task.pauses = (1..task.times).map(|_| pause(&mut draw, sample)).collect();
    }
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_by_key(|place| (tasks[*place].after, *place));
    // Every other one, so that the kdamonds fit between any two.
    let mut priority = LEAST_PRIORITY;
    for place in order {
        tasks[place].priority = priority;
        priority += 2;
    }
    let between = u8::try_from(common.below(tasks.len() as u64 + 1)).unwrap_or_default();
    *kdamonds = if common.chance(50) { LEAST_PRIORITY - 1 + 2 * between } else { 0 };
}

fn pause(draw: &mut Draw, sample: Nanos) -> Nanos {
    let longest = draw.weighted(PAUSES).unwrap_or(sample.0);
    Nanos(draw.below(longest + 1))
}

/// What names a task's draws: its step, and what that is about.
fn kind(step: &Step) -> String {
    let about = match step {
        Step::Write { file, value, .. } => format!("{file} {value}"),
        Step::Offline { node } | Step::Online { node } => node.to_string(),
        Step::Exit { workload } => format!("end {workload}"),
        Step::Workload { name, .. } => name.clone(),
        _ => String::new(),
    };
    format!("{} {about}", step.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(step: Step, times: u32) -> Task {
        Task { step, times, after: None, pauses: Vec::new(), priority: 0 }
    }

    fn together(steps: &[(Step, u32)]) -> Step {
        let tasks = steps.iter().map(|(step, times)| task(step.clone(), *times)).collect();
        Step::Together { tasks, kdamonds: 0 }
    }

    fn tasks(steps: &[Step], seed: u64) -> Vec<Vec<Task>> {
        let of = |step: Step| if let Step::Together { tasks, .. } = step { Some(tasks) } else { None };
        scheduled(steps, &[], seed).into_iter().filter_map(of).collect()
    }

    fn write(value: &str) -> Step {
        Step::Write { file: "0/state".into(), value: value.into(), refused: None }
    }

    #[test]
    fn the_same_seed_draws_the_same_and_another_seed_another_order() {
        let steps = [together(&[(Step::Stop, 1), (write("commit"), 3), (Step::ReadBack, 2)])];
        assert_eq!(tasks(&steps, 7), tasks(&steps, 7));
        let orders = (0..10).map(|seed| {
            tasks(&steps, seed)[0].iter().map(|task| (task.after, task.priority)).collect::<Vec<_>>()
        });
        let orders: std::collections::BTreeSet<_> = orders.collect();
        assert!(orders.len() > 8, "{orders:?}");
    }

    #[test]
    fn the_one_that_begins_later_goes_before_the_others() {
        let steps = [together(&[(Step::Stop, 1), (write("commit"), 1), (Step::ReadBack, 1)])];
        for seed in 0..50 {
            let mut found = tasks(&steps, seed).remove(0);
            found.sort_by_key(|task| task.after);
            assert!(found.windows(2).all(|pair| pair[0].priority < pair[1].priority), "{found:?}");
            assert!(found.iter().all(|task| task.priority >= LEAST_PRIORITY));
        }
    }

    #[test]
    fn a_task_draws_the_same_without_the_others_and_in_each_race_anew() {
        let all =
            together(&[(Step::Stop, 1), (write("commit"), 4), (write("commit"), 4), (Step::ReadBack, 2)]);
        let fewer = together(&[(write("commit"), 4), (Step::ReadBack, 2)]);
        let drawn = |task: &Task| (task.after, task.pauses.clone());
        let (all, fewer) = (tasks(&[all.clone(), all], 3), tasks(&[fewer], 3));
        assert_eq!(drawn(&all[0][1]), drawn(&fewer[0][0]));
        assert_eq!(drawn(&all[0][3]), drawn(&fewer[0][1]));
        assert_ne!(drawn(&all[0][1]), drawn(&all[0][2]), "of two equal ones each has its own");
        assert_ne!(drawn(&all[0][1]), drawn(&all[1][1]));
        assert_eq!(all[0][1].pauses.len(), 3);
    }

    #[test]
    fn a_moment_that_the_scenario_gives_is_kept() {
        let mut given = together(&[(Step::Stop, 1), (Step::ReadBack, 1)]);
        if let Step::Together { tasks, .. } = &mut given {
            tasks[0].after = Some(Nanos(123));
        }
        assert_eq!(tasks(&[given], 5)[0][0].after, Some(Nanos(123)));
    }
}
