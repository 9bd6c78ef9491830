//! The steps: an order that makes sense, and durations in guest time.

use super::memory::Memory;
use super::{host, setting};
use crate::grammar::{At, Checked, Fault, errno, file_value};
use crate::scenario::machine::MachineSpec;
use crate::scenario::raw_steps::{RawPhase, RawRun, RawStep, RawWrite};
use crate::scenario::subject::{Session, Vocabulary};
use damonlab_protocol::damon::Kdamond;
use damonlab_protocol::plan::{Phase, Step, Workload};
use damonlab_protocol::units::{BasisPoints, Nanos};

/// The most guest time that one scenario may ask for.
const MAX_TIME: Nanos = Nanos(24 * 3_600 * 1_000_000_000);

/// The steps, and what expectations need of them.
pub(super) struct Steps {
    pub(super) steps: Vec<Step>,
    /// How many whole charge windows each run has room for, where windows end at all.
    pub(super) windows: Vec<Option<u64>>,
}

/// What steps are about.
pub(super) struct Subjects<'a> {
    pub(super) kdamonds: &'a [Kdamond],
    pub(super) machine: &'a MachineSpec,
    pub(super) workloads: &'a [Workload],
    pub(super) words: Vocabulary<'a>,
    pub(super) host_root: bool,
}

/// What is in force between two steps.
struct Now<'a> {
    on: &'a Subjects<'a>,
    damon: Session<'a>,
    memory: Memory<'a>,
}

/// The steps that `raw` means.
pub(super) fn resolve(raw: &[At<RawStep>], on: &Subjects<'_>) -> Checked<Steps> {
    let damon = Session::new(on.words, on.kdamonds);
    let mut now = Now { on, damon, memory: Memory::new(on.machine, on.workloads) };
    let mut total = 0u64;
    let mut steps = Steps { steps: Vec::new(), windows: Vec::new() };
    for place in raw {
        let step = now.step(place)?;
        if let Step::Run { time } = &step {
            total = total.saturating_add(time.0);
            steps.windows.push(now.damon.windows_in(*time));
        }
        if total > MAX_TIME.0 {
            return Err(Fault::at(place, format!("the steps come to more than {MAX_TIME} of guest time")));
        }
        steps.steps.push(step);
    }
    Ok(steps)
}

impl Now<'_> {
    fn step(&mut self, place: &At<RawStep>) -> Checked<Step> {
        let at = place.referenced;
        match &place.value {
            RawStep::Subject(step) => self.damon.step(at, step),
            RawStep::Run(run) => self.run(place, run),
            RawStep::Offline(node) => {
                self.damon.check_may_follow(node.node.referenced)?;
                self.memory.offline(node)
            }
            RawStep::Online(node) => {
                self.damon.check_may_follow(node.node.referenced)?;
                self.memory.online(node)
            }
            RawStep::Write(write) => self.write(place, write),
            RawStep::Workload(phase) => self.workload(place, phase),
            RawStep::HostCommand(command) => host::command(place, command, self.on.host_root),
            RawStep::Selftests(tests) => host::selftests(place, tests, self.on.host_root),
        }
    }

    fn run(&self, place: &At<RawStep>, raw: &RawRun) -> Checked<Step> {
        self.damon.check_may_run(place.referenced)?;
        let time = match (&raw.windows, &raw.time) {
            (Some(windows), None) => self.damon.time_of(windows, MAX_TIME)?,
            (None, Some(time)) => time.value.0,
            _ => return Err(Fault::at(place, "a run is {windows: N} or {for: TIME}, one of them")),
        };
        if time.0 == 0 {
            return Err(Fault::at(place, "a run of no time"));
        }
        Ok(Step::Run { time })
    }

    fn write(&self, place: &At<RawStep>, raw: &RawWrite) -> Checked<Step> {
        self.damon.check_may_follow(place.referenced)?;
        let refused = errno(raw.refused.as_ref())?;
        let value = || file_value(&raw.value);
        let (file, value) = match (&raw.file, &raw.path) {
            (Some(file), None) => {
                self.damon.check_write(file, &raw.value, refused.is_some())?;
                (file.value.0.clone(), value()?)
            }
            (None, Some(path)) => (setting::path(path)?, value()?),
            _ => {
                return Err(Fault::at(
                    place,
                    "a write is into a `file` of DAMON's or into a `path`, one of them",
                )
                .help("write: {file: 0/state, value: on}, or {path: /proc/sys/vm/swappiness, value: 10}"));
            }
        };
        Ok(Step::Write { file, value, refused })
    }

    fn workload(&self, place: &At<RawStep>, raw: &RawPhase) -> Checked<Step> {
        self.damon.check_may_follow(place.referenced)?;
        let name = self.on.words.workload(&raw.name)?;
        let touched = self.on.workloads.iter().any(|workload| workload.name == name && workload.hot_bp.0 > 0);
        if !touched && raw.node.is_none() {
            return Err(Fault::at(
                &raw.name,
                format!("'{name}' touches no memory, so it cannot change that"),
            )
            .help("give it a `touch`, or move it"));
        }
        let phase = match (&raw.hot, &raw.node, &raw.pause) {
            (Some(hot), None, None) if hot.value.0 > BasisPoints::WHOLE => {
                return Err(Fault::at(hot, "more than 100 % of the workload"));
            }
            (Some(hot), None, None) => Phase::Hot { hot_bp: hot.value.0 },
            (None, Some(node), None) => Phase::Move { node: self.on.words.memory(node.value.0, node)? },
            (None, None, Some(pause)) if pause.value.0 => Phase::Pause,
            (None, None, Some(_)) => Phase::Resume,
            _ => {
                return Err(Fault::at(place, "a workload changes one thing at a time").help(
                    "workload: {name: hot, hot: 50%}, {name: hot, move: 1} or {name: hot, pause: true}",
                ));
            }
        };
        Ok(Step::Workload { name, phase })
    }
}
