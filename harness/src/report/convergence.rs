//! How the goals of runs converged, as means over the seeds: the numbers of a table.

use super::event::Item;
use crate::recording::Recording;
use crate::subject::{self, Measure};
use std::collections::BTreeMap;
use std::path::Path;

/// More recordings than these are not read.
const MOST: usize = 100;

/// A goal, over the runs that measured it.
#[derive(Debug, PartialEq)]
pub(super) struct Goal {
    /// `kdamond 0 scheme 1 node 1`.
    pub(super) name: String,
    /// The target in basis points.
    pub(super) target: String,
    /// The mean of its second half, in basis points.
    pub(super) mean: f64,
    /// Its standard deviation there, in basis points.
    pub(super) swing: f64,
    /// The time until it stayed near its target, in seconds; of a run that never did, the length of the run.
    pub(super) time: f64,
    /// How many runs never did.
    pub(super) unreached: usize,
    /// How many runs measured it.
    pub(super) seeds: usize,
}

/// The goals of the recordings of these runs.
pub(super) fn goals(runs: &[Item]) -> Vec<Goal> {
    let dirs = runs.iter().filter_map(|run| run.data["recording"].as_str()).take(MOST);
    let mut measured: BTreeMap<String, Vec<Measure>> = BTreeMap::new();
    for recording in dirs.filter_map(|dir| Recording::load(Path::new(dir)).ok()) {
        for (quantity, measure) in subject::measures(&recording) {
            measured.entry(quantity.name).or_default().push(measure);
        }
    }
    let mean = |name: String| {
        let all = measured.get(&name)?;
        Some(all.iter().map(|one| one.value).sum::<f64>() / all.len() as f64)
    };
    let goal = |(name, times): (&String, &Vec<Measure>)| {
        let goal = name.strip_prefix("time to target, ")?;
        let (name, target) = goal.split_once(": ")?;
        Some(Goal {
            name: name.to_owned(),
            target: target.trim_end_matches(" bp").to_owned(),
            mean: mean(format!("mean, {goal}"))?,
            swing: mean(format!("swing, {goal}"))?,
            time: times.iter().map(|one| one.value).sum::<f64>() / times.len() as f64,
            unreached: times.iter().filter(|one| one.never).count(),
            seeds: times.len(),
        })
    };
    measured.iter().filter_map(goal).collect()
}
