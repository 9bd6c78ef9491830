//! A process group whose standard output and error are copied into one file.

use super::process::Group;
use fs_err as fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

/// What is kept of the output: virtme-ng and QEMU print little, a guest can make hvc0 print without end.
const LIMIT: u64 = 4 << 20;

/// A process group with a log. Dropping it ends the group.
#[derive(Debug)]
pub struct LoggedGroup {
    /// The processes.
    pub group: Group,
    copies: Vec<JoinHandle<()>>,
}

impl LoggedGroup {
    /// Starts `command` without standard input and copies its output into the new file `log`.
    ///
    /// # Errors
    /// The file could not be made, or the command could not be started.
    pub fn spawn(command: &mut Command, log: &Path) -> io::Result<LoggedGroup> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let log = fs::File::create(log)?;
        let mut group = Group::spawn(command)?;
        let leader = group.leader();
        let mut copies = Vec::new();
        if let Some(out) = leader.stdout.take() {
            copies.push(copy(out, log.try_clone()?));
        }
        copies.extend(leader.stderr.take().map(|err| copy(err, log)));
        Ok(LoggedGroup { group, copies })
    }

    /// Kills the group. Afterwards the log has everything that it printed.
    pub fn end(&mut self) -> io::Result<()> {
        self.group.kill()?;
        for copy in self.copies.drain(..) {
            let _ = copy.join();
        }
        Ok(())
    }
}

/// Goes on reading past the limit: a full pipe would stop the guest.
fn copy(mut pipe: impl Read + Send + 'static, mut log: fs::File) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut chunk = [0; 8192];
        let mut left = LIMIT;
        while let Ok(read) = pipe.read(&mut chunk) {
            if read == 0 {
                return;
            }
            let keep = read.min(usize::try_from(left).unwrap_or(usize::MAX));
            left -= keep as u64;
            // A log that cannot be written must not end the run.
            let _ = log.write_all(&chunk[..keep]);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::command::command_for;

    #[test]
    fn a_program_that_prints_more_goes_on_and_the_log_has_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut shell = command_for("/bin/sh");
        let script = "head -c 20000000 /dev/zero; head -c 20000000 /dev/zero >&2; exit 7";
        let mut logged = LoggedGroup::spawn(shell.args(["-c", script]), &log).unwrap();
        assert_eq!(logged.group.wait().unwrap().code(), Some(7));
        logged.end().unwrap();
        // Each stream has its share.
        assert_eq!(fs::metadata(log).unwrap().len(), 2 * LIMIT);
    }

    #[test]
    fn both_streams_are_in_the_log_once_the_group_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut shell = command_for("/bin/sh");
        let mut logged = LoggedGroup::spawn(shell.args(["-c", "echo out; echo err >&2"]), &log).unwrap();
        logged.group.wait().unwrap();
        logged.end().unwrap();
        let text = fs::read_to_string(log).unwrap();
        assert!(text.contains("out\n") && text.contains("err\n"), "{text}");
    }
}
