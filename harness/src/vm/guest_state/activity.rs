//! What the guest did in its last milliseconds: a livelock, a deadlock, or work in short turns. Pure.

use super::stack::Frame;
use super::symbols::Symbols;
use std::fmt;

/// A task that waits for a spin lock is in one of these.
const SPINNING: &[&str] = &["native_queued_spin_lock_slowpath", "queued_read_lock_slowpath", "queued_write_lock_slowpath"];

/// One CPU at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Moment {
    /// The name of its task, if it could be read.
    pub task: Option<String>,
    /// Whether it had nothing to run.
    pub idle: bool,
    /// Whether it ran a program and not the kernel.
    pub user: bool,
    /// Its stack in the kernel, from the innermost function.
    pub frames: Vec<Frame>,
}

impl Moment {
    fn task(&self) -> String {
        self.task.clone().unwrap_or_else(|| "an unknown task".to_owned())
    }
}

/// What a CPU did in all its samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Activity {
    /// Nothing.
    Idle,
    /// One task ran in the kernel all the time, inside a function if its stacks have one in common.
    Kernel { task: String, inside: Option<String>, spins: bool },
    /// One program ran all the time.
    Program(String),
    /// Different things, so often something else than nothing.
    Mixed { busy: usize, of: usize },
}

impl Activity {
    /// That of one CPU.
    pub fn of(moments: &[&Moment], symbols: &Symbols) -> Activity {
        let busy = moments.iter().filter(|moment| !moment.idle).count();
        if busy == 0 {
            return Activity::Idle;
        }
        let task = moments[0].task();
        if busy < moments.len() || moments.iter().any(|moment| moment.task() != task) {
            return Activity::Mixed { busy, of: moments.len() };
        }
        if moments.iter().all(|moment| moment.user) {
            return Activity::Program(task);
        }
        let in_kernel: Vec<&&Moment> = moments.iter().filter(|moment| !moment.user).collect();
        if in_kernel.len() < moments.len() {
            return Activity::Mixed { busy, of: moments.len() };
        }
        let inside = common(&in_kernel, symbols);
        let spins = inside.as_deref().is_some_and(|name| SPINNING.contains(&name));
        Activity::Kernel { task, inside, spins }
    }
}

/// The innermost function that all stacks have.
fn common(moments: &[&&Moment], symbols: &Symbols) -> Option<String> {
    let names = |moment: &Moment| -> Vec<String> {
        let sure = moment.frames.iter().filter(|frame| !frame.guessed);
        sure.filter_map(|frame| symbols.function(frame.address)).map(|(name, _)| name.to_owned()).collect()
    };
    let all: Vec<Vec<String>> = moments.iter().map(|moment| names(moment)).collect();
    let first = all.first()?;
    first.iter().find(|name| all.iter().all(|names| names.contains(name))).cloned()
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Activity::Idle => f.write_str("idle"),
            Activity::Kernel { task, inside, spins } => {
                let waits = if *spins { "waits for a spin lock" } else { "runs in the kernel" };
                write!(f, "{task} {waits} all the time")?;
                inside.iter().try_for_each(|name| write!(f, ", always inside {name}"))
            }
            Activity::Program(task) => write!(f, "the program {task} runs all the time"),
            Activity::Mixed { busy, of } => write!(f, "busy in {busy} of {of} samples, with several tasks or with pauses"),
        }
    }
}

/// What the activities of all CPUs mean together.
pub(super) fn verdict(all: &[Activity]) -> &'static str {
    let any = |is: fn(&Activity) -> bool| all.iter().any(is);
    if all.is_empty() {
        return "unknown: no CPU could be read";
    }
    if any(|one| matches!(one, Activity::Kernel { spins: true, .. })) {
        return "deadlock: a CPU waits for a spin lock that is not released";
    }
    if any(|one| matches!(one, Activity::Kernel { .. })) {
        return "livelock: the kernel is busy with one task";
    }
    if any(|one| matches!(one, Activity::Program(_))) {
        return "livelock: a program is busy, and the kernel is not";
    }
    if all.iter().all(|one| *one == Activity::Idle) {
        return "deadlock: every CPU is idle, and no task becomes ready";
    }
    "neither: the guest does some work, and may just be slow"
}

#[cfg(test)]
mod tests {
    use super::super::symbols::tests::small;
    use super::*;

    fn moment(task: &str, functions: &[u64]) -> Moment {
        let frames = functions.iter().map(|address| Frame { address: *address, guessed: false }).collect();
        Moment { task: Some(task.to_owned()), idle: task == "swapper/0", user: false, frames }
    }

    fn of(moments: &[Moment]) -> Activity {
        Activity::of(&moments.iter().collect::<Vec<_>>(), &small())
    }

    const APPLY: u64 = 0xffff_ffff_8100_1010;
    const KDAMOND: u64 = 0xffff_ffff_8100_1500;

    #[test]
    fn one_task_in_all_samples_is_a_livelock_inside_the_innermost_common_function() {
        let all = [moment("kdamond.0", &[APPLY, KDAMOND]), moment("kdamond.0", &[KDAMOND + 8])];
        let activity = of(&all);
        assert_eq!(
            activity.to_string(),
            "kdamond.0 runs in the kernel all the time, always inside kdamond_fn"
        );
        assert!(verdict(&[Activity::Idle, activity]).starts_with("livelock: the kernel"));
    }

    #[test]
    fn idle_cpus_are_a_deadlock() {
        let idle = of(&[moment("swapper/0", &[]), moment("swapper/0", &[])]);
        assert!(verdict(&[idle.clone(), idle]).starts_with("deadlock: every CPU is idle"));
    }

    #[test]
    fn a_task_that_waits_for_a_spin_lock_is_a_deadlock() {
        let map = "ffffffff81000000 T _stext\nffffffff81000000 T native_queued_spin_lock_slowpath\nffffffff81002000 T _etext\n";
        let all = [moment("kdamond.0", &[APPLY]), moment("kdamond.0", &[APPLY + 4])];
        let activity = Activity::of(&all.iter().collect::<Vec<_>>(), &Symbols::parse(map));
        assert!(verdict(&[activity]).starts_with("deadlock: a CPU waits for a spin lock"));
    }

    #[test]
    fn work_in_turns_is_neither() {
        let turns = of(&[moment("kdamond.0", &[APPLY]), moment("swapper/0", &[])]);
        assert_eq!(turns, Activity::Mixed { busy: 1, of: 2 });
        assert!(verdict(&[turns, Activity::Idle]).starts_with("neither"));
        let tasks = of(&[moment("kdamond.0", &[APPLY]), moment("init", &[APPLY])]);
        assert_eq!(tasks, Activity::Mixed { busy: 2, of: 2 });
    }

    #[test]
    fn a_program_that_never_enters_the_kernel_is_named() {
        let user = Moment { user: true, ..moment("init", &[]) };
        let activity = of(&[user.clone(), user]);
        assert_eq!(activity.to_string(), "the program init runs all the time");
        assert!(verdict(&[activity]).starts_with("livelock: a program"));
    }
}
