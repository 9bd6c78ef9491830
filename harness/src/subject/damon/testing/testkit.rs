//! A model of DAMON for tests: it makes the recording of a correct kernel, with which tests then tamper.
//!
//! It follows the documentation of DAMON and not the checks, so that each confirms the other. One turn of its loop is
//! one aggregation; the hot memory is the first 16 MiB of each node; scheme S acts on node S.

use super::damon_model::ModelRun;
use super::tamper::rewrite;
use crate::host::names::{EntryName, Key};
use crate::recording::{Meta, RECORDING_VERSION, Recording, Seal, Trace};
use crate::scenario::{Clocks, GuestClock, InstructionCost, MachineSpec, Places, Scenario};
use damonlab_protocol::damon::{
    AddrRange, Context, Filter, FilterKind, Goal, GoalTuner, Intervals, Kdamond, Ops, Quota, Range, Scheme,
    Target, Watermarks,
};
use damonlab_protocol::plan::{Access, Step, Trace as TracePlan, Workload};
use damonlab_protocol::record::{GuestReport, Sample, StepRecord, TraceStats};
use damonlab_protocol::units::{Addr, BasisPoints, Bytes, Nanos, NodeId};
use std::collections::BTreeMap;

pub(super) const MIB: u64 = 1 << 20;
pub(super) const HOT: u64 = 16 * MIB;
/// The time of one aggregation of 20 samples, with the work of the loop beside its sleeps.
pub(super) const TURN_US: u64 = 202_000;

/// The configuration of the model.
#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) kdamonds: Vec<Kdamond>,
    /// The measurement of a traced goal, by turn and scheme.
    pub(crate) current: fn(u64, usize) -> u64,
    /// How long one measurement takes, by turn and scheme.
    pub(crate) walk_us: fn(u64, usize) -> u64,
    pub(crate) turns: u64,
    /// Configurations that are committed in a turn, in order.
    pub(crate) commits: Vec<(u64, Vec<Kdamond>)>,
    /// The bytes that a scheme skips where it continues after its quota was used up: none, in a correct kernel.
    pub(crate) hole: u64,
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
            commits: Vec::new(),
            hole: 0,
        }
    }

    /// Commits another configuration in a turn: the last one, changed.
    pub(crate) fn commit(&mut self, turn: u64, change: impl FnOnce(&mut Vec<Scheme>)) {
        let mut kdamonds = self.commits.last().map_or(&self.kdamonds, |(_, last)| last).clone();
        change(&mut kdamonds[0].context.schemes);
        self.commits.push((turn, kdamonds));
    }

    /// The same with the consist tuner and a window per turn: the quota ramps up, overshoots and comes back.
    pub(crate) fn consist() -> Model {
        let mut model = Model::pull_push();
        for scheme in &mut model.kdamonds[0].context.schemes {
            scheme.quota.goal_tuner = GoalTuner::Consist.into();
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
            let (events, stats, applied) = ModelRun::new(self, index).run();
            lines.extend(events);
            report.kdamond_stats.push(stats);
            for (nth, time) in applied.into_iter().enumerate() {
                report.steps[nth + 1].answered.insert(index, Nanos(time * 1_000));
            }
        }
        lines.sort_by_key(|(time, _)| *time);
        let scenario = self.scenario();
        let mut recording = Recording {
            dir: "/nowhere".into(),
            seal: Seal::Intact,
            meta: Meta {
                formulas: None,
                load: None,
                without_results: None,
                chosen_accelerator: None,
                version: RECORDING_VERSION,
                scenario: EntryName::new(&*scenario.name).unwrap(),
                machine: None,
                kernel: "a model".into(),
                kernel_key: Key::new("0").unwrap(),
                qemu: "none".into(),
                seed: 0,
                booted: false,
                agent: None,
                sealed: true,
                clock: GuestClock::Virtual,
                pace: InstructionCost::Plain,
            },
            plan: scenario.plan(0, Default::default()),
            scenario,
            report,
            trace: Trace::default(),
            raw: Vec::new(),
            samples: vec![sample(10, 0, 32, 0), sample(20, 1000, 10, 22)],
            dmesg: "6,100;Linux version 7.3.4\n".into(),
            formats: String::new(),
            sysfs: String::new(),
            tests: String::new(),
        };
        rewrite(&mut recording, |text| text.extend(lines.into_iter().map(|(_, line)| line)));
        recording
    }

    fn scenario(&self) -> Scenario {
        Scenario {
            introduces_file: None,
            rule_files: Vec::new(),
            name: "model".into(),
            summary: "A model.".into(),
            rules: Vec::new(),
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
                hot_bp: BasisPoints::WHOLE,
                access: Access::Write,
                memcg: None,
                huge_pages: false,
            }],
            swap: None,
            boot: Default::default(),
            kdamonds: self.kdamonds.clone(),
            trace: TracePlan { events: vec!["damon:*".into()], buffer: Bytes(MIB) },
            sample_every: Nanos::from_millis(1000),
            vmstat: Vec::new(),
            steps: self.steps(),
            expect: Vec::new(),
            kunit: Vec::new(),
            host_root: false,
            snapshot: Vec::new(),
            clock: GuestClock::Virtual,
            clocks: Clocks::for_guest_time(Nanos(0)),
            needs: Vec::new(),
            notes: Vec::new(),
            places: Places::default(),
        }
    }

    fn steps(&self) -> Vec<Step> {
        let commit =
            |(_, kdamonds): &(u64, Vec<Kdamond>)| Step::Commit { kdamonds: kdamonds.clone(), refused: None };
        let run = Step::Run { time: Nanos(self.turns * TURN_US * 1000) };
        let start = [Step::Start { refused: None }].into_iter();
        start.chain(self.commits.iter().map(commit)).chain([run, Step::Stop]).collect()
    }

    fn report(&self) -> GuestReport {
        let range = |(start, end)| vec![(Addr(start), Addr(end))];
        let step = StepRecord {
            begin: Nanos(0),
            end: Nanos(1),
            refused: None,
            answered: BTreeMap::new(),
            read_back: Vec::new(),
            tasks: Vec::new(),
        };
        GuestReport {
            kernel: "7.3.4".into(),
            node_ranges: BTreeMap::from([(NodeId(0), range(Model::NODE0)), (NodeId(1), range(Model::NODE1))]),
            steps: vec![step; 3 + self.commits.len()],
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
        sysfs: Vec::new(),
        refresh_ms: 0,
        context: Context {
            ops: Ops::Paddr.into(),
            addr_unit: 1,
            pause: false,
            intervals: Intervals { sample_us: 10_000, aggr_us: 200_000, update_us: 1_000_000, goal: None },
            nr_regions: Range { min: 3, max: 400 },
            probes: Vec::new(),
            sample: None,
            targets: vec![Target { pid: None, obsolete: false, regions }],
            schemes,
        },
        others: Vec::new(),
    }
}

fn scheme(to: u16, target_value: u64) -> Scheme {
    let (nid, to) = (i32::from(to), NodeId(to));
    let goal = Goal {
        metric: "node_eligible_mem_bp".into(),
        complement: false,
        target_value,
        current_value: 0,
        nid,
        path: String::new(),
    };
    Scheme {
        action: "migrate_hot".into(),
        target_nid: nid,
        apply_interval_us: 0,
        sz: Range { min: 4096, max: u64::MAX },
        nr_accesses: Range { min: 1, max: 20 },
        age: Range { min: 0, max: 4_294_967_295 },
        quota: Quota {
            ms: 0,
            bytes: MIB,
            reset_interval_ms: 400,
            goal_tuner: GoalTuner::Temporal.into(),
            goals: vec![goal],
            weight_sz: 0,
            weight_nr_accesses: 0,
            weight_age: 0,
            fail_charge_num: 0,
            fail_charge_denom: 0,
        },
        watermarks: Watermarks { metric: "none".into(), interval_us: 0, high: 0, mid: 0, low: 0 },
        core_filters: vec![Filter {
            kind: FilterKind::Addr(AddrRange::Node(to)),
            matching: true,
            allow: false,
        }],
        ops_filters: Vec::new(),
        filters: Vec::new(),
        dests: Vec::new(),
        max_nr_snapshots: 0,
    }
}
