//! Several steps at once: which may be, and what is known after them.

use super::steps::Now;
use crate::grammar::{At, Checked, Fault};
use crate::scenario::raw_steps::{RawNodeStep, RawPhase, RawStep, RawTask};
use damonlab_protocol::plan::{Phase, Step, Task};
use damonlab_protocol::units::Nanos;

/// So many steps at once at most.
const MOST_TASKS: usize = 8;

/// How often one of them is carried out at most.
const MOST_TIMES: u64 = 1_000;

/// When one of them may begin at the latest.
const LATEST: Nanos = Nanos(1_000_000_000);

impl Now<'_> {
    /// The plan's step for several at once; what is open in it is drawn for each seed.
    pub(super) fn together(&mut self, place: &At<RawStep>, raw: &At<Vec<At<RawTask>>>) -> Checked<Step> {
        self.damon.check_may_follow(place.referenced)?;
        let fault = |message: String| Err(Fault::at(place, message).help("together: [{commit: {..}}, stop]"));
        match raw.value.len() {
            0 => return fault("no steps at once".to_owned()),
            1 => return fault("one step alone is not at once with another".to_owned()),
            count if count > MOST_TASKS => {
                return fault(format!("{count} steps at once, and {MOST_TASKS} is the most"));
            }
            _ => {}
        }
        let mut moves_nodes = false;
        let mut tasks = Vec::new();
        for task in &raw.value {
            let is_node = matches!(&task.value.step, RawStep::Offline(_) | RawStep::Online(_));
            if is_node && moves_nodes {
                return Err(Fault::at(task, "a second step that takes a node away or puts it back")
                    .help("the kernel does one after the other (`device_hotplug_lock`); keep one of them"));
            }
            moves_nodes |= is_node;
            tasks.push(self.task(task)?);
        }
        let step = Step::Together { tasks, kdamonds: 0 };
        self.damon.race(&step);
        for part in step.parts() {
            if let Step::Exit { workload } = part {
                self.ended.insert(workload.clone());
            }
        }
        Ok(step)
    }

    fn task(&mut self, raw: &At<RawTask>) -> Checked<Task> {
        let RawTask { step, times, after } = &raw.value;
        let step = self.part(raw, step)?;
        let once = matches!(step, Step::Offline { .. } | Step::Online { .. } | Step::Exit { .. });
        let times = match times {
            None => 1,
            Some(times) if !(2..=MOST_TIMES).contains(&times.value.0) => {
                let message = format!("a step is carried out 2 to {MOST_TIMES} times");
                return Err(Fault::at(times, message).help("leave `times` out for once"));
            }
            Some(times) if once => {
                return Err(Fault::at(times, "a second time has no effect").help("leave `times` out"));
            }
            Some(times) => u32::try_from(times.value.0).unwrap_or(u32::MAX),
        };
        if let Some(late) = after.as_ref().filter(|after| after.value.0 > LATEST) {
            return Err(Fault::at(late, format!("steps at once begin within {LATEST}")));
        }
        let after = after.as_ref().map(|after| after.value.0);
        Ok(Task { step, times, after, pauses: Vec::new(), priority: 0 })
    }

    /// One of the steps, or why it is none that can be carried out at once with others.
    fn part(&mut self, raw: &At<RawTask>, step: &RawStep) -> Checked<Step> {
        let left_out = |message: &str, help: &str| Err(Fault::at(raw, message).help(help));
        match step {
            RawStep::Subject(step) => self.damon.part(raw.referenced, step),
            RawStep::Write(write) if write.refused.is_none() => self.write(raw, write, true),
            RawStep::Write(_) => left_out(
                "nobody knows whether the kernel refuses a write among steps at once",
                "leave `refused` out; the recording has what the kernel refused",
            ),
            RawStep::Offline(node) => self.there_and_back(node),
            RawStep::Online(node) => self.memory.online(node),
            RawStep::Workload(phase) => self.part_of_workload(raw, phase),
            RawStep::Run(_) => left_out(
                "a run lets time pass, and does nothing that could be at once with something",
                "`after` and `times` of the other steps spread them over time",
            ),
            RawStep::HostCommand(_) | RawStep::Selftests(_) => left_out(
                "a program of the host needs the real clock, on which nothing at once repeats",
                "make it a step of its own",
            ),
            RawStep::Together(_) => {
                left_out("steps at once among steps at once", "put all of them into one list")
            }
        }
    }

    /// A node is put back when all have ended.
    fn there_and_back(&mut self, node: &RawNodeStep) -> Checked<Step> {
        let step = self.memory.offline(node)?;
        self.memory.online(node)?;
        Ok(step)
    }

    fn part_of_workload(&mut self, raw: &At<RawTask>, phase: &RawPhase) -> Checked<Step> {
        if let Some(end) = &phase.end {
            let workload = self.on.words.workload(&phase.name)?;
            if !end.value.0 || phase.hot.is_some() || phase.node.is_some() || phase.pause.is_some() {
                return Err(Fault::at(raw, "a workload ends, and nothing else")
                    .help("workload: {name: hot, end: true}"));
            }
            self.check_not_ended(&phase.name)?;
            return Ok(Step::Exit { workload });
        }
        match self.workload(raw, phase)? {
            step @ Step::Workload { phase: Phase::Move { .. }, .. } => Ok(step),
            _ => Err(Fault::at(
                raw,
                "a workload changes what it touches at its next pass, and not at once with anything",
            )
            .help("`move` and `end` are carried out at once; make this a step of its own")),
        }
    }
}
