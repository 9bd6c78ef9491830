//! Several steps at once. Each is a thread that sleeps until its own moment and then goes before those that began earlier, in
//! the middle of their system calls: the later one has the higher real-time priority. Moments and priorities are the
//! plan's, and the guest has one processor whose time is its instructions, so the same plan gives the same order.

use super::damon;
use super::failure::{Failure, missing};
use super::settings::SettingError;
use super::steps::{StepContext, StepResult};
use super::{clock, files, hotplug, memory, settings, topology, urgent};
use damonlab_protocol::plan::{Phase, Step, Task};
use damonlab_protocol::record::{GuestReport, TaskRecord};
use damonlab_protocol::units::{Nanos, NodeId};
use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;
use std::thread::{self, ScopedJoinHandle};

/// From the last thread that is ready to the common start.
const LEAD: Nanos = Nanos(2_000_000);

/// What tasks need of the run.
struct Around<'a> {
    report: &'a GuestReport,
    /// How many kdamonds are configured.
    kdamonds: usize,
}

impl<'a> StepContext<'a> {
    /// Carries the tasks out at once, waits until all have ended, and brings back to a known state what has to be.
    pub fn together(
        &mut self,
        tasks: &'a [Task],
        kdamonds: u8,
        report: &mut GuestReport,
    ) -> Result<StepResult, Failure> {
        if let Some(feature) = tasks.iter().find_map(|task| settings::missing_file(&task.step)) {
            return Err(missing(feature, report));
        }
        let count = self.damon.count();
        let records = urgent::first(|| race(tasks, kdamonds, count, report))?;
        self.settle_race(tasks)?;
        self.sample()?;
        Ok(StepResult { tasks: records, ..StepResult::default() })
    }

    /// Workloads that were ended are gone, nodes are online, and DAMON is as the plan expects it next.
    fn settle_race(&mut self, tasks: &[Task]) -> Result<(), Failure> {
        let steps = || tasks.iter().map(|task| &task.step);
        for step in steps() {
            if let Step::Exit { workload } = step {
                self.workloads
                    .iter_mut()
                    .filter(|running| running.name == *workload)
                    .for_each(|one| one.kill());
                self.workloads.retain(|running| running.name != *workload);
            }
        }
        let nodes: BTreeSet<NodeId> = steps().filter_map(node_of).collect();
        nodes.into_iter().try_for_each(|node| hotplug::online(node, self.plan))?;
        if steps().any(Step::changes_damon) { self.damon.unsettle(steps()) } else { Ok(()) }
    }
}

/// Gives the kdamonds a real-time priority while `work` runs. One that has ended meanwhile is left alone.
fn with_priority<T>(priority: u8, pids: &[i32], work: impl FnOnce() -> T) -> T {
    let running = || pids.iter().filter(|pid| priority > 0 && is_kdamond(**pid));
    for pid in running() {
        let _ = urgent::real_time(*pid, priority);
    }
    let result = work();
    for pid in running() {
        let _ = urgent::ordinary(*pid);
    }
    result
}

/// A pid may be another task's by now.
fn is_kdamond(pid: i32) -> bool {
    files::read_line(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.starts_with("kdamond."))
}

/// Starts a thread for each task and waits for all. The caller goes before ordinary tasks, so nothing comes between until all
/// threads are ready; from then on the kdamonds have their priority, too.
fn race(
    tasks: &[Task],
    priority: u8,
    kdamonds: usize,
    report: &GuestReport,
) -> Result<Vec<TaskRecord>, Failure> {
    // One task may have its system call interrupted by an alarm; it is for no other thread.
    let alarm: SigSet = [Signal::SIGALRM].into_iter().collect();
    alarm.thread_block()?;
    let around = &Around { report, kdamonds };
    let results: Vec<Result<TaskRecord, String>> = thread::scope(|scope| {
        let (ready, readies) = mpsc::channel();
        let started: Vec<_> = tasks
            .iter()
            .map(|task| {
                let (go, start) = mpsc::channel();
                let gate = Gate { ready: ready.clone(), start };
                let thread =
                    thread::Builder::new().spawn_scoped(scope, move || carry_out(task, around, gate));
                thread.map(|thread| (go, thread)).map_err(|error| error.to_string())
            })
            .collect();
        // A thread that did not start is not waited for.
        for _ in started.iter().flatten() {
            let _ = readies.recv();
        }
        with_priority(priority, &report.kdamond_pids, || {
            let start = Nanos(clock::now().0.saturating_add(LEAD.0));
            for (go, _) in started.iter().flatten() {
                let _ = go.send(start);
            }
            started.into_iter().map(|one| one.and_then(|(_, thread)| joined(thread))).collect()
        })
    });
    alarm.thread_unblock()?;
    Ok(results.into_iter().collect::<Result<_, String>>()?)
}

/// What a thread waits at until all are there.
struct Gate {
    ready: mpsc::Sender<()>,
    /// The moment that all tasks have in common.
    start: mpsc::Receiver<Nanos>,
}

impl Gate {
    fn pass(self) -> Result<Nanos, String> {
        // Without the caller nobody waits for this thread either.
        let _ = self.ready.send(());
        self.start.recv().map_err(|error| error.to_string())
    }
}

fn joined(thread: ScopedJoinHandle<'_, Result<TaskRecord, String>>) -> Result<TaskRecord, String> {
    thread.join().unwrap_or_else(|_| Err("a task of several at once panicked".to_owned()))
}

fn carry_out(task: &Task, around: &Around, gate: Gate) -> Result<TaskRecord, String> {
    let prepared = urgent::this_thread(task.priority);
    let start = gate.pass()?;
    prepared.map_err(|errno| format!("no real-time priority: {errno}"))?;
    clock::sleep_until(Nanos(start.0.saturating_add(task.after.unwrap_or_default().0)));
    let begin = clock::now();
    let (mut done, mut refused) = (0, BTreeMap::<String, u32>::new());
    for turn in 0..task.times {
        let pause = turn.checked_sub(1).and_then(|before| task.pauses.get(before as usize));
        if let Some(pause) = pause.filter(|pause| pause.0 > 0) {
            clock::sleep(*pause);
        }
        let refusals = attempt(&task.step, around)?;
        done += u32::from(refusals.is_empty());
        for errno in refusals {
            *refused.entry(errno).or_default() += 1;
        }
    }
    Ok(TaskRecord { begin, end: clock::now(), done, refused })
}

/// The errno names with which the kernel refused parts of a step.
fn attempt(step: &Step, around: &Around) -> Result<Vec<String>, String> {
    let named = |errno: Result<(), Errno>| Ok(errno.err().map(files::errno_name).into_iter().collect());
    match step {
        Step::Write { file, value, .. } if file.starts_with('/') => match settings::write(file, value) {
            Ok(()) => Ok(Vec::new()),
            Err(SettingError::Refused(refusal)) => Ok(vec![refusal.errno]),
            // It was there before the race.
            Err(SettingError::Missing(_)) => Ok(vec![files::errno_name(Errno::ENOENT)]),
        },
        Step::Offline { node } => {
            let alarm: SigSet = [Signal::SIGALRM].into_iter().collect();
            alarm.thread_unblock().map_err(|errno| errno.to_string())?;
            hotplug::try_offline(*node).map_err(|error| error.to_string())
        }
        Step::Online { node } => hotplug::try_online(*node).map_err(|error| error.to_string()),
        Step::Exit { workload } => named(kill(Pid::from_raw(pid(workload, around)?), Signal::SIGKILL)),
        Step::Workload { name, phase: Phase::Move { node } } => {
            let others: Vec<NodeId> =
                topology::nodes_with_memory().into_iter().filter(|one| one != node).collect();
            named(memory::migrate(pid(name, around)?, &others, *node))
        }
        step => damon::attempt(step, around.kdamonds, around.report),
    }
}

fn pid(workload: &str, around: &Around) -> Result<i32, String> {
    let pid = around.report.workload_pids.get(workload).copied();
    pid.ok_or_else(|| format!("there is no workload named '{workload}'"))
}

/// The node that a step takes away or puts back.
fn node_of(step: &Step) -> Option<NodeId> {
    match step {
        Step::Offline { node } | Step::Online { node } => Some(*node),
        _ => None,
    }
}
