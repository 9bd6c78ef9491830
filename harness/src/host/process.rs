//! Child processes that never outlive damonlab.
//!
//! `vng` starts a shell, the shell `virtme-run`, and that QEMU; `make` starts hundreds of processes. To kill the direct
//! child leaves the rest. So each tree gets its own process group and a watchdog: a shell that waits for the end of a
//! pipe which only this process has open, and then kills the group. However this process ends, by SIGKILL too, the
//! kernel closes the pipe.

#![expect(clippy::disallowed_methods, reason = "the one place that starts processes")]

use super::fault::{Fault, Faulty};
use super::interrupt::{self, Interrupted};
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A process group that ends with this value, and with this process.
#[derive(Debug)]
pub struct Group {
    child: Child,
    watchdog: Child,
    /// The watchdog waits for the end of this pipe.
    _alive: Option<ChildStdin>,
    ended: Option<ExitStatus>,
}

impl Group {
    /// Starts `command` as the leader of a new process group.
    ///
    /// # Errors
    /// The command or the watchdog's `/bin/sh` could not be started.
    pub fn spawn(command: &mut Command) -> io::Result<Group> {
        let mut child = command.process_group(0).spawn()?;
        match watchdog(child.id(), command.get_current_dir()) {
            Ok((watchdog, alive)) => Ok(Group { child, watchdog, _alive: alive, ended: None }),
            Err(cause) => {
                child.kill()?;
                child.wait()?;
                Err(cause)
            }
        }
    }

    /// The leader, for its pipes.
    pub fn leader(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The leader's exit status, once it has ended.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
        }
        Ok(self.ended)
    }

    /// Waits for the leader; on Ctrl-C it stops the group.
    pub fn wait(&mut self) -> Result<ExitStatus, WaitError> {
        loop {
            if let Some(status) = self.wait_for(Duration::from_secs(3600))? {
                return Ok(status);
            }
        }
    }

    /// Like [`Group::wait`], for `limit` at most; none if the leader still runs then.
    pub fn wait_for(&mut self, limit: Duration) -> Result<Option<ExitStatus>, WaitError> {
        let until = Instant::now() + limit;
        loop {
            let ended = self.try_wait()?;
            if ended.is_some() || Instant::now() > until {
                return Ok(ended);
            }
            if let Err(stop) = interrupt::check() {
                self.stop(Duration::from_secs(5))?;
                return Err(stop.into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// SIGTERM to the group, and SIGKILL to what is left of it after `grace`.
    pub fn stop(&mut self, grace: Duration) -> io::Result<()> {
        self.signal(Signal::SIGTERM)?;
        let until = Instant::now() + grace;
        while Instant::now() < until && self.alive() {
            self.try_wait()?;
            std::thread::sleep(Duration::from_millis(20));
        }
        self.kill()
    }

    /// SIGKILL to the group, and waits until the leader is gone.
    pub fn kill(&mut self) -> io::Result<()> {
        self.signal(Signal::SIGKILL)?;
        if self.ended.is_none() {
            self.ended = Some(self.child.wait()?);
        }
        Ok(())
    }

    /// Whether any process of the group lives (zombies count until they are reaped).
    fn alive(&self) -> bool {
        killpg(self.id(), None).is_ok()
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        match killpg(self.id(), signal) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn id(&self) -> Pid {
        // The kernel's pids fit in 31 bits; std shows them as u32.
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Group {
    /// An error cannot be reported from here; the watchdog is the second line of defence.
    fn drop(&mut self) {
        let _ = self.kill();
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

/// Why waiting for a process ended without an exit status.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// The user asked to stop; the group is gone.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The system refused to wait or to signal.
    #[error("cannot wait for a process: {0}")]
    Io(#[from] io::Error),
}

impl Faulty for WaitError {
    fn fault(&self) -> Fault {
        match self {
            WaitError::Interrupted(stop) => stop.fault(),
            WaitError::Io(cause) => cause.fault(),
        }
    }
}

/// dash's `kill` takes `--` only after `-s NAME`: `kill -9 -- -PID` is an error there (tested on Debian 12).
/// `about`, the group's folder, is there for people who read the list of processes.
fn watchdog(group: u32, about: Option<&Path>) -> io::Result<(Child, Option<ChildStdin>)> {
    let mut child = Command::new("/bin/sh")
        .args([
            "-c",
            "trap '' INT TERM HUP; read -r line; kill -s KILL -- \"-$1\" 2>/dev/null",
            "damonlab-watchdog",
        ])
        .arg(group.to_string())
        .args(about)
        .env_clear()
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let alive = child.stdin.take();
    Ok((child, alive))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// A shell that starts a grandchild, prints its pid, and waits for it.
    fn tree() -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "sleep 600 & echo $!; wait"]).stdout(Stdio::piped());
        command
    }

    fn grandchild(group: &mut Group) -> Pid {
        let mut out = group.leader().stdout.take().unwrap();
        let mut text = [0; 32];
        let length = out.read(&mut text).unwrap();
        Pid::from_raw(std::str::from_utf8(&text[..length]).unwrap().trim().parse().unwrap())
    }

    fn gone_within(pid: Pid, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while Instant::now() < until {
            // An orphan's zombie may wait for a slow init; a zombie holds nothing.
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            if stat.is_empty() || stat.contains(") Z ") {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    #[test]
    fn dropping_a_group_ends_its_grandchildren() {
        let mut group = Group::spawn(&mut tree()).unwrap();
        let pid = grandchild(&mut group);
        drop(group);
        assert!(gone_within(pid, Duration::from_secs(5)));
    }

    #[test]
    fn a_group_ends_when_the_pipe_to_its_watchdog_closes() {
        let mut group = Group::spawn(&mut tree()).unwrap();
        let pid = grandchild(&mut group);
        // What the kernel does when damonlab is killed with SIGKILL.
        drop(group._alive.take());
        assert!(gone_within(pid, Duration::from_secs(5)));
    }

    #[test]
    fn a_group_that_ignores_sigterm_is_killed_after_its_grace() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap '' TERM; echo ready; while :; do sleep 600; done"]).stdout(Stdio::piped());
        let mut group = Group::spawn(&mut command).unwrap();
        let mut byte = [0; 6];
        group.leader().stdout.take().unwrap().read_exact(&mut byte).unwrap();
        group.stop(Duration::from_millis(100)).unwrap();
        assert!(group.try_wait().unwrap().is_some());
    }
}
