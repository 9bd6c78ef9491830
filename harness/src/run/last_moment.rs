//! The last moment that is known of a run that left no results: by its console, and by what its kernel printed when the guest
//! was found to hang.

use crate::check::kernel_log;
use crate::judge::console_log;
use crate::judge::early_end::PANIC;
use crate::recording::{CONSOLE_LOG, GUEST_STATE};
use damonlab_protocol::units::Nanos;
use std::path::Path;

/// The letters that damonlab sends to a kernel that hangs. The first answer has the time at which that was.
const ASKED: &str = "sysrq: ";

/// A moment, and the line that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LastMoment {
    pub(super) time: Nanos,
    /// For people.
    pub(super) what: String,
    /// The kernel reported something, so the guest went wrong then and not later.
    pub(super) is_reported: bool,
}

impl LastMoment {
    /// That of the run in `dir`: where the kernel first reported a bug or panicked, or else when damonlab found that the guest
    /// hangs, or else the last line of the console that has a time.
    pub(super) fn of(dir: &Path) -> Option<LastMoment> {
        Self::of_texts(&console_log::text(dir), &console_log::text_of(dir, GUEST_STATE))
    }

    fn of_texts(console: &str, state: &str) -> Option<LastMoment> {
        let report = kernel_log::scan(CONSOLE_LOG, console).into_iter();
        let first = report.filter_map(|finding| finding.evidence.first().map(|line| line.number)).min();
        let panic = lines(console).find(|(_, line)| line.contains(PANIC)).map(|(number, _)| number);
        let reported = |number: u32| {
            let (_, line) = lines(console).find(|(own, _)| *own == number)?;
            let what = format!("the first report of the kernel, {CONSOLE_LOG} line {number}");
            Some(LastMoment { time: time(line)?, what, is_reported: true })
        };
        let hung = || {
            let (number, time) = timed(state).find(|(_, line)| line.contains(ASKED)).map(last)??;
            let what =
                format!("the moment at which the guest was found to hang, {GUEST_STATE} line {number}");
            Some(LastMoment { time, what, is_reported: false })
        };
        let printed = || {
            let (number, time) = timed(console).last().map(last)??;
            let what = format!("the last line of the console, {CONSOLE_LOG} line {number}");
            Some(LastMoment { time, what, is_reported: false })
        };
        first.into_iter().chain(panic).min().and_then(reported).or_else(hung).or_else(printed)
    }
}

fn lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    (1..).zip(text.lines())
}

fn timed(text: &str) -> impl Iterator<Item = (u32, &str)> {
    lines(text).filter(|(_, line)| time(line).is_some())
}

fn last((number, line): (u32, &str)) -> Option<(u32, Nanos)> {
    Some((number, time(line)?))
}

/// The guest time at which the kernel printed a line: `[    9.812345] BUG: ..`.
fn time(line: &str) -> Option<Nanos> {
    let (seconds, micros) = line.strip_prefix('[')?.split_once(']')?.0.trim().split_once('.')?;
    let micros: u64 = Some(micros).filter(|micros| micros.len() == 6)?.parse().ok()?;
    let seconds: u64 = seconds.parse().ok()?;
    Some(Nanos(seconds.checked_mul(1_000_000_000)?.checked_add(micros * 1000)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str =
        "[    0.100000] Linux version 7.3.4\r\n[    1.890902] random: crng init done\r\nready\r\n";

    fn moment(console: &str, state: &str) -> (u64, String, bool) {
        let LastMoment { time, what, is_reported } = LastMoment::of_texts(console, state).unwrap();
        (time.0, what, is_reported)
    }

    #[test]
    fn a_panic_is_where_the_kernel_first_reported_what_led_to_it() {
        let oops = format!("{CONSOLE}[    9.800001] Oops: divide error: 0000 [#1] SMP PTI\r\n");
        let all = format!("{oops}[    9.900000] Kernel panic - not syncing: Fatal exception\r\n");
        let (time, what, is_reported) = moment(&all, "");
        assert_eq!((time, is_reported), (9_800_001_000, true));
        assert_eq!(what, "the first report of the kernel, console.txt line 4");
        let alone = format!("{CONSOLE}[    9.900000] Kernel panic - not syncing: out of ideas\r\n");
        assert_eq!(moment(&alone, "").0, 9_900_000_000);
    }

    #[test]
    fn a_hang_is_when_it_was_found_and_otherwise_after_the_last_line() {
        let state =
            "livelock: busy\n\nprinted\n\n[   74.003242] sysrq: Changing Loglevel\n[   75.3] sysrq: x\n";
        let (time, what, is_reported) = moment(CONSOLE, state);
        assert_eq!((time, is_reported), (74_003_242_000, false));
        assert!(what.ends_with("guest-state.txt line 5"), "{what}");
        let (time, what, _) = moment(CONSOLE, "deadlock: idle\n");
        assert_eq!(
            (time, what.as_str()),
            (1_890_902_000, "the last line of the console, console.txt line 2")
        );
    }

    #[test]
    fn a_console_without_times_has_no_moment() {
        assert_eq!(LastMoment::of_texts("ready\n[x] y\n[ 1.2] z\n", ""), None);
    }
}
