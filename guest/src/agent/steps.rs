//! The plan's steps, one after the other. Those that are about DAMON are in [`super::damon`].

use super::damon::Damon;
use super::failure::{Failure, missing};
use super::host_root::HostRoot;
use super::settings::{self, SettingError};
use super::tracing::Instance;
use super::workloads::Running;
use super::{clock, hotplug, sample};
use damonlab_protocol::kernel_file::FileWrite;
use damonlab_protocol::plan::{Phase, Plan, Step};
use damonlab_protocol::record::{GuestReport, Refusal, StepRecord, TaskRecord};
use damonlab_protocol::units::Nanos;
use std::collections::BTreeMap;
use std::fs::File;

/// What the steps work on.
pub struct StepContext<'a> {
    pub plan: &'a Plan,
    pub damon: Damon<'a>,
    pub tracer: &'a Instance,
    pub workloads: &'a mut Vec<Running>,
    pub samples: &'a mut File,
    /// The host's files, where the plan has them.
    pub host: Option<&'a mut HostRoot>,
}

/// What came of a step.
#[derive(Default)]
pub struct StepResult {
    pub refused: Option<Refusal>,
    /// When each kdamond answered, by index.
    pub answered: BTreeMap<usize, Nanos>,
    /// What the files that the scenario names have now.
    pub read_back: Vec<FileWrite>,
    /// How each of several steps at once went.
    pub tasks: Vec<TaskRecord>,
}

impl From<Option<Refusal>> for StepResult {
    fn from(refused: Option<Refusal>) -> Self {
        StepResult { refused, ..StepResult::default() }
    }
}

impl<'a> StepContext<'a> {
    /// Carries the steps out, in order, until one after which nothing may follow.
    pub fn run_steps(&mut self, report: &mut GuestReport) -> Result<(), Failure> {
        // With DAMON the trace begins when it starts.
        if !self.damon.is_configured() && !self.plan.steps.is_empty() {
            self.tracer.record()?;
            self.sample()?;
        }
        for step in &self.plan.steps {
            let begin = clock::now();
            let result = self.step(step, report);
            let end = clock::now();
            let (StepResult { refused, answered, read_back, tasks }, result) = match result {
                Ok(answer) => (answer, Ok(())),
                Err(error) => (StepResult::default(), Err(error)),
            };
            let nothing_runs = refused.is_some() && matches!(step, Step::Start { .. });
            report.steps.push(StepRecord { begin, end, refused, answered, read_back, tasks });
            result?;
            self.check_workloads()?;
            if nothing_runs {
                break;
            }
        }
        Ok(())
    }

    fn step(&mut self, step: &'a Step, report: &mut GuestReport) -> Result<StepResult, Failure> {
        let nothing = |()| StepResult::default();
        match step {
            Step::Start { .. }
            | Step::Stop
            | Step::Commit { .. }
            | Step::Retarget { .. }
            | Step::Pause { .. }
            | Step::Resume { .. }
            | Step::ReadBack => self.damon_step(step, report),
            Step::Run { time } => self.run(*time).map(nothing),
            Step::Offline { node } => hotplug::offline(*node).and_then(|()| self.sample()).map(nothing),
            Step::Online { node } => {
                hotplug::online(*node, self.plan).and_then(|()| self.sample()).map(nothing)
            }
            Step::Write { file, value, refused } if file.starts_with('/') => {
                setting(file, value, refused.as_deref(), report)
            }
            Step::Write { file, value, .. } => self.write_damon(file, value, report),
            Step::HostCommand { name, run, within, .. } => {
                self.host()?.command(name, run, *within).map(nothing)
            }
            Step::Selftests { within, skip } => self.host()?.selftests(*within, skip).map(nothing),
            Step::Workload { name, phase } => self.change(name, *phase).map(nothing),
            Step::Together { tasks, kdamonds } => self.together(tasks, *kdamonds, report),
            Step::Exit { workload } => {
                Err(format!("the plan ends the workload '{workload}' by itself, and not among steps at once")
                    .into())
            }
        }
    }

    fn host(&mut self) -> Result<&mut HostRoot, Failure> {
        self.host.as_deref_mut().ok_or_else(|| "the plan does not show the guest the host's files".into())
    }

    fn run(&mut self, time: Nanos) -> Result<(), Failure> {
        let end = Nanos(clock::now().0.saturating_add(time.0));
        let every = self.plan.sample_every.0;
        let mut next = clock::now().0.saturating_add(every);
        while every > 0 && next < end.0 {
            clock::sleep_until(Nanos(next));
            self.sample()?;
            // A sample that took longer than the interval makes the next one fall out.
            let late = clock::now().0.saturating_sub(next);
            next += every * (late / every + 1);
        }
        clock::sleep_until(end);
        self.sample()
    }

    /// Has a workload do something else, and waits until it does.
    fn change(&mut self, name: &str, phase: Phase) -> Result<(), Failure> {
        let running = self.workloads.iter_mut().find(|running| running.name == name);
        running.ok_or_else(|| format!("there is no workload named '{name}'"))?.order(phase)?;
        self.sample()
    }

    pub fn sample(&mut self) -> Result<(), Failure> {
        sample::take(self.plan, &self.damon, self.workloads, self.samples)
    }

    fn check_workloads(&mut self) -> Result<(), Failure> {
        let ended: Vec<String> = self.workloads.iter_mut().filter_map(Running::ended).collect();
        if ended.is_empty() { Ok(()) } else { Err(ended.join("; ").into()) }
    }
}

/// Puts a value into a file outside DAMON's sysfs. A file that is not there refuses it where the scenario expects
/// that, and is a missing feature otherwise.
fn setting(
    path: &str,
    value: &str,
    expected: Option<&str>,
    report: &mut GuestReport,
) -> Result<StepResult, Failure> {
    const ABSENT: &str = "ENOENT";
    match settings::write(path, value) {
        Ok(()) => {
            let read_back = settings::read_back(path).into_iter().collect();
            Ok(StepResult { read_back, ..StepResult::default() })
        }
        Err(SettingError::Refused(refusal)) => Ok(Some(refusal).into()),
        Err(SettingError::Missing(_)) if expected == Some(ABSENT) => {
            let (file, value) = (path.to_owned(), value.to_owned());
            Ok(Some(Refusal { errno: ABSENT.to_owned(), file, value }).into())
        }
        Err(SettingError::Missing(feature)) => Err(missing(feature, report)),
    }
}
