//! DAMON's numbers over time: goals window by window, quotas, what was applied, where memory is; and the regions of each
//! aggregation, and the passes of schemes.

use super::events::{Aggregated, BeforeApply, Esz, Event, RegionAggregated, Stat};
use super::view::{KdamondRun, View};
use crate::recording::Recording;
use crate::subject::measure::Unit;
use crate::subject::series::{Aggregation, Pass, Point, Region, Series, SeriesOf};
use crate::trace::TypedEvent;
use damonlab_protocol::record::{Sample, SchemeStats};
use damonlab_protocol::units::{Bytes, Nanos};
use std::collections::BTreeMap;

/// All series that a recording has, in the order of reports.
pub(crate) fn series(recording: &Recording) -> Vec<Series> {
    let view = View::new(recording);
    let mut all = Collected::default();
    for run in &view.kdamond_runs {
        all.of_events(run);
    }
    let from_events = all.0.keys().cloned().collect::<Vec<_>>();
    for sample in &recording.samples {
        all.of_sample(sample, &from_events);
    }
    let is_virtual = recording.meta.clock.is_virtual();
    let pace = recording.meta.pace.nanos();
    let finished = all.0.into_iter().map(|(of, (points, target))| {
        let unit = unit(&of, is_virtual);
        let scale = match unit {
            Unit::Instructions => 1.0 / pace,
            Unit::Seconds => 1e-9,
            _ => 1.0,
        };
        let points = points.into_iter().map(|point| Point { value: point.value * scale, ..point }).collect();
        Series { of, unit, points, target }
    });
    // A counter or a quota that is 0 all the time says nothing.
    let is_boring = |of: &SeriesOf| matches!(of, SeriesOf::Vmstat { .. } | SeriesOf::Quota { .. });
    finished.filter(|one| !is_boring(&one.of) || one.points.iter().any(|point| point.value != 0.0)).collect()
}

fn unit(of: &SeriesOf, is_virtual: bool) -> Unit {
    match of {
        SeriesOf::Goal { .. } => Unit::BasisPoints,
        SeriesOf::Vmstat { .. } => Unit::Count,
        SeriesOf::Cpu { .. } if is_virtual => Unit::Instructions,
        SeriesOf::Cpu { .. } => Unit::Seconds,
        _ => Unit::Bytes,
    }
}

/// Points and targets by what they are of.
#[derive(Default)]
struct Collected(BTreeMap<SeriesOf, (Vec<Point>, Vec<Point>)>);

impl Collected {
    fn add(&mut self, of: SeriesOf, time: Nanos, value: f64) {
        self.0.entry(of).or_default().0.push(Point { time, value });
    }

    fn of_events(&mut self, run: &KdamondRun<'_>) {
        let kdamond = run.kdamond;
        for line in &run.lines {
            let time = line.time;
            if let Some(one) = line.event.measurement() {
                let of = SeriesOf::Goal { kdamond, scheme: one.scheme, event: one.event, nid: one.nid };
                let (points, target) = self.0.entry(of).or_default();
                points.push(Point { time, value: one.current.0 as f64 });
                let value = one.target.0 as f64;
                if target.last().is_none_or(|last| last.value != value) {
                    target.push(Point { time, value });
                }
            }
            match &line.event {
                Event::Esz(Esz { scheme_idx, esz, .. }) => {
                    let of = SeriesOf::Quota { kdamond, scheme: *scheme_idx as usize };
                    self.add(of, time, *esz as f64);
                }
                Event::Stat(Stat { scheme_idx, sz_applied, .. }) => {
                    let of = SeriesOf::Applied { kdamond, scheme: *scheme_idx as usize };
                    self.add(of, time, *sz_applied as f64);
                }
                _ => {}
            }
        }
    }

    /// What a sample has and events do not report.
    fn of_sample(&mut self, sample: &Sample, from_events: &[SeriesOf]) {
        let time = sample.time;
        for (kdamond, schemes) in sample.schemes.iter().enumerate() {
            for (scheme, SchemeStats { sz_applied, effective_bytes, .. }) in schemes.iter().enumerate() {
                let quota = (SeriesOf::Quota { kdamond, scheme }, effective_bytes);
                for (of, value) in [quota, (SeriesOf::Applied { kdamond, scheme }, sz_applied)] {
                    if from_events.binary_search(&of).is_err() {
                        self.add(of, time, *value as f64);
                    }
                }
            }
        }
        for (name, nodes) in &sample.workloads {
            for (node, bytes) in nodes {
                self.add(SeriesOf::Workload { name: name.clone(), node: *node }, time, bytes.0 as f64);
            }
        }
        for (node, fields) in &sample.nodes {
            if let Some(free) = fields.get("MemFree") {
                self.add(SeriesOf::Free { node: *node }, time, free.0 as f64);
            }
        }
        for (kdamond, spent) in &sample.cpu {
            self.add(SeriesOf::Cpu { kdamond: *kdamond }, time, spent.0 as f64);
        }
        for (counter, value) in &sample.vmstat {
            self.add(SeriesOf::Vmstat { counter: counter.clone() }, time, *value as f64);
        }
    }
}

/// The regions at the end of each aggregation, where their tracepoint is recorded; by kdamond and then by time.
pub(crate) fn aggregations(recording: &Recording) -> Vec<Aggregation> {
    let view = View::new(recording);
    // A kernel emits both where there are probes.
    let has_plain = view.traced(Aggregated::NAME);
    let mut all: Vec<Aggregation> = Vec::new();
    for run in &view.kdamond_runs {
        let mut rest = 0;
        for line in &run.lines {
            let Some((target, count, region)) = aggregated(&line.event, has_plain) else { continue };
            let continues = rest > 0
                && all.last().is_some_and(|last| {
                    last.target == target && last.regions.last().is_some_and(|one| one.end <= region.start)
                });
            match all.last_mut().filter(|_| continues) {
                Some(last) => {
                    last.time = line.time;
                    last.regions.push(region);
                    rest -= 1;
                }
                None => {
                    let (kdamond, time) = (run.kdamond, line.time);
                    all.push(Aggregation { kdamond, target, time, regions: vec![region] });
                    rest = count.saturating_sub(1);
                }
            }
        }
    }
    all
}

/// The target, the number of its regions, and one of them. `has_plain`: the event without hits of probes is recorded, too,
/// so that the one with them says nothing new.
pub(super) fn aggregated(event: &Event, has_plain: bool) -> Option<(u64, u32, Region)> {
    match *event {
        Event::Aggregated(Aggregated { target_id, nr_regions, start, end, nr_accesses, age }) => {
            Some((target_id, nr_regions, Region { start, end, nr_accesses, age }))
        }
        Event::RegionAggregated(RegionAggregated {
            target_id,
            nr_regions,
            start,
            end,
            nr_accesses,
            age,
            ..
        }) if !has_plain => Some((target_id, nr_regions, Region { start, end, nr_accesses, age })),
        _ => None,
    }
}

/// The passes of all schemes whose statistics are recorded, in the order of the trace of each kdamond.
pub(crate) fn passes(recording: &Recording) -> Vec<Pass> {
    let view = View::new(recording);
    let mut all = Vec::new();
    // By kdamond, pid and scheme: a kdamond that is started again counts from 0.
    let mut before: BTreeMap<(usize, i32, u32), Stat> = BTreeMap::new();
    for run in &view.kdamond_runs {
        let mut begun: BTreeMap<u32, Nanos> = BTreeMap::new();
        for line in &run.lines {
            if let Some(BeforeApply { scheme_idx, .. }) = BeforeApply::of(&line.event) {
                begun.entry(*scheme_idx).or_insert(line.time);
            }
            let Some(stat) = Stat::of(&line.event) else { continue };
            let last = before.insert((run.kdamond, run.pid, stat.scheme_idx), *stat);
            let since = |of: fn(&Stat) -> u64| of(stat).saturating_sub(last.as_ref().map_or(0, of));
            all.push(Pass {
                kdamond: run.kdamond,
                scheme: stat.scheme_idx as usize,
                begin: begun.remove(&stat.scheme_idx).unwrap_or(line.time),
                end: line.time,
                tried: since(|stat| stat.nr_tried),
                tried_bytes: Bytes(since(|stat| stat.sz_tried)),
                applied_bytes: Bytes(since(|stat| stat.sz_applied)),
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Model, stored};
    use super::*;
    use damonlab_protocol::units::NodeId;

    fn of(all: &[Series], of: &SeriesOf) -> Series {
        all.iter().find(|one| one.of == *of).unwrap_or_else(|| panic!("no series of {of}")).clone()
    }

    #[test]
    fn a_goal_has_a_point_for_each_window_and_its_target() {
        let all = series(&Model::pull_push().recording());
        let goals: Vec<_> = all.iter().filter(|one| matches!(one.of, SeriesOf::Goal { .. })).collect();
        assert_eq!(goals.len(), 2);
        assert_eq!(goals[0].unit, Unit::BasisPoints);
        assert_eq!(goals[0].target.iter().map(|point| point.value).collect::<Vec<_>>(), [3000.0]);
        assert!(goals.iter().all(|one| one.points.len() == 20), "{goals:?}");
    }

    #[test]
    fn a_goal_that_is_committed_again_keeps_its_series_and_changes_its_target() {
        let mut model = Model::pull_push();
        model.commit(13, |schemes| schemes[1].quota.goals[0].target_value = 9000);
        let all = series(&model.recording());
        let goal = all.iter().find(|one| matches!(one.of, SeriesOf::Goal { scheme: 1, .. })).unwrap();
        assert_eq!(goal.target.iter().map(|point| point.value).collect::<Vec<_>>(), [7000.0, 9000.0]);
        assert_eq!(goal.target_at(goal.points[0].time), Some(7000.0));
        assert_eq!(goal.target_at(Nanos(u64::MAX)), Some(9000.0));
    }

    #[test]
    fn a_stored_run_has_its_memory_by_node_and_its_quota_from_events() {
        let recording = stored("truth");
        let all = series(&recording);
        let samples = recording.samples.len();
        let name = recording.samples[0].workloads.keys().next().unwrap().clone();
        let node = *recording.samples[0].workloads[&name].keys().next().unwrap();
        assert_eq!(of(&all, &SeriesOf::Workload { name, node }).points.len(), samples);
        assert_eq!(of(&all, &SeriesOf::Free { node: NodeId(0) }).points.len(), samples);
        let quota = of(&all, &SeriesOf::Quota { kdamond: 0, scheme: 0 });
        let reported = recording.trace.lines.iter().filter_map(|line| Esz::of(&line.event));
        assert_eq!(quota.points.len(), reported.filter(|esz| esz.scheme_idx == 0).count());
        assert!(all.windows(2).all(|pair| pair[0].of < pair[1].of), "in the order of reports");
    }

    #[test]
    fn the_passes_add_up_to_the_statistics() {
        let recording = stored("truth");
        let mut all_stats = recording.trace.lines.iter().filter_map(|line| Stat::of(&line.event));
        let last = all_stats.rfind(|stat| stat.scheme_idx == 0).unwrap();
        let all = passes(&recording);
        let sum = all.iter().filter(|pass| pass.scheme == 0).map(|pass| pass.tried_bytes.0).sum::<u64>();
        assert_eq!(sum, last.sz_tried);
        assert!(all.iter().all(|pass| pass.begin <= pass.end));
    }

    #[test]
    fn the_regions_of_a_target_are_put_together_by_aggregation() {
        let recording = stored("splits");
        let all = aggregations(&recording);
        let lines = recording.trace.lines.iter().filter(|line| aggregated(&line.event, true).is_some());
        assert!(!all.is_empty());
        assert_eq!(all.iter().map(|one| one.regions.len()).sum::<usize>(), lines.count());
        for one in &all {
            assert!(one.regions.windows(2).all(|pair| pair[0].end <= pair[1].start), "{one:?}");
        }
    }
}
