//! A scenario that makes sense: units resolved, names checked, damo's kdamonds turned into the kernel's own terms.

use super::boot::Boot;
use super::clocks::Clocks;
use super::expect::Expectation;
use super::guest_clock::GuestClock;
use super::introduces_file::IntroducesFile;
use super::machine::{CxlWindow, MachineSpec, NodeSpec};
use super::machine_file::MachineFile;
use super::place::Places;
use super::race;
use super::rule::ScenarioRule;
use super::rule_file::RuleFile;
use damonlab_protocol::damon::Kdamond;
use damonlab_protocol::kernel_feature::KernelFeature;
use damonlab_protocol::machine_view::MachineView;
use damonlab_protocol::plan::{CxlRegion, Plan, SoftReserved, Step, Trace, Workload};
use damonlab_protocol::units::{Bytes, Nanos};

/// A scenario that makes sense.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The file's stem: the name in reports, results and snapshots.
    pub name: String,
    /// One sentence for people.
    pub summary: String,
    /// The machine that the guest must see.
    pub machine: MachineSpec,
    /// The machine's file; none where it stands in the scenario.
    pub machine_file: Option<MachineFile>,
    /// The file that introduces words of the scenario, besides its own; none where it uses none of them, and the file
    /// expects no rule to change.
    pub introduces_file: Option<IntroducesFile>,
    /// The files of rules that do not stand in the scenario, in order.
    pub rule_files: Vec<RuleFile>,
    /// The processes that touch memory.
    pub workloads: Vec<Workload>,
    /// Swap to compressed memory, if any.
    pub swap: Option<Bytes>,
    /// What is set before a workload starts.
    pub boot: Boot,
    /// The guest sees the host's files.
    pub host_root: bool,
    /// DAMON's configuration; empty where the scenario is about something else.
    pub kdamonds: Vec<Kdamond>,
    /// What is recorded.
    pub trace: Trace,
    /// How often memory is sampled.
    pub sample_every: Nanos,
    /// What the names of the vmstat counters that samples keep begin with; none stands for the default.
    pub vmstat: Vec<String>,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// What must come out.
    pub expect: Vec<Expectation>,
    /// Its own rules, and those of `--rules`.
    pub rules: Vec<ScenarioRule>,
    /// KUnit suites that the kernel must have run at boot, with no test that fails.
    pub kunit: Vec<String>,
    /// Which snapshots are compared in `cargo test`.
    pub snapshot: Vec<SnapshotKind>,
    /// What makes time pass in the guest.
    pub clock: GuestClock,
    /// How much wall time a run may take.
    pub clocks: Clocks,
    /// What the kernel must have, besides what the known part of the configuration asks of it.
    pub needs: Vec<KernelFeature>,
    /// What is noted about it, a line each.
    pub notes: Vec<String>,
    /// Where some of it stands in its text.
    pub places: Places,
}

/// The kinds of stored text that a run is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SnapshotKind {
    /// Event formats and the sysfs tree.
    Interface,
    /// The normalised course of the run.
    Behaviour,
}

impl Scenario {
    /// It needs options of `kernel-config/` that are not in the default set.
    pub fn wants_another_kernel(&self) -> bool {
        self.host_root || !self.kunit.is_empty()
    }

    /// What the guest has to do, on a machine that must look like `wanted`.
    pub fn plan(&self, seed: u64, wanted: MachineView) -> Plan {
        Plan {
            seed,
            cxl: self.machine.cxl.iter().map(region).collect(),
            soft_reserved: self.machine.nodes.iter().filter_map(soft_reserved).collect(),
            machine: Some(wanted),
            needs: self.needs.clone(),
            swap: self.swap,
            boot_writes: self.boot.writes.clone(),
            host_root: self.host_root,
            workloads: self.workloads.clone(),
            kdamonds: self.kdamonds.clone(),
            trace: self.trace.clone(),
            sample_every: self.sample_every,
            vmstat: self.vmstat.clone(),
            steps: race::scheduled(&self.steps, &self.kdamonds, seed),
            ..Plan::empty(&self.name)
        }
    }

    /// How much guest time the steps take.
    pub fn guest_time(&self) -> Nanos {
        guest_time(&self.steps)
    }
}

fn region(window: &CxlWindow) -> CxlRegion {
    CxlRegion {
        node: window.node,
        serials: window.devices.iter().map(|device| device.serial).collect(),
        granularity: window.granularity,
        device: window.devices.first().map_or(Bytes(0), |device| device.size),
    }
}

fn soft_reserved(node: &NodeSpec) -> Option<SoftReserved> {
    node.soft_reserved.then_some(SoftReserved { node: node.id, size: node.memory })
}

/// How much guest time these steps take.
pub(super) fn guest_time(steps: &[Step]) -> Nanos {
    let run = |step: &Step| if let Step::Run { time } = step { time.0 } else { 0 };
    Nanos(steps.iter().map(run).fold(0, u64::saturating_add))
}
