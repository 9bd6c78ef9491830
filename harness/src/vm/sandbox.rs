//! QEMU's own seccomp filter: a guest that breaks out of its devices finds a process that can start no other, change no
//! user and use no obsolete system call.

/// The filter, as QEMU gets it. damonlab's guests need none of what it denies: 9p without a helper, migration to a file and
/// memory in files are all served by QEMU's own threads.
const ARGUMENTS: [&str; 2] =
    ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"];

/// Whether guests run in the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sandbox {
    /// They do.
    On,
    /// This QEMU, or this host, has none.
    Unavailable,
}

impl Sandbox {
    /// QEMU's arguments for it.
    pub(super) fn arguments(self) -> &'static [&'static str] {
        match self {
            Sandbox::On => &ARGUMENTS,
            Sandbox::Unavailable => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::command::command_for;
    use crate::host::logged::LoggedGroup;
    use crate::vm::qmp::Qmp;
    use crate::vm::testkit::qemu;
    use serde_json::json;
    use std::path::Path;
    use std::time::{Duration, Instant};

    /// Whether a QEMU with these arguments runs a command of ours that writes `file`, as a guest that has broken out would.
    fn runs_a_command(qemu: &Path, arguments: &[&str], file: &Path) -> bool {
        let socket = file.with_extension("sock");
        let mut command = command_for(qemu);
        command.args([
            "-S",
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-machine",
            "q35",
            "-m",
            "64",
        ]);
        command.arg("-qmp").arg(format!("unix:{},server=on,wait=off", socket.display())).args(arguments);
        let mut process = LoggedGroup::spawn(&mut command, &file.with_extension("log")).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        let mut monitor = Qmp::connect(&socket);
        while monitor.is_err() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
            monitor = Qmp::connect(&socket);
        }
        let migrate = json!({"uri": format!("exec:cat > {}", file.display())});
        // QEMU may be killed before it answers.
        let _ = monitor.unwrap().execute("migrate", migrate);
        let until = Instant::now() + Duration::from_secs(3);
        while !file.exists() && process.group.try_wait().unwrap().is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        process.end().unwrap();
        file.exists()
    }

    #[test]
    fn a_qemu_in_the_sandbox_starts_no_program() {
        let Some(qemu) = qemu() else { return };
        let folder = tempfile::tempdir().unwrap();
        assert!(runs_a_command(&qemu, &[], &folder.path().join("outside")), "this test shows nothing");
        assert!(!runs_a_command(&qemu, Sandbox::On.arguments(), &folder.path().join("inside")));
    }
}
