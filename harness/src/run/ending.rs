//! The verdict on a guest that ended without delivering its results.

use crate::check::{Finding, Origin, RunEnd, Verdict};
use crate::host::text::{block, quote};
use crate::judge::early_end::{self, PANIC};
use crate::recording::RecordingError;
use crate::vm::{Clock, Ending};
use std::io;
use std::path::Path;

/// A kernel that panics, hangs or stops without results has failed. Each way to end has its own id.
pub(super) fn verdict(ending: &Ending, dir: &Path) -> Verdict {
    let (end, expected, seen) = match ending {
        Ending::Delivered => return Verdict::Pass,
        Ending::Panicked(reason) => {
            (RunEnd::Panic, "no panic".to_owned(), format!("{PANIC}: {}", quote(reason)))
        }
        Ending::Lost { during, reason } => (
            RunEnd::GuestLost,
            "results before the guest ends".to_owned(),
            format!("the guest ended QEMU {} ({reason})", during.moment()),
        ),
        Ending::RanOut { clock, limit, status } => (
            RunEnd::Clock,
            format!("the guest to {} within the {clock} clock of {} s", goal(*clock), limit.as_secs()),
            format!("the {clock} clock ran out; QEMU is {status}"),
        ),
        Ending::EndlessOutput => (
            RunEnd::Babble,
            "less than 8 MiB of console text".to_owned(),
            "a console that does not stop".to_owned(),
        ),
        Ending::BadResults(error) => {
            (RunEnd::BadResults, "complete results".to_owned(), block(&error.to_string()))
        }
    };
    early_end::verdict(end, expected, seen, dir)
}

/// The id of the end of a run that left no results; none of any other verdict.
pub(super) fn without_results(verdict: &Verdict) -> Option<&'static str> {
    let Verdict::Fail(findings) = verdict else { return None };
    let ends = findings.iter().rev().filter_map(|finding| match finding.origin {
        Origin::RunEnd(end) => Some(end.id()),
        _ => None,
    });
    ends.into_iter().next()
}

/// Whether the files of a recording could not be read because of what the guest sent: a file that it did not send, or that is
/// not text. Any other error is the host's.
pub(super) fn is_the_guests(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    )
}

/// The finding about delivered files that have the right checksums and cannot be parsed.
pub(super) fn unreadable(error: &RecordingError) -> Finding {
    Finding {
        origin: Origin::RunEnd(RunEnd::BadResults),
        expected: "readable results".to_owned(),
        seen: block(&error.to_string()),
        evidence: Vec::new(),
        scenario_line: None,
        more: 0,
    }
}

fn goal(clock: Clock) -> &'static str {
    match clock {
        Clock::Boot => "reach the ready mark of the agent",
        Clock::Scenario => "finish its steps",
        Clock::Shutdown => "send its results",
        Clock::Hard => "end",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{CONSOLE_LOG, GUEST_STATE, VNG_LOG};
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
    fn a_clock_that_ran_out_is_named_with_the_last_forty_console_lines() {
        let console: String = (1..=100).map(|n| format!("line {n}\r\n")).collect();
        let ending =
            Ending::RanOut { clock: Clock::Boot, limit: Duration::from_secs(120), status: "running".into() };
        let finding = failed(&ending, &console);
        assert_eq!(finding.seen, "the boot clock ran out; QEMU is running");
        assert_eq!(finding.evidence.len(), 40);
        assert_eq!((finding.evidence[0].number, finding.evidence[0].text.as_str()), (61, "line 61"));
    }

    #[test]
    fn what_a_hung_guest_did_comes_before_the_console() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(CONSOLE_LOG), "the last line\n").unwrap();
        std::fs::write(dir.path().join(GUEST_STATE), "deadlock: all idle\nCPU 0: idle\n\nCPU 0 in\n")
            .unwrap();
        let limit = Duration::from_secs(160);
        let ending = Ending::RanOut { clock: Clock::Scenario, limit, status: "running".into() };
        let Verdict::Fail(findings) = verdict(&ending, dir.path()) else { panic!("a hang is a failure") };
        let shown: Vec<String> = findings[0]
            .evidence
            .iter()
            .map(|line| format!("{}:{}: {}", line.file, line.number, line.text))
            .collect();
        assert_eq!(
            shown,
            [
                "guest-state.txt:1: deadlock: all idle",
                "guest-state.txt:2: CPU 0: idle",
                "console.txt:1: the last line"
            ]
        );
    }

    #[test]
    fn an_oops_comes_before_the_hang_that_follows_it() {
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
    fn a_panic_comes_after_the_report_that_led_to_it() {
        let console = "[    9.8] BUG: KASAN: slab-use-after-free in damos_destroy+0x1/0x2\r\n[    9.8] Write of size 8\r\n\
                       [    9.8] Kernel panic - not syncing: KASAN: panic_on_warn set ...\r\n[    9.8] CPU: 0\r\n";
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(CONSOLE_LOG), console).unwrap();
        let ending = Ending::Panicked("KASAN: panic_on_warn set ...".into());
        let Verdict::Fail(findings) = verdict(&ending, dir.path()) else { panic!("a panic is a failure") };
        let shown: Vec<(&str, &str)> = findings.iter().map(|one| (one.id(), one.seen.as_str())).collect();
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert!(
            shown[0].0 == "K1" && shown[0].1.contains("slab-use-after-free in damos_destroy"),
            "{shown:?}"
        );
        assert_eq!(shown[1], ("panic", "Kernel panic - not syncing: KASAN: panic_on_warn set ..."));
    }

    #[test]
    fn a_guest_without_console_text_shows_the_output_of_virtme_ng() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(VNG_LOG), "qemu: could not load kernel\n").unwrap();
        let ending = Ending::Lost { during: Clock::Boot, reason: "guest-reset".into() };
        let Verdict::Fail(findings) = verdict(&ending, dir.path()) else {
            panic!("a lost guest is a failure")
        };
        assert_eq!(findings[0].evidence[0].text, "qemu: could not load kernel");
    }
}
