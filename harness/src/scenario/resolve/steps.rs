//! The steps: an order that makes sense, and durations in guest time.

use super::online::{Now, errno};
use super::{Names, host};
use crate::scenario::charge_window;
use crate::scenario::error::{Checked, Fault};
use crate::scenario::machine::MachineSpec;
use crate::scenario::raw::At;
use crate::scenario::raw_steps::{RawNodeStep, RawRun, RawStart, RawStep};
use crate::scenario::units::{Node, Number};
use damonlab_protocol::damon::Kdamond;
use damonlab_protocol::plan::{Step, Workload};
use damonlab_protocol::units::{Bytes, Nanos, NodeId};
use std::collections::BTreeSet;

/// The most guest time that one scenario may ask for.
const MAX_TIME: Nanos = Nanos(24 * 3_600 * 1_000_000_000);

/// Where the kdamonds are between two steps.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum State {
    Off,
    On,
    Refused,
}

/// The steps, and what is asked of them later.
pub(super) struct Steps {
    pub(super) steps: Vec<Step>,
    /// How many whole charge windows each run has room for, where windows end at all.
    pub(super) windows: Vec<Option<u64>>,
}

pub(super) fn resolve(
    raw: &At<Vec<At<RawStep>>>,
    kdamonds: &[Kdamond],
    machine: &MachineSpec,
    workloads: &[Workload],
    names: &Names,
) -> Checked<Steps> {
    let (started, state) = (kdamonds, State::Off);
    let mut now = Now { names, workloads, started, kdamonds: kdamonds.to_vec(), state };
    let used = workloads.iter().map(|workload| workload.size.0).fold(0, u64::saturating_add);
    let mut memory = Memory { machine, used: Bytes(used), offline: BTreeSet::new() };
    let mut total = 0u64;
    let mut steps = Steps { steps: Vec::new(), windows: Vec::new() };
    for place in &raw.value {
        let step = one(place, &mut now, &mut memory)?;
        if let Step::Run { time } = &step {
            total = total.saturating_add(time.0);
            steps.windows.push(windows_in(*time, &now));
        }
        if total > MAX_TIME.0 {
            return Err(Fault::at(place, format!("the steps come to more than {MAX_TIME} of guest time")));
        }
        steps.steps.push(step);
    }
    Ok(steps)
}

fn one(place: &At<RawStep>, now: &mut Now<'_>, memory: &mut Memory<'_>) -> Checked<Step> {
    match &place.value {
        RawStep::Start(start) => self::start(place, start, now),
        RawStep::Run(run) => self::run(place, run, now),
        RawStep::Offline(node) => memory.offline(node, now.state),
        RawStep::Online(node) => memory.online(node, now.state),
        RawStep::Stop => stop(place, now),
        RawStep::Commit(commit) => now.commit(place, commit),
        RawStep::Retarget(retarget) => now.retarget(place, retarget),
        RawStep::Pause => now.pause(place),
        RawStep::Resume => now.resume(place),
        RawStep::Write(write) => now.write(place, write),
        RawStep::Workload(phase) => now.workload(place, phase),
        RawStep::HostCommand(command) => host::command(place, command, now.names),
        RawStep::Selftests(tests) => host::selftests(place, tests, now.names),
    }
}

fn start(place: &At<RawStep>, raw: &RawStart, now: &mut Now<'_>) -> Checked<Step> {
    now.need_damon(place, "start")?;
    match now.state {
        State::On => return Err(Fault::at(place, "DAMON runs already").help("stop it first")),
        State::Refused => return Err(after_refusal(place)),
        State::Off => {}
    }
    let refused = errno(raw.refused.as_ref())?;
    now.state = if refused.is_some() { State::Refused } else { State::On };
    now.kdamonds = now.started.to_vec();
    Ok(Step::Start { refused })
}

pub(super) fn after_refusal<T>(place: &At<T>) -> Fault {
    Fault::at(place, "nothing can follow a start that the kernel must refuse")
}

fn run(place: &At<RawStep>, raw: &RawRun, now: &Now<'_>) -> Checked<Step> {
    match now.state {
        State::Off if !now.started.is_empty() => {
            return Err(Fault::at(place, "a run without DAMON").help("put `start` before it"));
        }
        State::Refused => return Err(after_refusal(place)),
        State::Off | State::On => {}
    }
    let (time, zero) = match (&raw.windows, &raw.time) {
        (Some(windows), None) if now.started.is_empty() => {
            return Err(Fault::at(
                windows,
                "`windows` counts DAMON's charge windows, and this scenario has no DAMON",
            )
            .help("give the run a time: run: {for: 10s}"));
        }
        (Some(windows), None) if now.paused() => {
            return Err(Fault::at(windows, "no charge window ends while DAMON is paused")
                .help("give the run a time: run: {for: 10s}"));
        }
        (Some(windows), None) => (windows_time(windows, &now.kdamonds)?, windows.value.0 == 0),
        (None, Some(time)) => (time.value.0, time.value.0.0 == 0),
        _ => return Err(Fault::at(place, "a run is {windows: N} or {for: TIME}, one of them")),
    };
    if zero {
        return Err(Fault::at(place, "a run of no time"));
    }
    Ok(Step::Run { time })
}

fn windows_time(windows: &At<Number>, kdamonds: &[Kdamond]) -> Checked<Nanos> {
    let Some(window) = charge_window(kdamonds) else {
        return Err(Fault::at(
            windows,
            "a charge window never ends here: a quota's reset_interval_ms is too long",
        )
        .help("give the run a time: run: {for: 10s}"));
    };
    match window.0.checked_mul(windows.value.0) {
        Some(time) if time <= MAX_TIME.0 => Ok(Nanos(time)),
        _ => {
            let message =
                format!("{} windows of {window} are more than {MAX_TIME} of guest time", windows.value.0);
            Err(Fault::at(windows, message))
        }
    }
}

/// The machine's memory between two steps.
struct Memory<'a> {
    machine: &'a MachineSpec,
    /// What the workloads hold.
    used: Bytes,
    offline: BTreeSet<NodeId>,
}

impl Memory<'_> {
    fn offline(&mut self, raw: &RawNodeStep, state: State) -> Checked<Step> {
        let node = raw.node.value.0;
        if state == State::Refused {
            return Err(after_refusal(&raw.node));
        }
        self.check_removable(&raw.node)?;
        if !self.offline.insert(node) {
            return Err(Fault::at(&raw.node, format!("{node} is offline already"))
                .help("put `online` between the two"));
        }
        // The kernel moves the pages elsewhere first, and keeps the node where there is no room.
        let left = self.left();
        if self.used > left {
            let message = format!(
                "{} of workloads would not fit into the {left} that are left without {node}",
                self.used
            );
            return Err(Fault::at(&raw.node, message).help("its pages have to go to another node first"));
        }
        Ok(Step::Offline { node })
    }

    fn check_removable(&self, place: &At<Node>) -> Checked<()> {
        let node = place.value.0;
        if self.machine.is_removable(node) {
            return Ok(());
        }
        let message = match self.machine.memory_of(node) {
            None => format!("there is no {node}"),
            Some(Bytes(0)) => format!("{node} has no memory that could go offline"),
            Some(_) => format!("{node} has its memory from boot on, and the kernel keeps it"),
        };
        Err(Fault::at(place, message)
            .help("a CXL window or a node with `soft_reserved: true` can go offline"))
    }

    fn online(&mut self, raw: &RawNodeStep, state: State) -> Checked<Step> {
        let node = raw.node.value.0;
        if state == State::Refused {
            return Err(after_refusal(&raw.node));
        }
        if !self.offline.remove(&node) {
            return Err(Fault::at(&raw.node, format!("{node} is not offline")).help(format!(
                "everything is online at first; put `offline: {{node: {}}}` before it",
                node.0
            )));
        }
        Ok(Step::Online { node })
    }

    /// What is online.
    fn left(&self) -> Bytes {
        let away = self.offline.iter().filter_map(|node| self.machine.memory_of(*node));
        let away = away.map(|memory| memory.0).fold(0, u64::saturating_add);
        Bytes(self.machine.memory().0.saturating_sub(away))
    }
}

fn stop(place: &At<RawStep>, now: &mut Now<'_>) -> Checked<Step> {
    now.need_damon(place, "stop")?;
    match now.state {
        State::On => {
            now.state = State::Off;
            Ok(Step::Stop)
        }
        State::Off => Err(Fault::at(place, "a stop without a start")),
        State::Refused => Err(after_refusal(place)),
    }
}

/// How many whole charge windows a run has room for.
fn windows_in(time: Nanos, now: &Now<'_>) -> Option<u64> {
    if now.paused() {
        return Some(0);
    }
    charge_window(&now.kdamonds).filter(|window| window.0 > 0).map(|window| time.0 / window.0)
}
