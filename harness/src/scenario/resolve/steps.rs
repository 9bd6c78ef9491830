//! The steps: an order that makes sense, and durations in guest time.

use super::memory::Memory;
use super::{host, setting};
use crate::grammar::{At, Checked, Fault, Scalar, errno, file_value};
use crate::scenario::machine::MachineSpec;
use crate::scenario::raw_steps::{RawPhase, RawRun, RawStep, RawWrite};
use crate::scenario::subject::{Session, Vocabulary};
use damonlab_protocol::damon::{Kdamond, Pid};
use damonlab_protocol::plan::{Phase, Step, Workload};
use damonlab_protocol::units::{BasisPoints, Nanos};
use std::collections::BTreeSet;

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
pub(super) struct Now<'a> {
    pub(super) on: &'a Subjects<'a>,
    pub(super) damon: Session<'a>,
    pub(super) memory: Memory<'a>,
    /// The workloads whose processes are gone.
    pub(super) ended: BTreeSet<String>,
}

/// The steps that `raw` means.
pub(super) fn resolve(raw: &[At<RawStep>], on: &Subjects<'_>) -> Checked<Steps> {
    let damon = Session::new(on.words, on.kdamonds);
    let memory = Memory::new(on.machine, on.workloads);
    let mut now = Now { on, damon, memory, ended: BTreeSet::new() };
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
            RawStep::Subject(step) => {
                let step = self.damon.step(at, step)?;
                self.check_watched(place, &step)?;
                Ok(step)
            }
            RawStep::Run(run) => self.run(place, run),
            RawStep::Offline(node) => {
                self.damon.check_may_follow(node.node.referenced)?;
                self.memory.offline(node)
            }
            RawStep::Online(node) => {
                self.damon.check_may_follow(node.node.referenced)?;
                self.memory.online(node)
            }
            RawStep::Write(write) => self.write(place, write, false),
            RawStep::Workload(phase) => self.workload(place, phase),
            RawStep::Together(tasks) => self.together(place, tasks),
            RawStep::HostCommand(command) => {
                self.damon.others_may_write();
                host::command(place, command, self.on.host_root)
            }
            RawStep::Selftests(tests) => {
                self.damon.others_may_write();
                host::selftests(place, tests, self.on.host_root)
            }
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

    /// A write; among steps `at_once` it may be a command that another step stands for.
    pub(super) fn write<T>(&mut self, place: &At<T>, raw: &RawWrite, at_once: bool) -> Checked<Step> {
        self.damon.check_may_follow(place.referenced)?;
        let refused = errno(raw.refused.as_ref())?;
        let value = || file_value(&raw.value);
        let (file, value) = match (&raw.file, &raw.path) {
            (Some(file), None) => {
                if !at_once {
                    self.damon.check_known(place.referenced)?;
                }
                self.damon.check_write(file, &raw.value, refused.is_some() || at_once)?;
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

    /// Refuses a workload that has ended.
    pub(super) fn check_not_ended(&self, name: &At<Scalar>) -> Checked<()> {
        if !self.ended.contains(&name.value.0) {
            return Ok(());
        }
        Err(Fault::at(name, format!("the workload '{}' has ended before", name.value.0))
            .help("a process that ended does not begin again"))
    }

    /// Refuses to start DAMON for a process that has ended.
    fn check_watched(&self, place: &At<RawStep>, step: &Step) -> Checked<()> {
        let watched = self.on.kdamonds.iter().flat_map(|kdamond| &kdamond.context.targets);
        let gone = watched
            .filter_map(|target| match &target.pid {
                Some(Pid::Workload(name)) => Some(name),
                _ => None,
            })
            .find(|name| self.ended.contains(*name));
        match gone.filter(|_| matches!(step, Step::Start { .. })) {
            None => Ok(()),
            Some(name) => {
                Err(Fault::at(place, format!("DAMON would watch '{name}', which has ended before"))
                    .help("the kernel refuses a target whose process is gone"))
            }
        }
    }

    pub(super) fn workload<T>(&self, place: &At<T>, raw: &RawPhase) -> Checked<Step> {
        self.damon.check_may_follow(place.referenced)?;
        self.check_not_ended(&raw.name)?;
        if let Some(end) = &raw.end {
            return Err(Fault::at(end, "a workload ends only among steps at once").help(
                "together: [{workload: {name: hot, end: true}}, ..]; alone, the checks would miss its pages",
            ));
        }
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
