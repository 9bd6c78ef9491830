//! For tests: the loop of a small kdamond, which emits events.

use super::super::events::{Aggregated, BeforeApply, Esz, Stat, goal_event};
use super::testkit::{HOT, MIB, Model, TURN_US};
use damonlab_protocol::damon::{GoalTuner, Kdamond, Keyword, Quota, Scheme};
use damonlab_protocol::record::SchemeStats;

const NODES: [(u64, u64); 2] = [Model::NODE0, Model::NODE1];

/// The run of one kdamond.
pub(super) struct ModelRun<'a> {
    model: &'a Model,
    index: usize,
    now: u64,
    config: &'a Kdamond,
    schemes: Vec<State>,
    /// The hot memory of each node: the age of its one region when schemes were applied, and the parts on which they
    /// acted, each from its start to its end.
    hot: [(u64, Vec<(u64, u64)>); 2],
    out: Vec<(u64, String)>,
    /// When each commit was applied.
    applied: Vec<u64>,
}

#[derive(Default, Clone)]
struct State {
    window_from: Option<u64>,
    input: u128,
    quota: Option<u64>,
    charged: u64,
    offset: u64,
    exceeds: u64,
    snapshots: u64,
    tried: (u64, u64),
}

impl<'a> ModelRun<'a> {
    pub(super) fn new(model: &'a Model, index: usize) -> Self {
        let config = &model.kdamonds[index];
        let now = 10_000_000 + 37 * index as u64;
        ModelRun {
            model,
            index,
            now,
            config,
            schemes: vec![State::default(); config.context.schemes.len()],
            hot: Default::default(),
            out: Vec::new(),
            applied: Vec::new(),
        }
    }

    fn configured(&self, scheme: usize) -> &'a Scheme {
        &self.config.context.schemes[scheme]
    }

    /// Schemes that remain keep their state.
    fn apply_commits(&mut self, turn: u64) {
        for (_, kdamonds) in self.model.commits.iter().filter(|(when, _)| *when == turn) {
            self.config = &kdamonds[self.index];
            self.schemes.resize(self.config.context.schemes.len(), State::default());
            self.applied.push(self.now);
        }
    }

    fn emit(&mut self, event: String) {
        self.now += 3;
        let (seconds, micros) = (self.now / 1_000_000, self.now % 1_000_000);
        let (name, pid) = (format!("kdamond.{}", self.index), 52 + self.index);
        self.out
            .push((self.now, format!("{name:>16}-{pid:<7} [000] ..... {seconds:5}.{micros:06}: {event}")));
    }

    /// The trace, the values in sysfs at the end, and when each commit was applied.
    pub(super) fn run(mut self) -> (Vec<(u64, String)>, Vec<SchemeStats>, Vec<u64>) {
        for turn in 0..self.model.turns {
            self.now += TURN_US;
            self.apply_commits(turn);
            self.merge(turn);
            for scheme in 0..self.schemes.len() {
                self.adjust(turn, scheme);
            }
            for scheme in 0..self.schemes.len() {
                self.act(scheme);
            }
            for scheme in 0..self.schemes.len() {
                self.statistics(scheme);
            }
            self.aggregate(turn);
        }
        let stats = self.schemes.iter().map(|state| self.sysfs(state)).collect();
        (self.out, stats, self.applied)
    }

    fn sysfs(&self, state: &State) -> SchemeStats {
        let (nr_tried, sz_tried) = state.tried;
        SchemeStats {
            nr_tried,
            sz_tried,
            nr_applied: nr_tried,
            sz_applied: sz_tried,
            sz_ops_filter_passed: sz_tried,
            qt_exceeds: state.exceeds,
            nr_snapshots: state.snapshots,
            effective_bytes: state.quota.unwrap_or(0),
        }
    }

    /// The hot memory becomes one region again, with the mean age of its parts plus one turn.
    fn merge(&mut self, turn: u64) {
        for (age, acted) in &mut self.hot {
            let young: u64 = std::mem::take(acted).iter().map(|(start, end)| end - start).sum();
            *age = if turn == 0 { 0 } else { *age * (HOT - young) / HOT + 1 };
        }
    }

    fn adjust(&mut self, turn: u64, scheme: usize) {
        let reset_us = self.configured(scheme).quota.reset_interval_ms * 1000;
        if self.schemes[scheme].window_from.is_none() {
            self.begin_window(turn, scheme);
        }
        let from = self.schemes[scheme].window_from.unwrap();
        if self.now - from >= reset_us {
            self.begin_window(turn, scheme);
        }
    }

    fn begin_window(&mut self, turn: u64, scheme: usize) {
        let quota = &self.configured(scheme).quota;
        let state = &mut self.schemes[scheme];
        let full = state.quota.is_some_and(|quota| quota - state.charged.min(quota) < 4096);
        state.exceeds += u64::from(full);
        state.window_from = Some(self.now);
        state.charged = 0;
        let mut measured = Vec::new();
        for goal in &quota.goals {
            let Some(event) = goal_event(&goal.metric) else {
                measured.push((goal.current_value, goal.target_value));
                continue;
            };
            let current = (self.model.current)(turn, scheme);
            self.now += (self.model.walk_us)(turn, scheme);
            measured.push((current, goal.target_value));
            self.emit(format!(
                "{event}: ctx_idx=0 scheme_idx={scheme} nid={} target_value={} current_value={current}",
                goal.nid, goal.target_value
            ));
        }
        let new = tuned(quota, &measured, &mut self.schemes[scheme].input);
        if self.schemes[scheme].quota != Some(new) {
            self.schemes[scheme].quota = Some(new);
            self.emit(format!("{}: ctx_idx=0 scheme_idx={scheme} esz={new}", Esz::NAME));
        }
    }

    fn act(&mut self, scheme: usize) {
        let state = &mut self.schemes[scheme];
        let left = state.quota.unwrap_or(u64::MAX) - state.charged;
        if left < 4096 {
            return;
        }
        let size = left.min(HOT.saturating_sub(state.offset)) / 4096 * 4096;
        let start = state.offset;
        // With quota left, the pass has reached the last region, and the next one begins at the first.
        let is_complete = left - size >= 4096;
        state.offset = if is_complete { 0 } else { start + size + self.model.hole };
        state.snapshots += u64::from(is_complete);
        if size == 0 {
            return;
        }
        state.charged += size;
        state.tried = (state.tried.0 + 1, state.tried.1 + size);
        let (age, acted) = &mut self.hot[scheme];
        acted.push((start, start + size));
        let age = *age;
        let start = NODES[scheme].0 + start;
        self.emit(format!(
            "{}: ctx_idx=0 scheme_idx={scheme} target_idx=0 nr_regions=5 {start}-{}: 6 {age}",
            BeforeApply::NAME,
            start + size
        ));
    }

    fn statistics(&mut self, scheme: usize) {
        let State { tried: (regions, bytes), exceeds, snapshots, .. } = self.schemes[scheme];
        self.emit(format!(
            "{}: ctx_idx=0 scheme_idx={scheme} nr_tried={regions} sz_tried={bytes} \
             nr_applied={regions} sz_applied={bytes} sz_ops_filter_passed={bytes} qt_exceeds={exceeds} \
             nr_snapshots={snapshots}",
            Stat::NAME
        ));
    }

    fn aggregate(&mut self, turn: u64) {
        let mut regions = Vec::new();
        for ((node, end), (age, acted)) in NODES.into_iter().zip(&self.hot) {
            let mut from = 0;
            for (start, end) in acted.iter().copied().chain([(HOT, HOT)]) {
                regions.push((node + from, node + start, 6, *age));
                regions.push((node + start, node + end, 6, 0));
                from = end;
            }
            let (cold, middle) = (node + HOT, node + 256 * MIB);
            regions.extend([(cold, middle, 0, turn), (middle, end, 0, turn)]);
        }
        regions.retain(|(start, end, ..)| start < end);
        let count = regions.len();
        for (start, end, accesses, age) in regions {
            self.emit(format!(
                "{}: target_id=0 nr_regions={count} {start}-{end}: {accesses} {age}",
                Aggregated::NAME
            ));
        }
    }
}

/// The effective quota of a window, from goals as (measured, target).
fn tuned(quota: &Quota, goals: &[(u64, u64)], input: &mut u128) -> u64 {
    if goals.is_empty() {
        return quota.bytes;
    }
    let unlimited = u64::MAX / 10_000;
    let cap = if quota.bytes == 0 { unlimited } else { quota.bytes };
    let reached = goals.iter().any(|(measured, wanted)| measured >= wanted);
    match &quota.goal_tuner {
        // The state with which the other tuner would begin after a commit.
        Keyword::Known(GoalTuner::Temporal) => {
            *input = if reached { 0 } else { u128::from(cap.saturating_mul(10_000)) };
            if reached { 0 } else { cap }
        }
        Keyword::Known(GoalTuner::Consist) | Keyword::Introduced(_) => {
            // The score of the goal that is nearest to its target, in basis points.
            let share =
                goals.iter().map(|(measured, wanted)| u128::from(measured * 10_000 / wanted)).max().unwrap();
            let last = (*input).max(10_000);
            *input = if share >= 20_000 { 10_000 } else { last * (20_000 - share) / 10_000 };
            if share > 10_000 && share < 20_000 {
                // The kernel rounds the part that it subtracts, not the result.
                *input = (last - last * (share - 10_000) / 10_000).max(10_000);
            }
            *input = (*input).min(u128::from(u64::MAX));
            u64::try_from(*input / 10_000).unwrap().min(cap)
        }
    }
}
