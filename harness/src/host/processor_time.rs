//! How much processor time a process gets, and how long it has to wait for it (`/proc/<pid>/task/*/schedstat`).

use std::collections::BTreeMap;
use std::time::Duration;

/// The processor time of one thread since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThreadTime {
    /// How long it ran.
    pub ran: Duration,
    /// How long it could have run and waited for a processor.
    pub waited: Duration,
}

/// The processor time of each thread of `pid`, by thread id. Empty if the process is gone or the host's kernel does not
/// count it.
pub fn of_threads(pid: i32) -> BTreeMap<u32, ThreadTime> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            Some((id, parse(&std::fs::read_to_string(entry.path().join("schedstat")).ok()?)?))
        })
        .collect()
}

/// `ran waited timeslices`, the times in nanoseconds.
fn parse(schedstat: &str) -> Option<ThreadTime> {
    let mut numbers = schedstat.split_whitespace().map(|word| word.parse().ok().map(Duration::from_nanos));
    Some(ThreadTime { ran: numbers.next()??, waited: numbers.next()?? })
}

/// Whether `pid` is stopped by a signal or a debugger.
pub fn is_stopped(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| matches!(state(&stat), Some('T' | 't')))
}

/// The state in `/proc/<pid>/stat`. It follows the program's name in parentheses, which may have any character.
fn state(stat: &str) -> Option<char> {
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::command::command_for;
    use crate::host::process::Group;
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    #[test]
    fn the_time_of_a_thread_is_read_and_a_kernel_that_does_not_count_it_gives_none() {
        let expected = ThreadTime { ran: Duration::from_nanos(1200), waited: Duration::from_nanos(34) };
        assert_eq!(parse("1200 34 5\n"), Some(expected));
        assert_eq!(parse(""), None);
        assert_eq!(of_threads(i32::MAX), BTreeMap::new());
    }

    #[test]
    fn the_state_is_found_behind_any_program_name() {
        assert_eq!(state("7 (a) R (b) T 1 7"), Some('T'));
        assert_eq!(state(""), None);
    }

    #[test]
    fn a_stopped_process_is_noticed() {
        let mut group = Group::spawn(command_for("/bin/sleep").arg("60")).unwrap();
        let pid = Pid::from_raw(group.leader().id().cast_signed());
        assert!(!is_stopped(pid.as_raw()));
        kill(pid, Signal::SIGSTOP).unwrap();
        let stops = (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            is_stopped(pid.as_raw())
        });
        assert!(stops);
    }
}
