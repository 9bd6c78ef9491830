//! The steps: an order that makes sense, and durations in guest time.

use crate::scenario::error::{Checked, Fault};
use crate::scenario::machine::MachineSpec;
use crate::scenario::raw::{At, RawNodeStep, RawRun, RawStart, RawStep};
use crate::scenario::units::{Node, Number};
use crate::scenario::vocabulary::ERRNOS;
use crate::scenario::{charge_window, guest_time};
use damonlab_guest::damon::Kdamond;
use damonlab_guest::plan::{Step, Workload};
use damonlab_guest::units::{Bytes, Nanos, NodeId};
use std::collections::BTreeSet;

/// The most guest time that one scenario may ask for.
const MAX_TIME: Nanos = Nanos(24 * 3_600 * 1_000_000_000);

/// Where the kdamonds are between two steps.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Off,
    On,
    Refused,
}

pub(super) fn resolve(
    raw: &At<Vec<At<RawStep>>>,
    kdamonds: &[Kdamond],
    machine: &MachineSpec,
    workloads: &[Workload],
) -> Checked<Vec<Step>> {
    if raw.value.is_empty() {
        return Err(Fault::at(raw, "no steps").help("steps: [start, run: {windows: 60}, stop]"));
    }
    let mut state = State::Off;
    let mut total = 0u64;
    let mut steps = Vec::new();
    let used = workloads.iter().map(|workload| workload.size.0).fold(0, u64::saturating_add);
    let mut memory = Memory { machine, used: Bytes(used), offline: BTreeSet::new() };
    for place in &raw.value {
        let (step, next) = match &place.value {
            RawStep::Start(start) => self::start(place, start, state, kdamonds)?,
            RawStep::Run(run) => (self::run(place, run, state, kdamonds)?, state),
            RawStep::Offline(node) => (memory.offline(node, state)?, state),
            RawStep::Online(node) => (memory.online(node, state)?, state),
            RawStep::Stop => (stop(place, state)?, State::Off),
        };
        if let Step::Run { time } = &step {
            total = total.saturating_add(time.0);
        }
        if total > MAX_TIME.0 {
            return Err(Fault::at(place, format!("the steps come to more than {MAX_TIME} of guest time")));
        }
        state = next;
        steps.push(step);
    }
    Ok(steps)
}

fn start(place: &At<RawStep>, raw: &RawStart, state: State, kdamonds: &[Kdamond]) -> Checked<(Step, State)> {
    if kdamonds.is_empty() {
        return Err(Fault::at(place, "there is nothing to start").help("damon: {kdamonds: [...]}"));
    }
    match (state, &raw.refused) {
        (State::On, _) => Err(Fault::at(place, "DAMON runs already").help("stop it first")),
        (State::Refused, _) => Err(after_refusal(place)),
        (State::Off, None) => Ok((Step::Start { refused: None }, State::On)),
        (State::Off, Some(errno)) => {
            let name = errno.value.0.as_str();
            if !ERRNOS.contains(&name) {
                return Err(Fault::at(errno, format!("DAMON does not answer '{name}'")).known(name, ERRNOS));
            }
            Ok((Step::Start { refused: Some(name.to_owned()) }, State::Refused))
        }
    }
}

fn after_refusal<T>(place: &At<T>) -> Fault {
    Fault::at(place, "nothing can follow a start that the kernel must refuse")
}

fn run(place: &At<RawStep>, raw: &RawRun, state: State, kdamonds: &[Kdamond]) -> Checked<Step> {
    match state {
        State::Off => return Err(Fault::at(place, "a run without DAMON").help("put `start` before it")),
        State::Refused => return Err(after_refusal(place)),
        State::On => {}
    }
    let (time, zero) = match (&raw.windows, &raw.time) {
        (Some(windows), None) => (windows_time(windows, kdamonds)?, windows.value.0 == 0),
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

fn stop(place: &At<RawStep>, state: State) -> Checked<Step> {
    match state {
        State::On => Ok(Step::Stop),
        State::Off => Err(Fault::at(place, "a stop without a start")),
        State::Refused => Err(after_refusal(place)),
    }
}

/// How many whole charge windows the steps have room for.
pub(super) fn windows_run(steps: &[Step], kdamonds: &[Kdamond]) -> Option<u64> {
    let time = guest_time(steps);
    charge_window(kdamonds).filter(|window| window.0 > 0).map(|window| time.0 / window.0)
}
