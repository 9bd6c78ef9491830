//! Whose doing the end of QEMU is. Pure.
//!
//! QEMU's monitor announces every end that QEMU knows of, with its reason. A QEMU that is killed, or stops with an error of
//! its own, announces nothing.

use super::probe;
use super::qmp::Shutdown;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// Whose doing it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EndedBy {
    /// The guest: it reset itself or powered off, as QEMU names it.
    Guest(String),
    /// QEMU or the host, in words that follow "QEMU ended".
    Host(String),
}

/// How QEMU was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parent {
    /// By damonlab.
    Damonlab,
    /// By virtme-ng, whose exit status is the low byte of QEMU's wait status: the signal, or 0.
    VirtmeNg,
}

/// `status` is that of the process that damonlab started.
pub(super) fn of(shutdown: Option<Shutdown>, status: Option<ExitStatus>, parent: Parent) -> EndedBy {
    match (shutdown, status) {
        (Some(Shutdown { guest: true, reason }), _) => EndedBy::Guest(reason),
        (Some(Shutdown { guest: false, reason }), _) => EndedBy::Host(format!(
            "because the host asked it to ({reason}: SIGTERM, SIGINT or SIGHUP, or its monitor)"
        )),
        (None, Some(status)) if parent == Parent::Damonlab && status.success() => {
            EndedBy::Guest("without a reason".to_owned())
        }
        (None, status) => EndedBy::Host(how(status, parent)),
    }
}

fn how(status: Option<ExitStatus>, parent: Parent) -> String {
    let Some(status) = status else { return "for an unknown reason".to_owned() };
    match (status.code().map(ExitStatus::from_raw), parent) {
        (_, Parent::Damonlab) => ended(status),
        (None, Parent::VirtmeNg) => format!("after virtme-ng had ended {}", ended(status)),
        (Some(low_byte), Parent::VirtmeNg) if low_byte.signal().is_some() => ended(low_byte),
        (Some(_), Parent::VirtmeNg) => "with an error".to_owned(),
    }
}

fn ended(status: ExitStatus) -> String {
    let how = probe::ended(status);
    match status.signal() {
        Some(9) => format!("{how}, which the host's kernel sends when memory runs out (its log shows that)"),
        _ => how,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(status: i32, parent: Parent) -> String {
        match of(None, Some(ExitStatus::from_raw(status)), parent) {
            EndedBy::Host(how) => how,
            EndedBy::Guest(reason) => panic!("the guest is blamed: {reason}"),
        }
    }

    fn announced(guest: bool, reason: &str) -> Option<Shutdown> {
        Some(Shutdown { guest, reason: reason.to_owned() })
    }

    #[test]
    fn a_guest_that_resets_itself_ended_itself_however_qemu_was_started() {
        for parent in [Parent::Damonlab, Parent::VirtmeNg] {
            let end = of(announced(true, "guest-reset"), Some(ExitStatus::from_raw(0)), parent);
            assert_eq!(end, EndedBy::Guest("guest-reset".into()));
        }
    }

    #[test]
    fn a_signal_is_named_and_the_out_of_memory_killer_with_it() {
        let killed = "by signal 9 (SIGKILL), which the host's kernel sends when memory runs out";
        assert!(host(9, Parent::Damonlab).starts_with(killed));
        assert!(host(9 << 8, Parent::VirtmeNg).starts_with(killed));
        assert_eq!(host(6, Parent::Damonlab), "by signal 6 (SIGABRT)");
        // With a core dump: 0x80 | SIGSEGV.
        assert_eq!(host(0x8b << 8, Parent::VirtmeNg), "by signal 11 (SIGSEGV)");
        assert_eq!(host(31 << 8, Parent::Damonlab), "with status 31");
    }

    #[test]
    fn a_killed_virtme_ng_is_not_taken_for_a_killed_qemu() {
        assert!(host(9, Parent::VirtmeNg).starts_with("after virtme-ng had ended by signal 9 (SIGKILL)"));
    }

    #[test]
    fn an_error_of_qemus_own_is_the_hosts_although_virtme_ng_makes_a_success_of_it() {
        assert_eq!(host(1 << 8, Parent::Damonlab), "with status 1");
        assert_eq!(host(0, Parent::VirtmeNg), "with an error");
    }

    #[test]
    fn a_signal_that_qemu_handles_is_the_hosts() {
        let end = of(announced(false, "host-signal"), Some(ExitStatus::from_raw(0)), Parent::Damonlab);
        assert!(matches!(end, EndedBy::Host(how) if how.contains("host-signal")));
    }
}
