//! From the YAML's shape to a [`Scenario`]: names looked up, units turned into the kernel's, and
//! everything refused that could not work or would not mean what it seems to.
//!
//! A check belongs here if its answer needs only the file. What needs a kernel or a machine is
//! checked where that is at hand.

mod context;
mod event;
mod expect;
mod filter;
mod header;
mod host;
mod kunit;
mod machine;
mod needs;
mod online;
mod scheme;
mod steps;
mod workload;

pub(super) use header::{can_name, check_header, check_machine_name, machine_file};
pub(super) use machine::resolve as machine;
pub(super) use needs::all as all_needs;

use super::error::{Checked, Fault};
use super::machine_file::Chosen;
use super::raw::{At, RawClocks, RawDamon, RawSample, RawScenario, RawTrace};
use super::raw_steps::RawStep;
use super::units::{Node, Size, Time, Word};
use super::vocabulary::SNAPSHOTS;
use super::{Clocks, GuestClock, MachineSpec, Places, Scenario, SnapshotKind};
use crate::subject::damon::events::MIGRATIONS;
use damonlab_protocol::damon::Kdamond;
use damonlab_protocol::plan::{Step, Trace, Workload};
use damonlab_protocol::units::{Bytes, Nanos, NodeId};
use std::collections::BTreeSet;
use std::time::Duration;
use steps::Steps;

/// The default of `trace.events`.
const DEFAULT_EVENTS: &str = "damon:*";

/// The default of `trace.buffer`: twice what pull-push writes in 100 windows.
const DEFAULT_BUFFER: Bytes = Bytes(32 << 20);

/// The default of `sample.every`.
const DEFAULT_SAMPLE: Nanos = Nanos(1_000_000_000);

/// What the rest of a file may refer to.
#[derive(Clone)]
pub(super) struct Names {
    /// Every node, CXL ones too.
    nodes: BTreeSet<NodeId>,
    /// Those of them that have none.
    memoryless: BTreeSet<NodeId>,
    /// Every workload.
    workloads: BTreeSet<String>,
    /// Nodes that goals may name although the machine does not have them.
    absent: BTreeSet<NodeId>,
    /// The scenario wants to see the kernel's no: what only the kernel would refuse passes here.
    refused: bool,
    /// The guest sees the host's files.
    host_root: bool,
}

impl Names {
    /// The node, if the machine has it.
    fn node<T>(&self, id: NodeId, place: &At<T>) -> Checked<NodeId> {
        if self.nodes.contains(&id) {
            return Ok(id);
        }
        let known: Vec<String> = self.nodes.iter().map(|node| node.0.to_string()).collect();
        Err(Fault::at(place, format!("there is no {id}"))
            .help(format!("the machine has the nodes {}", known.join(", "))))
    }

    /// The node, if it has memory: without, a range of it is nowhere, and pages that should move there stay.
    fn memory<T>(&self, id: NodeId, place: &At<T>) -> Checked<NodeId> {
        let id = self.node(id, place)?;
        if self.memoryless.contains(&id) {
            return Err(Fault::at(place, format!("{id} has no memory to monitor, or to move pages to")));
        }
        Ok(id)
    }

    /// The node, from a number that may be anything.
    fn node_number<T>(&self, id: i64, place: &At<T>) -> Checked<NodeId> {
        match u16::try_from(id) {
            Ok(id) if self.absent.contains(&NodeId(id)) => Ok(NodeId(id)),
            Ok(id) => self.node(NodeId(id), place),
            Err(_) => Err(Fault::at(place, format!("there is no node {id}"))),
        }
    }

    /// The workload, if there is one of that name.
    fn workload(&self, name: &At<Word>) -> Checked<String> {
        if self.workloads.contains(&name.value.0) {
            return Ok(name.value.0.clone());
        }
        let fault = Fault::at(name, format!("there is no workload named '{}'", name.value.0));
        let known: Vec<&str> = self.workloads.iter().map(String::as_str).collect();
        Err(if known.is_empty() { fault } else { fault.known(&name.value.0, &known) })
    }

    /// Refuses what the kernel would refuse, unless the scenario is about that.
    fn kernel_refuses(&self, fault: impl FnOnce() -> Fault) -> Checked<()> {
        if self.refused {
            return Ok(());
        }
        Err(fault()
            .or_help("where the kernel's no is the point of the scenario, say `refused: EINVAL` in the step"))
    }
}

/// The machine that `text` means, also one that no clock can be promised for.
#[cfg(test)]
pub(crate) fn machine_of(text: &str) -> MachineSpec {
    try_machine_of(text).unwrap()
}

/// The same, where the grammar may refuse it.
#[cfg(test)]
pub(crate) fn try_machine_of(text: &str) -> Result<MachineSpec, super::ScenarioError> {
    let raw: super::raw_machine::RawMachine = serde_saphyr::from_str(text).unwrap();
    machine::resolve(&raw).map_err(|fault| fault.inside("machine.yaml", text))
}

/// The scenario that `raw` means, on the machine that was chosen for it.
pub(super) fn resolve(name: &str, raw: &RawScenario, chosen: &Chosen) -> Checked<Scenario> {
    let machine = chosen.spec.clone();
    let clock = guest_clock(raw.clock.as_ref())?;
    // Whoever overrules the machine may overrule the clock too, and asks then.
    if clock.is_virtual() && !chosen.overrules {
        machine::check_virtual_time(&raw.machine, &machine)?;
    }
    let workloads = workload::resolve(&raw.workloads, &machine)?;
    let swap = workload::swap(raw.swap.as_ref(), &machine)?;
    let host_root = host::root(raw.host_root.as_ref(), clock)?;
    let absent = absent(&raw.absent_nodes, &machine)?;
    let names = Names { absent, host_root, ..names(&machine, &workloads, &raw.steps) };
    let kdamonds =
        raw.damon.kdamonds.iter().map(|raw| context::kdamond(raw, &names)).collect::<Checked<Vec<_>>>()?;
    // KUnit's tests have run when a guest begins.
    if raw.steps.value.is_empty() && raw.kunit.is_empty() {
        return Err(Fault::at(&raw.steps, "no steps").help("steps: [start, run: {windows: 60}, stop]"));
    }
    let Steps { steps, windows } = steps::resolve(&raw.steps, &kdamonds, &machine, &workloads, &names)?;
    let trace = trace(&raw.trace, &machine)?;
    let run = expect::RunStep { names: &names, windows: &windows, events: &trace.events };
    let expect = raw.expect.iter().map(|raw| expect::resolve(raw, &run)).collect::<Checked<Vec<_>>>()?;
    let guest_time = super::guest_time(&steps);
    Ok(Scenario {
        name: name.to_owned(),
        summary: raw.summary.value.0.trim().to_owned(),
        machine,
        machine_file: chosen.file.clone(),
        workloads,
        swap,
        host_root,
        trace: with_migrations(trace, &kdamonds, &steps),
        kdamonds,
        sample_every: sample(&raw.sample)?,
        steps,
        expect,
        kunit: kunit::resolve(&raw.kunit)?,
        snapshot: snapshot(&raw.snapshot)?,
        clock,
        clocks: clocks(&raw.clocks, guest_time)?,
        needs: raw.needs.iter().map(needs::need).collect::<Checked<Vec<_>>>()?,
        places: Places::default(),
    })
}

/// What a configuration by itself means, on a machine without workloads.
pub(super) fn kdamonds(raw: &RawDamon, machine: &MachineSpec) -> Checked<Vec<Kdamond>> {
    let names = nodes_of(machine);
    raw.kdamonds.iter().map(|raw| context::kdamond(raw, &names)).collect()
}

/// What a machine alone has names for.
fn nodes_of(machine: &MachineSpec) -> Names {
    let described = machine.nodes.iter().map(|node| node.id);
    let memoryless = machine.nodes.iter().filter(|node| node.memory.0 == 0);
    Names {
        nodes: described.chain(machine.cxl.iter().map(|window| window.node)).collect(),
        memoryless: memoryless.map(|node| node.id).collect(),
        workloads: BTreeSet::new(),
        absent: BTreeSet::new(),
        refused: false,
        host_root: false,
    }
}

fn names(machine: &MachineSpec, workloads: &[Workload], steps: &At<Vec<At<RawStep>>>) -> Names {
    let refused =
        |step: &At<RawStep>| matches!(&step.value, RawStep::Start(start) if start.refused.is_some());
    Names {
        workloads: workloads.iter().map(|workload| workload.name.clone()).collect(),
        refused: steps.value.iter().any(refused),
        ..nodes_of(machine)
    }
}

/// Nodes that are not there on purpose: what the kernel does with such a number is the point.
fn absent(raw: &[At<Node>], machine: &MachineSpec) -> Checked<BTreeSet<NodeId>> {
    let there = |id: NodeId| {
        machine.nodes.iter().any(|node| node.id == id) || machine.cxl.iter().any(|window| window.node == id)
    };
    match raw.iter().find(|node| there(node.value.0)) {
        Some(node) => Err(Fault::at(node, format!("{} is there", node.value.0))),
        None => Ok(raw.iter().map(|node| node.value.0).collect()),
    }
}

fn trace(raw: &RawTrace, machine: &MachineSpec) -> Checked<Trace> {
    let events = match &raw.events {
        None => vec![DEFAULT_EVENTS.to_owned()],
        Some(events) if events.value.is_empty() => {
            return Err(Fault::at(events, "no event is recorded").help("leave `events` out for damon:*"));
        }
        Some(events) => events.value.iter().map(event).collect::<Checked<Vec<_>>>()?,
    };
    let buffer = match &raw.buffer {
        None => Bytes(DEFAULT_BUFFER.0.min(largest_buffer(machine).0)),
        Some(buffer) => check_buffer(buffer, machine)?,
    };
    Ok(Trace { events, buffer })
}

/// What the migration core says it moved is compared with what DAMON says; an expectation can only ask for it
/// where the file names it.
fn with_migrations(mut trace: Trace, kdamonds: &[Kdamond], steps: &[Step]) -> Trace {
    let committed = steps.iter().flat_map(|step| match step {
        Step::Commit { kdamonds, .. } => kdamonds.as_slice(),
        _ => &[],
    });
    let mut schemes = kdamonds.iter().chain(committed).flat_map(|kdamond| &kdamond.context.schemes);
    let recorded = trace.events.iter().any(|event| event == MIGRATIONS || event == "migrate:*");
    if !recorded && schemes.any(|scheme| scheme.action.starts_with("migrate_")) {
        trace.events.push(MIGRATIONS.to_owned());
    }
    trace
}

/// The ring buffer lies in the guest's memory, once per CPU, and the kernel lives on its boot node.
fn largest_buffer(machine: &MachineSpec) -> Bytes {
    let memory = machine.boot_node().map_or(0, |node| node.memory.0);
    Bytes(memory / 2 / (machine.cpus() as u64).max(1))
}

fn check_buffer(place: &At<Size>, machine: &MachineSpec) -> Checked<Bytes> {
    let (buffer, largest) = (place.value.0, largest_buffer(machine));
    if buffer.0 < 1 << 16 {
        return Err(Fault::at(place, format!("a trace buffer of {buffer} loses events")).help("64K at least"));
    }
    if buffer > largest {
        let message = format!(
            "a trace buffer of {buffer} for each CPU is more than half of the node that the kernel boots on"
        );
        return Err(Fault::at(place, message).help(format!("{largest} at most here")));
    }
    Ok(buffer)
}

fn event(raw: &At<Word>) -> Checked<String> {
    let text = &raw.value.0;
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match text.split_once(':') {
        Some((system, event)) if word(system) && (event == "*" || word(event)) => Ok(text.clone()),
        _ => Err(Fault::at(raw, format!("'{text}' is not a tracepoint"))
            .help("system:event or system:*, for instance damon:damos_esz")),
    }
}

fn sample(raw: &RawSample) -> Checked<Nanos> {
    match &raw.every {
        None => Ok(DEFAULT_SAMPLE),
        Some(every) if every.value.0 < Nanos::from_millis(10) => Err(Fault::at(
            every,
            format!("a sample every {} would be most of what the guest does", every.value.0),
        )
        .help("10ms at least; 1s is the default")),
        Some(every) => Ok(every.value.0),
    }
}

fn snapshot(raw: &[At<Word>]) -> Checked<Vec<SnapshotKind>> {
    let mut kinds = Vec::new();
    for word in raw {
        let kind = match word.value.0.as_str() {
            "interface" => SnapshotKind::Interface,
            "behaviour" => SnapshotKind::Behaviour,
            other => {
                return Err(
                    Fault::at(word, format!("there is no snapshot of '{other}'")).known(other, SNAPSHOTS)
                );
            }
        };
        if kinds.contains(&kind) {
            return Err(Fault::at(word, format!("'{}' stands here twice", word.value.0)));
        }
        kinds.push(kind);
    }
    Ok(kinds)
}

fn guest_clock(raw: Option<&At<Word>>) -> Checked<GuestClock> {
    let Some(word) = raw else { return Ok(GuestClock::default()) };
    let named = word.value.0.as_str();
    named
        .parse()
        .map_err(|_| Fault::at(word, format!("there is no clock '{named}'")).known(named, GuestClock::WORDS))
}

fn clocks(raw: &RawClocks, guest_time: Nanos) -> Checked<Clocks> {
    let defaults = Clocks::for_guest_time(guest_time);
    let clock = |raw: &Option<At<Time>>, default: Duration| match raw {
        None => Ok(default),
        Some(time) if time.value.0 < Nanos::from_millis(1_000) => {
            Err(Fault::at(time, format!("a clock of {} runs out before anything happens", time.value.0))
                .help("1s at least; clocks count wall time"))
        }
        Some(time) => Ok(Duration::from(time.value.0)),
    };
    Ok(Clocks {
        boot: clock(&raw.boot, defaults.boot)?,
        scenario: clock(&raw.scenario, defaults.scenario)?,
        shutdown: clock(&raw.shutdown, defaults.shutdown)?,
    })
}
