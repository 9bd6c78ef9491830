//! Steps that change what runs: another configuration, other goals, a value in one file, another phase of a
//! workload.

use super::Failure;
use super::damon::{self, ConfigureError, Names};
use super::settings::{self, SettingError};
use super::steps::{StepContext, StepResult};
use damonlab_protocol::damon::{Kdamond, goal_writes};
use damonlab_protocol::plan::{Phase, SchemeAt};
use damonlab_protocol::record::{GuestReport, Refusal};
use damonlab_protocol::units::Nanos;
use std::collections::{BTreeMap, BTreeSet};

impl<'a> StepContext<'a> {
    /// Writes a configuration and has every kdamond take it.
    pub fn commit(
        &mut self,
        kdamonds: &'a [Kdamond],
        report: &mut GuestReport,
    ) -> Result<StepResult, Failure> {
        let names = Names { ranges: &report.node_ranges, pids: &report.workload_pids };
        let taken = damon::reconfigure(kdamonds, &names).and_then(|()| command(0..kdamonds.len(), "commit"));
        self.settle(kdamonds, taken, report)
    }

    /// Writes the goals of some schemes and has their kdamonds take them.
    pub fn retarget(
        &mut self,
        kdamonds: &'a [Kdamond],
        schemes: &[SchemeAt],
        report: &mut GuestReport,
    ) -> Result<StepResult, Failure> {
        let concerned: BTreeSet<usize> = schemes.iter().map(|at| at.kdamond).collect();
        let mut writes = schemes.iter().flat_map(|at| {
            let goals = goals_of(kdamonds, *at);
            goals.map(|scheme| goal_writes(*at, &scheme.quota.goals)).unwrap_or_default()
        });
        let taken = writes
            .try_for_each(|write| damon::put(&write))
            .and_then(|()| command(concerned.into_iter(), "commit_schemes_quota_goals"));
        self.settle(kdamonds, taken, report)
    }

    /// Puts a value into one file.
    pub fn write(
        &mut self,
        file: &str,
        value: &str,
        expected: Option<&str>,
        report: &mut GuestReport,
    ) -> Result<StepResult, Failure> {
        if file.starts_with('/') {
            return setting(file, value, expected, report);
        }
        match damon::put_raw(file, value) {
            Ok(()) => Ok(StepResult::default()),
            Err(ConfigureError::Refused(refusal)) => Ok(Some(refusal).into()),
            Err(ConfigureError::Lacks(lack)) => Err(lack.into()),
            Err(ConfigureError::Failed(error)) => Err(error),
        }
    }

    /// Has a workload do something else, and waits until it does.
    pub fn tell(&mut self, name: &str, phase: Phase) -> Result<(), Failure> {
        let running = self.workloads.iter_mut().find(|running| running.name == name);
        running.ok_or_else(|| format!("there is no workload named '{name}'"))?.tell(phase)?;
        self.sample()
    }

    /// What was taken is in force. After a refusal the files say again what is: else the next commit would
    /// bring in what was refused.
    fn settle(
        &mut self,
        kdamonds: &'a [Kdamond],
        taken: Result<BTreeMap<usize, Nanos>, ConfigureError>,
        report: &mut GuestReport,
    ) -> Result<StepResult, Failure> {
        match taken {
            Ok(answered) => {
                self.kdamonds = kdamonds;
                Ok(StepResult { refused: None, answered })
            }
            Err(ConfigureError::Refused(refusal)) => {
                let names = Names { ranges: &report.node_ranges, pids: &report.workload_pids };
                match damon::reconfigure(self.kdamonds, &names) {
                    Ok(()) => Ok(Some(refusal).into()),
                    Err(ConfigureError::Refused(again)) => Err(format!(
                        "after a refusal, '{}' into {} is refused with {}, and was taken before",
                        again.value, again.file, again.errno
                    )
                    .into()),
                    Err(ConfigureError::Lacks(lack)) => Err(lack.into()),
                    Err(ConfigureError::Failed(error)) => Err(error),
                }
            }
            Err(ConfigureError::Lacks(lack)) => {
                report.lack = Some(lack.clone());
                Err(lack.into())
            }
            Err(ConfigureError::Failed(error)) => Err(error),
        }
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
        Ok(()) => Ok(StepResult::default()),
        Err(SettingError::Refused(refusal)) => Ok(Some(refusal).into()),
        Err(SettingError::Lacks(_)) if expected == Some(ABSENT) => {
            let (file, value) = (path.to_owned(), value.to_owned());
            Ok(Some(Refusal { errno: ABSENT.to_owned(), file, value }).into())
        }
        Err(SettingError::Lacks(lack)) => {
            report.lack = Some(lack.clone());
            Err(lack.into())
        }
    }
}

fn goals_of(kdamonds: &[Kdamond], at: SchemeAt) -> Option<&damonlab_protocol::damon::Scheme> {
    kdamonds.get(at.kdamond)?.context.schemes.get(at.scheme)
}

/// Has each of the kdamonds carry out a command, in order.
fn command(
    kdamonds: impl Iterator<Item = usize>,
    command: &str,
) -> Result<BTreeMap<usize, Nanos>, ConfigureError> {
    kdamonds.map(|index| Ok((index, damon::command(index, command)?))).collect()
}
