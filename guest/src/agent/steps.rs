//! The plan's steps: start, run, take a node away and put it back, stop. Those that change what runs are in
//! [`super::online`].

use super::damon::{self, ConfigureError, Names};
use super::host_root::HostRoot;
use super::tracing::Instance;
use super::workloads::Running;
use super::{Failure, clock, hotplug, results, sample};
use damonlab_protocol::damon::Kdamond;
use damonlab_protocol::plan::{Plan, Step};
use damonlab_protocol::record::{GuestReport, Refusal, StepRecord};
use damonlab_protocol::units::Nanos;
use std::collections::BTreeMap;
use std::fs::File;

/// What the steps work on.
pub struct StepContext<'a> {
    pub plan: &'a Plan,
    /// The configuration that is in force, or would be if DAMON ran.
    pub kdamonds: &'a [Kdamond],
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
}

impl From<Option<Refusal>> for StepResult {
    fn from(refused: Option<Refusal>) -> Self {
        StepResult { refused, ..StepResult::default() }
    }
}

impl<'a> StepContext<'a> {
    /// Carries the steps out, in order, until one says that nothing may follow.
    pub fn run_steps(&mut self, report: &mut GuestReport) -> Result<(), Failure> {
        if self.plan.kdamonds.is_empty() && !self.plan.steps.is_empty() {
            self.tracer.record()?;
            self.sample()?;
        }
        for step in &self.plan.steps {
            let begin = clock::now();
            let result = self.step(step, report);
            let end = clock::now();
            let (StepResult { refused, answered }, result) = match result {
                Ok(answer) => (answer, Ok(())),
                Err(error) => (StepResult::default(), Err(error)),
            };
            let nothing_runs = refused.is_some() && matches!(step, Step::Start { .. });
            report.steps.push(StepRecord { begin, end, refused, answered });
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
            Step::Start { refused } => self.start(refused.as_deref(), report).map(StepResult::from),
            Step::Run { time } => self.run(*time).map(nothing),
            Step::Offline { node } => hotplug::offline(*node).and_then(|()| self.sample()).map(nothing),
            Step::Online { node } => {
                hotplug::online(*node, self.plan).and_then(|()| self.sample()).map(nothing)
            }
            Step::Stop => self.stop(report).map(nothing),
            Step::Commit { kdamonds, .. } | Step::Pause { kdamonds } | Step::Resume { kdamonds } => {
                self.commit(kdamonds, report)
            }
            Step::Retarget { kdamonds, schemes, .. } => self.retarget(kdamonds, schemes, report),
            Step::Write { file, value, refused } => self.write(file, value, refused.as_deref(), report),
            Step::HostCommand { name, run, within, .. } => {
                self.host()?.command(name, run, *within).map(nothing)
            }
            Step::Selftests { within, skip } => self.host()?.selftests(*within, skip).map(nothing),
            Step::Workload { name, phase } => self.tell(name, *phase).map(nothing),
        }
    }

    fn host(&mut self) -> Result<&mut HostRoot, Failure> {
        self.host.as_deref_mut().ok_or_else(|| "the plan does not show the guest the host's files".into())
    }

    fn start(
        &mut self,
        expected: Option<&str>,
        report: &mut GuestReport,
    ) -> Result<Option<Refusal>, Failure> {
        // Whatever was committed before the last stop is over.
        self.kdamonds = &self.plan.kdamonds;
        let names = Names { ranges: &report.node_ranges, pids: &report.workload_pids };
        let configured = damon::configure(&self.plan.kdamonds, &names);
        results::list_sysfs()?;
        self.sample()?;
        let outcome = configured.and_then(|()| {
            self.tracer.record()?;
            damon::turn_on(self.plan.kdamonds.len())
        });
        match outcome {
            Ok(pids) => report.kdamond_pids = pids,
            Err(ConfigureError::Failed(error)) => return Err(error),
            Err(ConfigureError::Lacks(lack)) => {
                report.lack = Some(lack.clone());
                return Err(lack.into());
            }
            Err(ConfigureError::Refused(refusal)) => {
                if let Some(error) = unexpected(&refusal, expected) {
                    report.errors.push(error);
                }
                // The refusal is the answer; what cannot be undone after it is told besides.
                if let Err(error) = damon::turn_off(self.plan.kdamonds.len()) {
                    report.errors.push(error.to_string());
                }
                return Ok(Some(refusal));
            }
        }
        match expected {
            None => Ok(None),
            Some(errno) => {
                damon::turn_off(self.plan.kdamonds.len())?;
                Err(format!(
                    "the kernel started DAMON with a configuration that it should refuse with {errno}"
                )
                .into())
            }
        }
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

    fn stop(&mut self, report: &mut GuestReport) -> Result<(), Failure> {
        stop_kdamonds(self.kdamonds, report)?;
        self.sample()
    }

    pub fn sample(&mut self) -> Result<(), Failure> {
        sample::take(self.plan, self.kdamonds, self.workloads, self.samples)
    }

    fn check_workloads(&mut self) -> Result<(), Failure> {
        let ended: Vec<String> = self.workloads.iter_mut().filter_map(Running::ended).collect();
        if ended.is_empty() { Ok(()) } else { Err(ended.join("; ").into()) }
    }
}

/// Turns every kdamond off that runs; keeps the statistics that they end with.
pub fn stop_kdamonds(kdamonds: &[Kdamond], report: &mut GuestReport) -> Result<(), Failure> {
    let count = kdamonds.len();
    if damon::any_runs(count) {
        damon::update_stats(count)?;
        report.kdamond_stats = damon::stats(kdamonds);
    }
    damon::turn_off(count)
}

/// What is wrong with a refusal, if anything.
fn unexpected(refusal: &Refusal, expected: Option<&str>) -> Option<String> {
    let found = format!(
        "the kernel refused to take '{}' into {} with {}",
        refusal.value, refusal.file, refusal.errno
    );
    match expected {
        Some(errno) if errno == refusal.errno => None,
        Some(errno) => Some(format!("{found}; the plan expects {errno}")),
        None => Some(format!("{found}; the plan expects DAMON to start")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal() -> Refusal {
        Refusal { errno: "EINVAL".to_owned(), file: "0/state".to_owned(), value: "on".to_owned() }
    }

    #[test]
    fn the_refusal_that_was_expected_is_no_error() {
        assert_eq!(unexpected(&refusal(), Some("EINVAL")), None);
    }

    #[test]
    fn any_other_refusal_says_what_was_written_where() {
        let text = unexpected(&refusal(), Some("EBUSY")).unwrap();
        assert_eq!(text, "the kernel refused to take 'on' into 0/state with EINVAL; the plan expects EBUSY");
        assert!(unexpected(&refusal(), None).unwrap().ends_with("the plan expects DAMON to start"));
    }
}
