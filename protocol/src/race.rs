//! Steps that are carried out at once: what each of them does, when it begins, and which goes before which.
//!
//! The guest has one processor and its time is its own instructions, so when a task begins and which priority it has
//! decide where it interrupts the others, to the instruction.

use crate::damon::{MODULE, is_update};
use crate::plan::Step;
use crate::units::Nanos;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The least priority of a task. The agent itself has 1 meanwhile, and ordinary processes have none.
pub const LEAST_PRIORITY: u8 = 2;

/// The folder of the parameters of DAMON's modules.
const MODULE_FILES: &str = "/sys/module/damon_";

/// A step of those that are carried out at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// What it does.
    pub step: Step,
    /// How often, one time after the other.
    pub times: u32,
    /// When it begins, after the moment that all tasks have in common. None in a scenario, where the seed decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Nanos>,
    /// How long it sleeps before each repetition; no entry is no sleep.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Nanos>,
    /// Its real-time priority (`SCHED_FIFO`): the higher one goes on, the other waits, also in the middle of a system call.
    #[serde(default)]
    pub priority: u8,
}

/// How one task went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskRecord {
    /// CLOCK_MONOTONIC when it began.
    pub begin: Nanos,
    /// CLOCK_MONOTONIC when it had ended.
    pub end: Nanos,
    /// How often the kernel took all of it.
    pub done: u32,
    /// How often the kernel refused a part of it, by the errno's name. Each of them is legitimate.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, u32>,
}

impl Step {
    /// The steps that it consists of: itself, or those that are carried out at once.
    pub fn parts(&self) -> Box<dyn Iterator<Item = &Step> + '_> {
        match self {
            Step::Together { tasks, .. } => Box::new(tasks.iter().map(|task| &task.step)),
            step => Box::new(std::iter::once(step)),
        }
    }

    /// Whether nobody knows afterwards how DAMON is configured, whether it runs, or what it watches: one of several
    /// steps at once changes that, and which came first, or which the kernel refused, cannot be foreseen.
    pub fn unsettles_damon(&self) -> bool {
        matches!(self, Step::Together { .. }) && self.parts().any(Step::changes_damon)
    }

    /// Whether it may change how DAMON is configured, whether it runs, or what it watches.
    pub fn changes_damon(&self) -> bool {
        match self {
            Step::Start { .. }
            | Step::Stop
            | Step::Commit { .. }
            | Step::Retarget { .. }
            | Step::Pause { .. }
            | Step::Resume { .. }
            | Step::Exit { .. } => true,
            Step::Write { file, .. } if file.starts_with('/') => file.starts_with(MODULE_FILES),
            Step::Write { file, .. } if file.starts_with(MODULE) => true,
            Step::Write { file, value, .. } => !(file.ends_with("/state") && is_update(value)),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::NodeId;

    fn together(steps: Vec<Step>) -> Step {
        let task = |step| Task { step, times: 1, after: None, pauses: Vec::new(), priority: LEAST_PRIORITY };
        Step::Together { tasks: steps.into_iter().map(task).collect(), kdamonds: 0 }
    }

    fn write(file: &str, value: &str) -> Step {
        Step::Write { file: file.to_owned(), value: value.to_owned(), refused: None }
    }

    #[test]
    fn what_only_reads_or_moves_memory_leaves_damon_as_it_is() {
        let calm = vec![
            Step::ReadBack,
            write("0/state", "update_schemes_stats"),
            write("/proc/sys/vm/drop_caches", "3"),
            Step::Offline { node: NodeId(1) },
        ];
        assert!(!together(calm.clone()).unsettles_damon());
        for other in [
            Step::Stop,
            Step::Exit { workload: "hot".to_owned() },
            write("0/state", "off"),
            write("0/state", "update_tuned_intervals"),
            write("0/contexts/nr_contexts", "0"),
            write("module/damon_stat/enabled", "Y"),
            write("/sys/module/damon_stat/parameters/enabled", "Y"),
        ] {
            let mut steps = calm.clone();
            steps.push(other.clone());
            assert!(together(steps).unsettles_damon(), "{other:?}");
            assert!(!other.unsettles_damon(), "alone, its effect is known");
        }
    }

    #[test]
    fn the_parts_of_steps_at_once_are_those_steps() {
        let steps = vec![Step::ReadBack, Step::Stop];
        let found = together(steps.clone());
        assert_eq!(found.parts().cloned().collect::<Vec<_>>(), steps);
        assert_eq!(Step::Stop.parts().count(), 1);
    }
}
