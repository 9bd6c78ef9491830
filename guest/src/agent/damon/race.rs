//! DAMON's part in steps at once: each is tried as it is, without patience, and what the kernel refuses is a result.

use super::configure::{ConfigureError, Names, put, put_raw, raw_path, reconfigure};
use super::in_force::Damon;
use super::kdamonds::kdamond;
use super::read_back::every_file;
use crate::agent::failure::Failure;
use crate::agent::files;
use damonlab_protocol::damon::{MODULE, goal_writes};
use damonlab_protocol::missing_feature::MissingFeature;
use damonlab_protocol::plan::Step;
use damonlab_protocol::record::GuestReport;
use std::collections::BTreeSet;

/// What every module's switch is called.
const SWITCH: &str = "enabled";

/// Carries out one step of DAMON's for `count` kdamonds: the errno names with which the kernel refused parts of it.
pub fn attempt(step: &Step, count: usize, report: &GuestReport) -> Result<Vec<String>, String> {
    let names = Names { ranges: &report.node_ranges, pids: &report.workload_pids };
    match step {
        Step::Start { .. } => Ok(command(0..count, "on")),
        Step::Stop => Ok(command(0..count, "off")),
        Step::Commit { kdamonds, .. } | Step::Pause { kdamonds } | Step::Resume { kdamonds } => {
            commit(reconfigure(kdamonds, &names), 0..kdamonds.len(), "commit")
        }
        Step::Retarget { kdamonds, schemes, .. } => {
            let concerned: BTreeSet<usize> = schemes.iter().map(|at| at.kdamond).collect();
            let mut writes = schemes.iter().flat_map(|at| goal_writes(kdamonds, *at));
            commit(
                writes.try_for_each(|write| put(&write)),
                concerned.into_iter(),
                "commit_schemes_quota_goals",
            )
        }
        Step::Write { file, value, .. } => {
            Ok(refusal(files::write(raw_path(file), value)).into_iter().collect())
        }
        Step::ReadBack => {
            Ok(every_file().into_iter().filter_map(|path| refusal(files::read(path))).collect())
        }
        other => Err(format!("{other:?} is no step of DAMON's")),
    }
}

/// A command after the writes for it, where the kernel took them.
fn commit(
    written: Result<(), ConfigureError>,
    indices: impl Iterator<Item = usize>,
    name: &str,
) -> Result<Vec<String>, String> {
    match written {
        Ok(()) => Ok(command(indices, name)),
        Err(ConfigureError::Refused(refusal)) => Ok(vec![refusal.errno]),
        // Another task has just taken the folder away, or made one in which the keyword has no meaning.
        Err(ConfigureError::Missing(MissingFeature::Keyword { .. })) => Ok(vec!["EINVAL".to_owned()]),
        Err(ConfigureError::Missing(_)) => Ok(vec!["ENOENT".to_owned()]),
        Err(ConfigureError::Failed(error)) => Err(error.to_string()),
    }
}

fn command(indices: impl Iterator<Item = usize>, name: &str) -> Vec<String> {
    indices.filter_map(|index| refusal(files::write(kdamond(index).join("state"), name))).collect()
}

/// The errno name of a call that the kernel refused.
fn refusal<T>(result: Result<T, files::FileError>) -> Option<String> {
    result.err().map(|error| files::errno_name(error.errno))
}

impl Damon<'_> {
    /// After steps at once that changed DAMON: nothing is known but that a later start begins anew. Modules that were turned on
    /// are turned off, for DAMON runs for one of them alone.
    pub fn unsettle<'s>(&mut self, steps: impl Iterator<Item = &'s Step>) -> Result<(), Failure> {
        self.unsettled = true;
        let switches: BTreeSet<String> = steps.filter_map(switch).collect();
        for file in switches {
            if let Err(ConfigureError::Refused(refusal)) = put_raw(&file, "N") {
                return Err(format!("{file} does not turn off after a race: {}", refusal.errno).into());
            }
        }
        Ok(())
    }
}

/// The switch of a module that a step writes, as a file of DAMON's.
fn switch(step: &Step) -> Option<String> {
    let Step::Write { file, .. } = step else { return None };
    let of_path = || file.strip_prefix("/sys/module/")?.split_once("/parameters/");
    let (module, parameter) =
        file.strip_prefix(MODULE).and_then(|rest| rest.split_once('/')).or_else(of_path)?;
    (parameter == SWITCH).then(|| format!("{MODULE}{module}/{parameter}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modules_switch_is_known_by_either_name() {
        let write = |file: &str| Step::Write { file: file.to_owned(), value: "Y".to_owned(), refused: None };
        let wanted = Some("module/damon_stat/enabled".to_owned());
        assert_eq!(switch(&write("module/damon_stat/enabled")), wanted);
        assert_eq!(switch(&write("/sys/module/damon_stat/parameters/enabled")), wanted);
        assert_eq!(switch(&write("module/damon_reclaim/min_age")), None);
        assert_eq!(switch(&write("0/state")), None);
    }
}
