//! What happens in the guest: one step after the other, or several at once.

use crate::damon::{Kdamond, MODULE, SchemeAt, is_update};
use crate::units::{BasisPoints, Nanos, NodeId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The folder of the parameters of DAMON's modules.
const MODULE_FILES: &str = "/sys/module/damon_";

/// One thing that happens in the guest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Writes the configuration and turns every kdamond on. With `refused`, the kernel must say no
    /// with this errno name (`EINVAL`), and nothing runs afterwards.
    Start {
        /// The errno name that the scenario expects.
        refused: Option<String>,
    },
    /// Lets the guest run for so long.
    Run {
        /// Guest time.
        time: Nanos,
    },
    /// Takes all memory of a CXL or soft-reserved node away, whoever uses it: its pages move elsewhere first.
    Offline {
        /// The node.
        node: NodeId,
    },
    /// Puts it back.
    Online {
        /// The node.
        node: NodeId,
    },
    /// Turns every kdamond off and waits until it is gone.
    Stop,
    /// Gives the kdamonds that run another configuration, whole.
    Commit {
        /// One entry a kdamond, as many as run.
        kdamonds: Vec<Kdamond>,
        /// The errno name with which the kernel must refuse it. It then runs on as before.
        refused: Option<String>,
    },
    /// Gives schemes other quota goals, and nothing else.
    Retarget {
        /// The whole configuration that follows.
        kdamonds: Vec<Kdamond>,
        /// Whose goals are written; the kdamonds among them get the command.
        schemes: Vec<SchemeAt>,
        /// As for [`Step::Commit`].
        refused: Option<String>,
    },
    /// Pauses every kdamond.
    Pause {
        /// The whole configuration that follows: the one before, paused.
        kdamonds: Vec<Kdamond>,
    },
    /// Lets every kdamond go on.
    Resume {
        /// The whole configuration that follows.
        kdamonds: Vec<Kdamond>,
    },
    /// Reads every file of DAMON's in sysfs. Each that the configuration in force wrote must read as it was written.
    ReadBack,
    /// Writes a value into a file.
    Write {
        /// Relative to [`crate::damon::ROOT`], or absolute ([`crate::kernel_file`]).
        file: String,
        /// What is written, without a newline.
        value: String,
        /// The errno name with which the kernel must refuse it.
        refused: Option<String>,
    },
    /// Runs a program of the host.
    HostCommand {
        /// What its result is called.
        name: String,
        /// The program and its arguments.
        run: Vec<String>,
        /// Guest time after which it is killed.
        within: Nanos,
        /// It prints damo's kdamonds format, which must agree with [`crate::plan::Plan::kdamonds`].
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        kdamonds: bool,
    },
    /// Runs DAMON's selftests.
    Selftests {
        /// Guest time after which each of them is killed.
        within: Nanos,
        /// Which are not run, and why.
        skip: BTreeMap<String, String>,
    },
    /// Several steps at once.
    Together {
        /// What is carried out, in the scenario's order.
        tasks: Vec<Task>,
        /// The real-time priority of the kdamonds meanwhile; 0 leaves them ordinary threads.
        #[serde(default)]
        kdamonds: u8,
    },
    /// Ends the process of a workload. Only among steps at once.
    Exit {
        /// Its name.
        workload: String,
    },
    /// A workload does something else from its next pass on.
    Workload {
        /// Its name.
        name: String,
        /// What.
        phase: Phase,
    },
}

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

/// What a workload changes while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Phase {
    /// The hot part has another size; it shrinks inside what it was, or grows around it.
    Hot {
        /// The part of the workload's size.
        hot_bp: BasisPoints,
    },
    /// All its pages go to a node; they are free to go elsewhere afterwards.
    Move {
        /// The node.
        node: NodeId,
    },
    /// It touches nothing.
    Pause,
    /// It touches its hot part again.
    Resume,
}

impl Step {
    /// Its word in a scenario.
    pub fn word(&self) -> &'static str {
        match self {
            Step::Start { .. } => "start",
            Step::Run { .. } => "run",
            Step::Offline { .. } => "offline",
            Step::Online { .. } => "online",
            Step::Stop => "stop",
            Step::Commit { .. } => "commit",
            Step::ReadBack => "read_back",
            Step::Retarget { .. } => "retarget",
            Step::Pause { .. } => "pause",
            Step::Resume { .. } => "resume",
            Step::Write { .. } => "write",
            Step::HostCommand { .. } => "host_command",
            Step::Selftests { .. } => "selftests",
            Step::Workload { .. } | Step::Exit { .. } => "workload",
            Step::Together { .. } => "together",
        }
    }

    /// The configuration that is in force once the kernel has taken this step, where it changes one.
    pub fn configures(&self) -> Option<&[Kdamond]> {
        match self {
            Step::Commit { kdamonds, .. }
            | Step::Retarget { kdamonds, .. }
            | Step::Pause { kdamonds }
            | Step::Resume { kdamonds } => Some(kdamonds),
            _ => None,
        }
    }

    /// The refusal that is expected of the kernel; the outer `None` where there is nothing that it could refuse.
    pub fn refusal(&self) -> Option<Option<&str>> {
        match self {
            Step::Start { refused }
            | Step::Commit { refused, .. }
            | Step::Retarget { refused, .. }
            | Step::Write { refused, .. } => Some(refused.as_deref()),
            Step::Pause { .. } | Step::Resume { .. } => Some(None),
            _ => None,
        }
    }

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
    use crate::race::LEAST_PRIORITY;

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
