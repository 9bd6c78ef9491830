//! The verdict on a guest that ended in another way than by handing over its results.

use crate::check::{Evidence, Finding, Origin, RunEnd, Verdict, kernel_log};
use crate::host::text::last_lines;
use crate::judge::console_log;
use crate::recording::{CONSOLE_LOG, RecordingError, VNG_LOG};
use crate::vm::{Clock, Ending};
use std::path::Path;

/// How many of the console's last lines a finding shows.
const LAST_WORDS: usize = 40;

/// How the kernel begins its last report.
const PANIC: &str = "Kernel panic - not syncing";

/// A kernel that dies, hangs or falls silent has failed; each way has an id of its own.
pub(super) fn verdict(ending: &Ending, dir: &Path) -> Verdict {
    let (end, expected, seen) = match ending {
        Ending::Delivered => return Verdict::Pass,
        Ending::Panicked(reason) => {
            (RunEnd::Panic, "a kernel that lives".to_owned(), format!("{PANIC}: {reason}"))
        }
        Ending::Lost { during } => (
            RunEnd::GuestLost,
            "results before the guest ends".to_owned(),
            format!("QEMU ended {}", moment(*during)),
        ),
        Ending::RanOut { clock, limit, status } => (
            RunEnd::Clock,
            format!("the guest to get {} within the {clock} clock of {} s", goal(*clock), limit.as_secs()),
            format!("the {clock} clock ran out; QEMU says: {status}"),
        ),
        Ending::Babble => (
            RunEnd::Babble,
            "less than 8 MiB of console text".to_owned(),
            "a console that does not stop".to_owned(),
        ),
        Ending::BadResults(error) => {
            (RunEnd::BadResults, "results that are whole".to_owned(), error.to_string())
        }
    };
    // Why it hangs, is lost or panics the kernel may have said. The panic itself is what is told here.
    let mut findings = kernel_log::scan(CONSOLE_LOG, &console_log::text(dir));
    findings.retain(|finding| !finding.seen.contains(PANIC));
    findings.push(Finding {
        origin: Origin::RunEnd(end),
        expected,
        seen,
        evidence: last_words(dir),
        scenario_line: None,
    });
    Verdict::Fail(findings)
}

/// The guest delivered files with right checksums that make no sense.
pub(super) fn unreadable(error: &RecordingError) -> Finding {
    Finding {
        origin: Origin::RunEnd(RunEnd::BadResults),
        expected: "results that can be read".to_owned(),
        seen: crate::host::text::printable(&error.to_string()),
        evidence: Vec::new(),
        scenario_line: None,
    }
}

fn moment(phase: Clock) -> &'static str {
    match phase {
        Clock::Boot => "before the agent was ready",
        Clock::Scenario => "while the scenario ran",
        Clock::Shutdown | Clock::Hard => "while the results were on their way",
    }
}

fn goal(clock: Clock) -> &'static str {
    match clock {
        Clock::Boot => "to the agent's ready mark",
        Clock::Scenario => "to the end of its steps",
        Clock::Shutdown => "its results out",
        Clock::Hard => "everything done",
    }
}

/// The last lines of the console; of virtme-ng where the console said nothing.
fn last_words(dir: &Path) -> Vec<Evidence> {
    let of = |name: &'static str| {
        let bytes = std::fs::read(dir.join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let first = text.lines().count().saturating_sub(LAST_WORDS) + 1;
        let number = |index: usize| u32::try_from(first + index).unwrap_or(u32::MAX);
        let lines = last_lines(&text, LAST_WORDS);
        let evidence = lines.iter().enumerate().map(|(index, line)| Evidence::new(name, number(index), line));
        evidence.collect::<Vec<_>>()
    };
    let console = of(CONSOLE_LOG);
    if console.is_empty() { of(VNG_LOG) } else { console }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn failed(ending: &Ending, console: &str) -> Finding {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(CONSOLE_LOG), console).unwrap();
        match verdict(ending, dir.path()) {
            Verdict::Fail(mut findings) => findings.remove(0),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_clock_that_ran_out_is_named_and_the_last_forty_lines_are_shown() {
        let console: String = (1..=100).map(|n| format!("line {n}\r\n")).collect();
        let ending =
            Ending::RanOut { clock: Clock::Boot, limit: Duration::from_secs(120), status: "running".into() };
        let finding = failed(&ending, &console);
        assert_eq!(finding.seen, "the boot clock ran out; QEMU says: running");
        assert_eq!(finding.evidence.len(), 40);
        assert_eq!((finding.evidence[0].number, finding.evidence[0].text.as_str()), (61, "line 61"));
    }

    #[test]
    fn a_guest_that_hangs_after_an_oops_is_told_by_the_oops_first() {
        let console = "[    2.3] Oops: divide error: 0000 [#1] SMP PTI\r\n[    2.4] CPU: 0\r\n";
        let limit = Duration::from_secs(160);
        let ending = Ending::RanOut { clock: Clock::Scenario, limit, status: "running".into() };
        let finding = failed(&ending, console);
        assert_eq!(
            (finding.id(), finding.seen.as_str()),
            ("K1", "an oops: Oops: divide error: 0000 [#1] SMP PTI")
        );
    }

    #[test]
    fn a_panic_is_told_after_the_report_that_led_to_it() {
        let console = "[    9.8] BUG: KASAN: slab-use-after-free in damos_destroy+0x1/0x2\r\n[    9.8] Write of size 8\r\n\
                       [    9.8] Kernel panic - not syncing: KASAN: panic_on_warn set ...\r\n[    9.8] CPU: 0\r\n";
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(CONSOLE_LOG), console).unwrap();
        let ending = Ending::Panicked("KASAN: panic_on_warn set ...".into());
        let Verdict::Fail(findings) = verdict(&ending, dir.path()) else { panic!("a panic is a failure") };
        let told: Vec<(&str, &str)> = findings.iter().map(|one| (one.id(), one.seen.as_str())).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].0 == "K1" && told[0].1.contains("slab-use-after-free in damos_destroy"), "{told:?}");
        assert_eq!(told[1], ("panic", "Kernel panic - not syncing: KASAN: panic_on_warn set ..."));
    }

    #[test]
    fn a_silent_guest_shows_what_virtme_ng_said() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(VNG_LOG), "qemu: could not load kernel\n").unwrap();
        let Verdict::Fail(findings) = verdict(&Ending::Lost { during: Clock::Boot }, dir.path()) else {
            panic!("a lost guest is a failure")
        };
        assert_eq!(findings[0].evidence[0].text, "qemu: could not load kernel");
    }
}
