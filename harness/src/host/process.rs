//! Child processes that never outlive damonlab.
//!
//! `vng` starts a shell, the shell `virtme-run`, and that QEMU; `make` starts hundreds of processes. To kill the direct
//! child leaves the rest. So each tree gets its own process group, which its watchdog leads (`watchdog`): it is up before
//! anything is started, and ends the group when this process ends, by SIGKILL too. If the watchdog is killed, this process
//! ends the group.

#![expect(clippy::disallowed_methods, reason = "the one place that starts processes")]

use super::fault::{Fault, Faulty};
use super::interrupt::{self, Interrupted};
use super::watchdog::{self, ENDED, MARK, RUNNING, Watchdog};
use nix::sys::signal::Signal;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// How long a killed process may take to be gone: it may have to free a guest's memory.
const DEATH: Duration = Duration::from_secs(30);

/// A process group that ends with this value, and with this process.
#[derive(Debug)]
pub struct Group {
    program: String,
    child: Child,
    watchdog: Watchdog,
    ended: Option<ExitStatus>,
}

impl Group {
    /// Starts `command` in a new process group.
    ///
    /// # Errors
    /// The command or the watchdog's `/bin/sh` could not be started.
    pub fn spawn(command: &mut Command) -> io::Result<Group> {
        let mut watchdog = Watchdog::start(command.get_current_dir())?;
        command.env(MARK, watchdog.mark()).process_group(watchdog.group().as_raw());
        match command.spawn() {
            Ok(child) => {
                let program = command.get_program().to_string_lossy().into_owned();
                Ok(Group { program, child, watchdog, ended: None })
            }
            Err(cause) => {
                watchdog.end(ENDED)?;
                Err(cause)
            }
        }
    }

    /// The process that was started, for its pipes.
    pub fn leader(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The exit status of what was started, once it has ended.
    ///
    /// # Errors
    /// The watchdog was killed; the group is gone, too.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
        }
        if self.ended.is_none() && self.watchdog.is_gone()? {
            self.kill()?;
            let program = &self.program;
            return Err(io::Error::other(format!(
                "somebody killed the watchdog of {program}, a /bin/sh, so damonlab ended {program}; try again"
            )));
        }
        Ok(self.ended)
    }

    /// Waits for what was started; on Ctrl-C it stops the group.
    pub fn wait(&mut self) -> Result<ExitStatus, WaitError> {
        loop {
            if let Some(status) = self.wait_for(Duration::from_secs(3600))? {
                return Ok(status);
            }
        }
    }

    /// Like [`Group::wait`], for `limit` at most; none if it still runs then.
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

    /// SIGTERM to the group, and SIGKILL to what is left of it when its first process has ended, after `grace` at most.
    pub fn stop(&mut self, grace: Duration) -> io::Result<()> {
        let search = self.search();
        watchdog::signal(self.watchdog.group(), Signal::SIGTERM)?;
        self.gone_within(grace)?;
        self.end(search)
    }

    /// SIGKILL to the group and to those that left it, and waits until the process that was started is gone.
    ///
    /// # Errors
    /// It is not gone after half a minute: it waits for a device, or runs as another user.
    pub fn kill(&mut self) -> io::Result<()> {
        self.end(self.search())
    }

    /// How thoroughly to look for processes that left the group.
    fn search(&self) -> u32 {
        if self.ended.is_some() { ENDED } else { RUNNING }
    }

    fn end(&mut self, search: u32) -> io::Result<()> {
        self.watchdog.end(search)?;
        match self.gone_within(DEATH)? {
            true => Ok(()),
            false => {
                let (program, pid) = (&self.program, self.child.id());
                Err(io::Error::other(format!("{program} (process {pid}) does not end after SIGKILL")))
            }
        }
    }

    fn gone_within(&mut self, limit: Duration) -> io::Result<bool> {
        let until = Instant::now() + limit;
        while self.ended.is_none() {
            self.ended = self.child.try_wait()?;
            if self.ended.is_none() {
                if Instant::now() > until {
                    return Ok(false);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        Ok(true)
    }
}

impl Drop for Group {
    /// An error cannot be reported from here; the end of this process closes the watchdog's pipe in any case.
    fn drop(&mut self) {
        let _ = self.kill();
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

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::kill;
    use nix::unistd::Pid;
    use std::io::{BufRead, BufReader, Read};
    use std::process::Stdio;

    /// A group of a shell that runs `script`, which prints the pid of a process.
    fn group_of(script: &str) -> (Group, Pid) {
        let mut command = Command::new("/bin/sh");
        let mut group = Group::spawn(command.args(["-c", script]).stdout(Stdio::piped())).unwrap();
        let mut line = String::new();
        BufReader::new(group.leader().stdout.take().unwrap()).read_line(&mut line).unwrap();
        let pid = Pid::from_raw(line.trim().parse().unwrap());
        (group, pid)
    }

    /// A shell that waits for a grandchild.
    const TREE: &str = "sleep 600 & echo $!; wait";

    /// A grandchild in a session of its own, whose parents have ended.
    const ESCAPED: &str = "(setsid sleep 600 & echo $!); exec sleep 600";

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
    fn dropping_a_group_ends_its_grandchildren_and_those_that_left_it() {
        for script in [TREE, ESCAPED] {
            let (group, pid) = group_of(script);
            drop(group);
            assert!(gone_within(pid, Duration::from_secs(5)), "{script}");
        }
    }

    #[test]
    fn a_group_ends_when_the_pipe_to_its_watchdog_closes() {
        for script in [TREE, ESCAPED] {
            let (mut group, pid) = group_of(script);
            // What the kernel does when damonlab is killed with SIGKILL.
            group.watchdog.let_go();
            assert!(gone_within(pid, Duration::from_secs(10)), "{script}");
        }
    }

    #[test]
    fn a_group_whose_watchdog_is_killed_is_ended_and_the_error_says_so() {
        for script in [TREE, ESCAPED] {
            let (mut group, pid) = group_of(script);
            kill(group.watchdog.group(), Signal::SIGKILL).unwrap();
            let error = group.wait().unwrap_err().to_string();
            assert!(error.contains("somebody killed the watchdog of /bin/sh"), "{error}");
            assert!(gone_within(pid, Duration::from_secs(5)), "{script}");
        }
    }

    #[test]
    fn a_watchdog_that_is_killed_before_its_group_starts_is_noticed() {
        let mut watchdog = Watchdog::start(None).unwrap();
        assert!(!watchdog.is_gone().unwrap());
        kill(watchdog.group(), Signal::SIGKILL).unwrap();
        assert!(gone_within(watchdog.group(), Duration::from_secs(5)) && watchdog.is_gone().unwrap());
        watchdog.end(RUNNING).unwrap();
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

    #[test]
    fn a_program_that_cannot_be_started_leaves_no_watchdog() {
        let mark = "a-program-that-cannot-be-started-leaves-no-watchdog";
        let folder = tempfile::Builder::new().prefix(mark).tempdir().unwrap();
        Group::spawn(Command::new("/nonexistent/program").current_dir(folder.path())).unwrap_err();
        let lines = std::fs::read_dir("/proc").unwrap().flatten();
        let mut lines = lines.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        assert!(!lines.any(|line| String::from_utf8_lossy(&line).contains(mark)));
    }
}
