//! The watchdog of a process group: a shell that is the group's leader and its first process, and that ends the group once
//! the pipe to it is closed.
//!
//! The order makes an orphan impossible. Nothing is started before the shell has said that it is up. A child has a copy of
//! the pipe until its exec, and joins the group before its exec, so when the pipe closes, whatever was started is in the
//! group. The kernel closes the pipe however this process ends.
//!
//! A process may leave the group (`setsid`). It keeps the mark in its environment, by which the shell finds it.

#![expect(clippy::disallowed_methods, reason = "it is started beside the processes of `process`")]

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// The variable with the mark in the environment of every process of a group.
pub(super) const MARK: &str = "DAMONLAB_GROUP";

/// How long the shell may take to find and kill everything: it reads a small file for each process of the host.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the shell does. `$1` is the mark. It searches until it has found nothing some times, because a process may start
/// another meanwhile, and has no environment for a moment in the middle of its exec: once for [`ENDED`], and for long if
/// this process is gone. grep's exit status tells nothing here: it is an error if one process has ended meanwhile.
const SCRIPT: &str = r#"trap '' INT TERM HUP QUIT PIPE TSTP TTIN TTOU
echo up
read -r times || times=20
for pass in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
  found=$(grep -lszxF "$1" /proc/[0-9]*/environ)
  for file in $found; do
    pid=${file#/proc/}
    kill -s KILL "${pid%/environ}"
  done
  [ "$found" ] || times=$((times - 1))
  [ "$times" -gt 0 ] || break
  [ "$found" ] || sleep 0.1 || sleep 1
done 2>/dev/null
kill -s KILL 0"#;

/// How often the shell searches without success after a program that has ended by itself.
pub(super) const ENDED: u32 = 1;

/// How often it does so after one that is ended.
pub(super) const RUNNING: u32 = 4;

/// A shell that waits for the end of this process, or for [`Watchdog::end`].
#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
    /// Nobody else has the writing end of this pipe.
    alive: Option<ChildStdin>,
    mark: String,
    ended: bool,
}

impl Watchdog {
    /// Starts the shell and waits until it is up. `about`, the folder of the group, is for people who read the list of
    /// processes.
    pub(super) fn start(about: Option<&Path>) -> io::Result<Watchdog> {
        let mark = fs_err::read_to_string("/proc/sys/kernel/random/uuid")?.trim().to_owned();
        let mut shell = command(&mark, about).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (alive, up) = (shell.stdin.take(), shell.stdout.take());
        let mut watchdog = Watchdog { shell, alive, mark, ended: false };
        let mut line = String::new();
        if let Some(up) = up {
            BufReader::new(up).read_line(&mut line)?;
        }
        match line.as_str() {
            "up\n" => Ok(watchdog),
            _ => {
                watchdog.end(ENDED)?;
                Err(io::Error::other("its watchdog, a /bin/sh, ended at once"))
            }
        }
    }

    /// The group that the shell leads.
    pub(super) fn group(&self) -> Pid {
        // The kernel's pids fit in 31 bits; std shows them as u32.
        Pid::from_raw(self.shell.id().cast_signed())
    }

    /// The value of [`MARK`] for the processes of the group.
    pub(super) fn mark(&self) -> &str {
        &self.mark
    }

    /// Whether the shell has ended before [`Watchdog::end`]: somebody killed it, and the group has no watchdog.
    pub(super) fn is_gone(&self) -> io::Result<bool> {
        // Not reaped, so that no other process gets its id as long as the group may be signalled.
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        match waitid(Id::Pid(self.group()), flags) {
            Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) => Ok(false),
            Ok(_) => Ok(true),
            Err(errno) => Err(errno.into()),
        }
    }

    /// SIGKILL to every process of the group, and to those that left it, which are searched for as often as `times`.
    pub(super) fn end(&mut self, times: u32) -> io::Result<()> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(());
        }
        let killed = self.is_gone()?;
        if let Some(mut alive) = self.alive.take() {
            // A shell that is gone is no error here.
            let _ = writeln!(alive, "{times}");
        }
        let until = Instant::now() + PATIENCE;
        while !self.is_gone()? && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        signal(self.group(), Signal::SIGKILL)?;
        self.shell.wait()?;
        if killed {
            // Another shell looks for those that left the group.
            command(&self.mark, None).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?.wait()?;
        }
        Ok(())
    }

    /// Closes the pipe, as the kernel does when this process is killed.
    #[cfg(test)]
    pub(super) fn let_go(&mut self) {
        drop(self.alive.take());
    }
}

/// Sends `signal` to a group that may be gone, or have processes of other users in it.
pub(super) fn signal(group: Pid, signal: Signal) -> io::Result<()> {
    match killpg(group, signal) {
        Ok(()) | Err(Errno::ESRCH | Errno::EPERM) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn command(mark: &str, about: Option<&Path>) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", SCRIPT, "damonlab-watchdog"]).arg(format!("{MARK}={mark}")).args(about);
    shell.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/").stderr(Stdio::null()).process_group(0);
    shell
}
