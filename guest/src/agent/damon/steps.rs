//! The steps that are about DAMON: start, stop, another configuration, other goals, a value in one of its files.

use super::configure::{
    ConfigureError, Names, configure, put, put_raw, read_back, read_back_raw, reconfigure,
};
use super::{kdamonds, listings, read_back};
use crate::agent::failure::{Failure, missing};
use crate::agent::steps::{StepContext, StepResult};
use damonlab_protocol::damon::{Kdamond, goal_writes};
use damonlab_protocol::plan::{SchemeAt, Step};
use damonlab_protocol::record::{GuestReport, Refusal};
use damonlab_protocol::units::Nanos;
use std::collections::{BTreeMap, BTreeSet};

/// What a refused configuration or write is to the scenario.
fn refusal_or_failure(error: ConfigureError, report: &mut GuestReport) -> Result<Refusal, Failure> {
    match error {
        ConfigureError::Refused(refusal) => Ok(refusal),
        ConfigureError::Missing(feature) => Err(missing(feature, report)),
        ConfigureError::Failed(error) => Err(error),
    }
}

impl<'a> StepContext<'a> {
    /// Carries out a step that is about DAMON.
    pub fn damon_step(&mut self, step: &'a Step, report: &mut GuestReport) -> Result<StepResult, Failure> {
        match step {
            Step::Start { refused } => {
                let refused = self.start(refused.as_deref(), report)?;
                let read_back = read_back(self.damon.kdamonds);
                Ok(StepResult { refused, read_back, ..StepResult::default() })
            }
            Step::Commit { kdamonds, .. } | Step::Pause { kdamonds } | Step::Resume { kdamonds } => {
                self.commit(kdamonds, report)
            }
            Step::Retarget { kdamonds, schemes, .. } => self.retarget(kdamonds, schemes, report),
            Step::ReadBack => {
                // After steps at once nobody knows what was written last.
                let written = (!self.damon.unsettled).then_some(self.damon.kdamonds);
                let wrong = read_back::differences(written, &names(report))?;
                report.errors.extend(wrong);
                Ok(StepResult::default())
            }
            Step::Stop => {
                self.damon.stop(report)?;
                self.sample()?;
                Ok(StepResult::default())
            }
            other => Err(format!("{other:?} is no step of DAMON's").into()),
        }
    }

    fn start(
        &mut self,
        expected: Option<&str>,
        report: &mut GuestReport,
    ) -> Result<Option<Refusal>, Failure> {
        // Whatever was committed before the last stop is over.
        self.damon.kdamonds = self.damon.planned;
        self.damon.unsettled = false;
        let (planned, count) = (self.damon.planned, self.damon.planned.len());
        let configured = configure(planned, &names(report));
        listings::sysfs()?;
        self.sample()?;
        let started = configured.and_then(|()| {
            self.tracer.record()?;
            kdamonds::turn_on(count)
        });
        match (started, expected) {
            (Ok(pids), None) => {
                report.kdamond_pids = pids;
                Ok(None)
            }
            (Ok(pids), Some(errno)) => {
                report.kdamond_pids = pids;
                kdamonds::turn_off(count)?;
                let wrong = "the kernel started DAMON with a configuration that it should refuse with";
                Err(format!("{wrong} {errno}").into())
            }
            (Err(error), _) => {
                let refusal = refusal_or_failure(error, report)?;
                report.errors.extend(unexpected(&refusal, expected));
                // The refusal is the result of the step; what cannot be undone after it is reported besides.
                if let Err(error) = kdamonds::turn_off(count) {
                    report.errors.push(error.to_string());
                }
                Ok(Some(refusal))
            }
        }
    }

    /// Writes a configuration and has every kdamond take it.
    fn commit(&mut self, kdamonds: &'a [Kdamond], report: &mut GuestReport) -> Result<StepResult, Failure> {
        let taken = reconfigure(kdamonds, &names(report)).and_then(|()| command(0..kdamonds.len(), "commit"));
        self.settle(kdamonds, taken, report)
    }

    /// Writes the goals of some schemes and has their kdamonds take them.
    fn retarget(
        &mut self,
        kdamonds: &'a [Kdamond],
        schemes: &[SchemeAt],
        report: &mut GuestReport,
    ) -> Result<StepResult, Failure> {
        let concerned: BTreeSet<usize> = schemes.iter().map(|at| at.kdamond).collect();
        let mut writes = schemes.iter().flat_map(|at| goal_writes(kdamonds, *at));
        let taken = writes
            .try_for_each(|write| put(&write))
            .and_then(|()| command(concerned.into_iter(), "commit_schemes_quota_goals"));
        self.settle(kdamonds, taken, report)
    }

    /// Writes a value into one file of DAMON's.
    pub fn write_damon(
        &mut self,
        file: &str,
        value: &str,
        report: &mut GuestReport,
    ) -> Result<StepResult, Failure> {
        match put_raw(file, value) {
            Ok(()) => {
                let read_back = read_back_raw(file).into_iter().collect();
                Ok(StepResult { read_back, ..StepResult::default() })
            }
            Err(error) => refusal_or_failure(error, report).map(|refusal| Some(refusal).into()),
        }
    }

    /// A configuration that was taken is in force. After a refusal the files are written again with what is in
    /// force: otherwise the next commit would bring in what was refused.
    fn settle(
        &mut self,
        kdamonds: &'a [Kdamond],
        taken: Result<BTreeMap<usize, Nanos>, ConfigureError>,
        report: &mut GuestReport,
    ) -> Result<StepResult, Failure> {
        let refusal = match taken {
            Ok(answered) => {
                self.damon.kdamonds = kdamonds;
                let read_back = read_back(kdamonds);
                return Ok(StepResult { answered, read_back, ..StepResult::default() });
            }
            Err(error) => refusal_or_failure(error, report)?,
        };
        match reconfigure(self.damon.kdamonds, &names(report)) {
            Ok(()) => Ok(Some(refusal).into()),
            Err(error) => {
                let again = refusal_or_failure(error, report)?;
                Err(format!(
                    "after a refusal, the kernel refuses '{}' in {} with {}, which it took before",
                    again.value, again.file, again.errno
                )
                .into())
            }
        }
    }
}

/// What the names in a configuration stand for.
fn names(report: &GuestReport) -> Names<'_> {
    Names { ranges: &report.node_ranges, pids: &report.workload_pids }
}

/// Has each of the kdamonds carry out a command, in order.
fn command(
    indices: impl Iterator<Item = usize>,
    command: &str,
) -> Result<BTreeMap<usize, Nanos>, ConfigureError> {
    indices.map(|index| Ok((index, kdamonds::command(index, command)?))).collect()
}

/// What is wrong with the refusal of a start, if anything.
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
