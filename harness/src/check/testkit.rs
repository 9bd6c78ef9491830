//! A small DAMON of our own, for tests: it writes the trace of a right kernel, which tests then spoil.
//!
//! It is written from the documentation of DAMON and not from the checks: what the two agree on is
//! agreed on twice. One loop turn is one aggregation; the hot memory is the first 16 MiB of each
//! node; scheme S takes from node S.

pub(crate) use super::spoil::{edit, found, of_event, replace, rewrite, stored};
use crate::recording::{Meta, RECORDING_VERSION, Recording};
use crate::scenario::{Clocks, GuestClock, MachineSpec, Places, Scenario};
use crate::trace::Trace;
use damonlab_guest::damon::{
    AddrRange, Context, Goal, GoalTuner, Intervals, Kdamond, Ops, Quota, Range, Scheme, Target, Watermarks,
};
use damonlab_guest::plan::{Access, Step, Trace as TracePlan, Workload};
use damonlab_guest::record::{GuestReport, Sample, SchemeStats, StepOutcome, TraceStats};
use damonlab_guest::units::{Addr, Bytes, Nanos, NodeId};
use std::collections::BTreeMap;

const MIB: u64 = 1 << 20;
const HOT: u64 = 16 * MIB;
const NODES: [(u64, u64); 2] = [Model::NODE0, Model::NODE1];
/// One aggregation of 20 samples, and what the loop takes beside its sleeps.
const TURN_US: u64 = 202_000;

/// What the small DAMON is told.
#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) kdamonds: Vec<Kdamond>,
    /// What a node_eligible_mem_bp goal measures, by turn and scheme.
    pub(crate) current: fn(u64, usize) -> u64,
    /// How long one measurement takes, by turn and scheme.
    pub(crate) walk_us: fn(u64, usize) -> u64,
    pub(crate) turns: u64,
}

impl Model {
    pub(crate) const NODE0: (u64, u64) = (MIB, 512 * MIB);
    pub(crate) const NODE1: (u64, u64) = (512 * MIB, 1024 * MIB);

    /// Two schemes with complementary goals and the temporal tuner.
    pub(crate) fn pull_push() -> Model {
        Model {
            kdamonds: vec![kdamond(vec![scheme(1, 3000), scheme(0, 7000)])],
            current: |turn, scheme| {
                let push = [1000, 5000, 6000, 2000][(turn / 2 % 4) as usize];
                if scheme == 0 { push } else { 10_000 - push }
            },
            walk_us: |_, _| 20,
            turns: 40,
        }
    }

    /// The same with the consist tuner and a window a turn: it ramps up, is over, comes back.
    pub(crate) fn consist() -> Model {
        let mut model = Model::pull_push();
        for scheme in &mut model.kdamonds[0].context.schemes {
            scheme.quota.goal_tuner = GoalTuner::Consist;
            scheme.quota.reset_interval_ms = 200;
            scheme.quota.bytes = 4 * MIB;
        }
        model.current = |turn, scheme| match turn {
            0..15 => [10, 9990][scheme],
            _ if scheme == 0 => [2900, 3000, 4500, 9000, 100][(turn % 5) as usize],
            _ => [7100, 7000, 5500, 1000, 9900][(turn % 5) as usize],
        };
        model
    }

    pub(crate) fn scheme(&mut self, index: usize) -> &mut Scheme {
        &mut self.kdamonds[0].context.schemes[index]
    }

    pub(crate) fn goal(&self, scheme: usize) -> &Goal {
        &self.kdamonds[0].context.schemes[scheme].quota.goals[0]
    }

    /// Runs it.
    pub(crate) fn recording(&self) -> Recording {
        let mut lines: Vec<(u64, String)> = Vec::new();
        let mut report = self.report();
        for index in 0..self.kdamonds.len() {
            let (told, stats) = Run::new(self, index).run();
            lines.extend(told);
            report.kdamond_stats.push(stats);
        }
        lines.sort_by_key(|(time, _)| *time);
        let scenario = self.scenario();
        let mut recording = Recording {
            dir: "/nowhere".into(),
            meta: Meta {
                version: RECORDING_VERSION,
                scenario: scenario.name.clone(),
                machine: None,
                kernel: "a model".into(),
                kernel_key: "0".into(),
                qemu: "none".into(),
                seed: 0,
                booted: false,
                agent: None,
                clock: GuestClock::Virtual,
            },
            plan: scenario.plan(0, Default::default()),
            scenario,
            report,
            trace: Trace::default(),
            samples: vec![sample(10, 0, 32, 0), sample(20, 1000, 10, 22)],
            dmesg: "6,100;Linux version 7.3.4\n".into(),
            formats: String::new(),
            sysfs: String::new(),
        };
        rewrite(&mut recording, |text| text.extend(lines.into_iter().map(|(_, line)| line)));
        recording
    }

    fn scenario(&self) -> Scenario {
        Scenario {
            name: "model".into(),
            summary: "A model.".into(),
            machine: MachineSpec {
                nodes: Vec::new(),
                cxl: Vec::new(),
                distances: BTreeMap::new(),
                below_4g: None,
            },
            machine_file: None,
            workloads: vec![Workload {
                name: "hot".into(),
                size: Bytes(32 * MIB),
                node: NodeId(1),
                every: Nanos::from_millis(40),
                hot_bp: 10_000,
                access: Access::Write,
            }],
            kdamonds: self.kdamonds.clone(),
            trace: TracePlan { events: vec!["damon:*".into()], buffer: Bytes(MIB) },
            sample_every: Nanos::from_millis(1000),
            steps: vec![
                Step::Start { refused: None },
                Step::Run { time: Nanos(self.turns * TURN_US * 1000) },
                Step::Stop,
            ],
            expect: Vec::new(),
            snapshot: Vec::new(),
            clock: GuestClock::Virtual,
            clocks: Clocks::for_guest_time(Nanos(0)),
            places: Places::default(),
        }
    }

    fn report(&self) -> GuestReport {
        let range = |(start, end)| vec![(Addr(start), Addr(end))];
        let step = StepOutcome { begin: Nanos(0), end: Nanos(1), refused: None };
        GuestReport {
            kernel: "7.3.4".into(),
            node_ranges: BTreeMap::from([(NodeId(0), range(Model::NODE0)), (NodeId(1), range(Model::NODE1))]),
            steps: vec![step; 3],
            trace_stats: vec![TraceStats::default()],
            kdamond_pids: (52..).take(self.kdamonds.len()).collect(),
            ..GuestReport::default()
        }
    }
}

fn sample(seconds: u64, migrated: u64, on_node1: u64, on_node0: u64) -> Sample {
    let hot = BTreeMap::from([(NodeId(0), Bytes(on_node0 * MIB)), (NodeId(1), Bytes(on_node1 * MIB))]);
    Sample {
        time: Nanos(seconds * 1_000_000_000),
        vmstat: BTreeMap::from([("pgmigrate_success".into(), migrated), ("pgpromote_success".into(), 0)]),
        workloads: BTreeMap::from([("hot".into(), hot)]),
        ..Sample::default()
    }
}

fn kdamond(schemes: Vec<Scheme>) -> Kdamond {
    let regions = vec![AddrRange::Node(NodeId(0)), AddrRange::Node(NodeId(1))];
    Kdamond {
        refresh_ms: 0,
        context: Context {
            ops: Ops::Paddr,
            addr_unit: 1,
            pause: false,
            intervals: Intervals { sample_us: 10_000, aggr_us: 200_000, update_us: 1_000_000, goal: None },
            nr_regions: Range { min: 3, max: 400 },
            probes: Vec::new(),
            targets: vec![Target { pid: None, obsolete: false, regions }],
            schemes,
        },
    }
}

fn scheme(to: i32, target_value: u64) -> Scheme {
    let goal = Goal {
        metric: "node_eligible_mem_bp".into(),
        target_value,
        current_value: 0,
        nid: to,
        path: String::new(),
    };
    Scheme {
        action: "migrate_hot".into(),
        target_nid: to,
        apply_interval_us: 0,
        sz: Range { min: 4096, max: u64::MAX },
        nr_accesses: Range { min: 1, max: 20 },
        age: Range { min: 0, max: 4_294_967_295 },
        quota: Quota {
            ms: 0,
            bytes: MIB,
            reset_interval_ms: 400,
            goal_tuner: GoalTuner::Temporal,
            goals: vec![goal],
            weight_sz: 0,
            weight_nr_accesses: 0,
            weight_age: 0,
            fail_charge_num: 0,
            fail_charge_denom: 0,
        },
        watermarks: Watermarks { metric: "none".into(), interval_us: 0, high: 0, mid: 0, low: 0 },
        core_filters: Vec::new(),
        ops_filters: Vec::new(),
        filters: Vec::new(),
        dests: Vec::new(),
        max_nr_snapshots: 0,
    }
}

/// One kdamond at work.
struct Run<'a> {
    model: &'a Model,
    index: usize,
    now: u64,
    schemes: Vec<State>,
    /// The hot memory of each node: how old its one region was when schemes were applied, and what they
    /// acted on, each part from its start to its end.
    hot: [(u64, Vec<(u64, u64)>); 2],
    out: Vec<(u64, String)>,
}

#[derive(Default, Clone)]
struct State {
    window_from: Option<u64>,
    input: u128,
    quota: Option<u64>,
    charged: u64,
    offset: u64,
    exceeds: u64,
    tried: (u64, u64),
}

impl<'a> Run<'a> {
    fn new(model: &'a Model, index: usize) -> Self {
        let count = model.kdamonds[index].context.schemes.len();
        let now = 10_000_000 + 37 * index as u64;
        Run {
            model,
            index,
            now,
            schemes: vec![State::default(); count],
            hot: Default::default(),
            out: Vec::new(),
        }
    }

    fn configured(&self, scheme: usize) -> &'a Scheme {
        &self.model.kdamonds[self.index].context.schemes[scheme]
    }

    fn tell(&mut self, event: String) {
        self.now += 3;
        let (seconds, micros) = (self.now / 1_000_000, self.now % 1_000_000);
        let (name, pid) = (format!("kdamond.{}", self.index), 52 + self.index);
        self.out
            .push((self.now, format!("{name:>16}-{pid:<7} [000] ..... {seconds:5}.{micros:06}: {event}")));
    }

    /// The trace, and what sysfs says at the end.
    fn run(mut self) -> (Vec<(u64, String)>, Vec<SchemeStats>) {
        for turn in 0..self.model.turns {
            self.now += TURN_US;
            self.merge(turn);
            for scheme in 0..self.schemes.len() {
                self.adjust(turn, scheme);
            }
            for scheme in 0..self.schemes.len() {
                self.act(scheme);
            }
            for scheme in 0..self.schemes.len() {
                self.statistics(turn, scheme);
            }
            self.aggregate(turn);
        }
        let stats = self.schemes.iter().map(|state| self.sysfs(state)).collect();
        (self.out, stats)
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
            nr_snapshots: self.model.turns,
            effective_bytes: state.quota.unwrap_or(0),
        }
    }

    /// The hot memory becomes one region again, as old as its parts are in the mean, and one turn older.
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
            if goal.metric == "user_input" {
                measured.push((goal.current_value, goal.target_value));
                continue;
            }
            let current = (self.model.current)(turn, scheme);
            self.now += (self.model.walk_us)(turn, scheme);
            measured.push((current, goal.target_value));
            self.tell(format!(
                "damos_node_eligible_mem_bp: ctx_idx=0 scheme_idx={scheme} nid={} target_value={} current_value={current}",
                goal.nid, goal.target_value
            ));
        }
        let new = tuned(quota, &measured, &mut self.schemes[scheme].input);
        if self.schemes[scheme].quota != Some(new) {
            self.schemes[scheme].quota = Some(new);
            self.tell(format!("damos_esz: ctx_idx=0 scheme_idx={scheme} esz={new}"));
        }
    }

    fn act(&mut self, scheme: usize) {
        let state = &mut self.schemes[scheme];
        let left = state.quota.unwrap_or(u64::MAX) - state.charged;
        if left < 4096 {
            return;
        }
        let size = left.min(HOT - state.offset) / 4096 * 4096;
        let start = state.offset;
        // With quota left, the last region has been seen, and the next pass begins at the first.
        state.offset = if left - size < 4096 { start + size } else { 0 };
        if size == 0 {
            return;
        }
        state.charged += size;
        state.tried = (state.tried.0 + 1, state.tried.1 + size);
        let (age, acted) = &mut self.hot[scheme];
        acted.push((start, start + size));
        let age = *age;
        let start = NODES[scheme].0 + start;
        self.tell(format!(
            "damos_before_apply: ctx_idx=0 scheme_idx={scheme} target_idx=0 nr_regions=5 {start}-{}: 6 {age}",
            start + size
        ));
    }

    fn statistics(&mut self, turn: u64, scheme: usize) {
        let State { tried: (regions, bytes), exceeds, .. } = self.schemes[scheme];
        self.tell(format!(
            "damos_stat_after_apply_interval: ctx_idx=0 scheme_idx={scheme} nr_tried={regions} sz_tried={bytes} \
             nr_applied={regions} sz_applied={bytes} sz_ops_filter_passed={bytes} qt_exceeds={exceeds} \
             nr_snapshots={}",
            turn + 1
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
            self.tell(format!(
                "damon_aggregated: target_id=0 nr_regions={count} {start}-{end}: {accesses} {age}"
            ));
        }
    }
}

/// The effective quota of a window, from goals as (measured, wanted).
fn tuned(quota: &Quota, goals: &[(u64, u64)], input: &mut u128) -> u64 {
    if goals.is_empty() {
        return quota.bytes;
    }
    let unlimited = u64::MAX / 10_000;
    let cap = if quota.bytes == 0 { unlimited } else { quota.bytes };
    let reached = goals.iter().any(|(measured, wanted)| measured >= wanted);
    match quota.goal_tuner {
        GoalTuner::Temporal if reached => 0,
        GoalTuner::Temporal => cap,
        GoalTuner::Consist => {
            // Percent of a percent of the goal that is reached best.
            let share =
                goals.iter().map(|(measured, wanted)| u128::from(measured * 10_000 / wanted)).max().unwrap();
            let last = (*input).max(10_000);
            *input = if share >= 20_000 { 10_000 } else { last * (20_000 - share) / 10_000 };
            if share > 10_000 && share < 20_000 {
                // The kernel rounds the part that it takes away, not what is left.
                *input = (last - last * (share - 10_000) / 10_000).max(10_000);
            }
            *input = (*input).min(u128::from(u64::MAX));
            u64::try_from(*input / 10_000).unwrap().min(cap)
        }
    }
}
