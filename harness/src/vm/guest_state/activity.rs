//! What the guest did in its last milliseconds: a livelock, a deadlock, or work in short turns. Pure.

use super::stack::Frame;
use super::symbols::Symbols;
use std::collections::BTreeSet;
use std::fmt;

/// A task that waits for a spin lock is in one of these.
const SPINNING: &[&str] = &[
    "native_queued_spin_lock_slowpath",
    "__pv_queued_spin_lock_slowpath",
    "queued_read_lock_slowpath",
    "queued_write_lock_slowpath",
    "do_raw_spin_lock",
];

/// The kernel's own threads whose work goes on in a guest where everything waits: work queues, RCU, interrupts' second
/// halves (`kernel/workqueue.c`, `kernel/rcu/tree.c`, `kernel/softirq.c`).
const HOUSEKEEPING: &[&str] = &["kworker/", "rcu_", "ksoftirqd/", "migration/", "cpuhp/"];

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

    /// Whether it ran a thread of the kernel that has work now and then in an idle guest too.
    fn is_housekeeping(&self) -> bool {
        let housekeeps = |task: &String| HOUSEKEEPING.iter().any(|name| task.starts_with(name));
        !self.user && self.task.as_ref().is_some_and(housekeeps)
    }
}

/// What a CPU did in its samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Activity {
    /// It was idle, but for so many samples with the kernel's housekeeping.
    Idle(Share),
    /// One task ran in the kernel nearly all the time, inside a function if its stacks have one in common.
    Kernel { task: String, share: Share, inside: Option<String>, spins: bool },
    /// One program ran nearly all the time.
    Program { task: String, share: Share },
    /// Different things, so often something else than nothing: these tasks.
    Mixed { share: Share, tasks: Vec<String> },
}

/// So many of all samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    pub samples: usize,
    pub of: usize,
}

impl Share {
    /// Whether it is nearly all. The rest are interrupts and work queues, which run beside any loop.
    fn is_most(self) -> bool {
        self.samples * 4 >= self.of * 3
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in {} of {} samples", self.samples, self.of)
    }
}

impl Activity {
    /// That of one CPU.
    pub fn of(moments: &[Moment], symbols: &Symbols) -> Activity {
        let busy: Vec<&Moment> = moments.iter().filter(|moment| !moment.idle).collect();
        let share = |samples: usize| Share { samples, of: moments.len() };
        let tasks = busy.iter().map(|one| one.task()).collect::<BTreeSet<_>>().into_iter().collect();
        let mixed = Activity::Mixed { share: share(busy.len()), tasks };
        let still = share(moments.len() - busy.len());
        if still.is_most() && busy.iter().all(|one| one.is_housekeeping()) {
            return Activity::Idle(share(busy.len()));
        }
        let of_task = |task: &str| busy.iter().copied().filter(|one| one.task() == task).collect::<Vec<_>>();
        let Some(most) = busy.iter().map(|one| of_task(&one.task())).max_by_key(Vec::len) else {
            return mixed;
        };
        let task = most[0].task();
        let (user, kernel): (Vec<&Moment>, Vec<&Moment>) = most.into_iter().partition(|moment| moment.user);
        if share(kernel.len()).is_most() {
            let inside = common(&kernel, symbols);
            let spins = inside.as_deref().is_some_and(|name| SPINNING.contains(&name));
            return Activity::Kernel { task, share: share(kernel.len()), inside, spins };
        }
        match share(user.len()) {
            share if share.is_most() => Activity::Program { task, share },
            _ => mixed,
        }
    }
}

/// The innermost function that all stacks have.
fn common(moments: &[&Moment], symbols: &Symbols) -> Option<String> {
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
            Activity::Idle(Share { samples: 0, .. }) => f.write_str("idle"),
            Activity::Idle(share) => write!(f, "idle, but for work queues {share}"),
            Activity::Kernel { task, share, inside, spins } => {
                let does = if *spins { "waits for a spin lock" } else { "runs in the kernel" };
                write!(f, "{task} {does} {share}")?;
                inside.iter().try_for_each(|name| write!(f, ", always inside {name}"))
            }
            Activity::Program { task, share } => write!(f, "the program {task} runs {share}"),
            Activity::Mixed { share, tasks } => write!(f, "busy {share}: {}", tasks.join(", ")),
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
    if any(|one| matches!(one, Activity::Program { .. })) {
        return "livelock: a program is busy, and the kernel is not";
    }
    if all.iter().all(|one| matches!(one, Activity::Idle(_))) {
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
        Activity::of(moments, &small())
    }

    fn mixed(samples: usize, of: usize, tasks: &[&str]) -> Activity {
        let tasks = tasks.iter().map(|task| (*task).to_owned()).collect();
        Activity::Mixed { share: Share { samples, of }, tasks }
    }

    const APPLY: u64 = 0xffff_ffff_8100_1010;
    const KDAMOND: u64 = 0xffff_ffff_8100_1500;

    #[test]
    fn one_task_in_all_samples_is_a_livelock_inside_the_innermost_common_function() {
        let all = [moment("kdamond.0", &[APPLY, KDAMOND]), moment("kdamond.0", &[KDAMOND + 8])];
        let activity = of(&all);
        assert_eq!(
            activity.to_string(),
            "kdamond.0 runs in the kernel in 2 of 2 samples, always inside kdamond_fn"
        );
        assert!(verdict(&[of(&[]), activity]).starts_with("livelock: the kernel"));
    }

    #[test]
    fn a_work_queue_between_the_samples_of_a_loop_does_not_hide_it() {
        let mut all = vec![moment("kdamond.0", &[APPLY, KDAMOND]); 7];
        all[3] = moment("kworker/0:1", &[KDAMOND]);
        let share = Share { samples: 6, of: 7 };
        let inside = Some("damos_apply_scheme".to_owned());
        assert_eq!(of(&all), Activity::Kernel { task: "kdamond.0".to_owned(), share, inside, spins: false });
        all[0].idle = true;
        all[1].idle = true;
        assert_eq!(of(&all), mixed(5, 7, &["kdamond.0", "kworker/0:1"]));
    }

    #[test]
    fn idle_cpus_are_a_deadlock() {
        let idle = of(&[moment("swapper/0", &[]), moment("swapper/0", &[])]);
        assert!(verdict(&[idle.clone(), idle]).starts_with("deadlock: every CPU is idle"));
    }

    #[test]
    fn a_work_queue_now_and_then_does_not_make_an_idle_guest_busy() {
        let mut all = vec![moment("swapper/0", &[]); 16];
        all[5] = moment("kworker/0:1", &[KDAMOND]);
        let idle = of(&all);
        assert_eq!(idle.to_string(), "idle, but for work queues in 1 of 16 samples");
        assert!(verdict(&[idle]).starts_with("deadlock: every CPU is idle"));
        all[6] = moment("kdamond.0", &[APPLY]);
        assert!(verdict(&[of(&all)]).starts_with("neither"));
    }

    #[test]
    fn a_task_that_waits_for_a_spin_lock_is_a_deadlock() {
        let map = "ffffffff81000000 T _stext\nffffffff81000100 T native_queued_spin_lock_slowpath\nffffffff81002000 T _etext\n";
        let all = [moment("kdamond.0", &[APPLY]), moment("kdamond.0", &[APPLY + 4])];
        let activity = Activity::of(&all, &Symbols::parse(map));
        assert!(verdict(&[activity]).starts_with("deadlock: a CPU waits for a spin lock"));
    }

    #[test]
    fn work_in_turns_is_neither() {
        let turns = of(&[moment("kdamond.0", &[APPLY]), moment("swapper/0", &[])]);
        assert_eq!(turns, mixed(1, 2, &["kdamond.0"]));
        assert!(verdict(&[turns, of(&[])]).starts_with("neither"));
        let tasks = of(&[moment("kdamond.0", &[APPLY]), moment("init", &[APPLY])]);
        assert_eq!(tasks, mixed(2, 2, &["init", "kdamond.0"]));
    }

    #[test]
    fn a_program_that_never_enters_the_kernel_is_named() {
        let user = Moment { user: true, ..moment("init", &[]) };
        let activity = of(&[user.clone(), user]);
        assert_eq!(activity.to_string(), "the program init runs in 2 of 2 samples");
        assert!(verdict(&[activity]).starts_with("livelock: a program"));
    }
}
