//! Commands that run to their end: their output is read while they run, Ctrl-C ends them with all their children, and
//! an error carries the last lines of their output.

use super::fault::{Fault, Faulty};
use super::interrupt::{self, Interrupted};
use super::process::{Group, WaitError};
use super::text;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// Why a command has no usable output.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It could not be started.
    #[error("cannot start {program}: {cause}")]
    Start {
        /// The program's name.
        program: String,
        /// The system's error.
        cause: io::Error,
    },
    /// The user asked to stop while it ran.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// Its output could not be read or used.
    #[error("cannot read the output of {program}: {cause}")]
    Follow {
        /// The program's name.
        program: String,
        /// The system's error.
        cause: io::Error,
    },
    /// It ended with another status than 0.
    #[error("{program} failed ({status}){}", last_lines(.stderr))]
    Failed {
        /// The program's name.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// Its output, or its standard error alone.
        stderr: String,
    },
}

impl Faulty for RunError {
    fn fault(&self) -> Fault {
        match self {
            RunError::Interrupted(stop) => stop.fault(),
            RunError::Start { .. } | RunError::Follow { .. } | RunError::Failed { .. } => Fault::Infra,
        }
    }
}

fn last_lines(stderr: &str) -> String {
    match text::last_lines(stderr.trim_end(), 12) {
        lines if lines.is_empty() => String::new(),
        lines => format!(":\n  {}", lines.join("\n  ")),
    }
}

/// The result of a command that has ended.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: String,
}

/// A command that would start `program`. Nothing else in the crate makes one, so that all of them are run by this folder.
#[expect(clippy::disallowed_methods, reason = "the constructor that everyone uses")]
pub fn command_for(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// Runs `command` to its end with no standard input, whatever its status.
pub fn capture(command: &mut Command) -> Result<Output, RunError> {
    let program = name(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group =
        Group::spawn(command).map_err(|cause| RunError::Start { program: program.clone(), cause })?;
    let stdout = read_all(group.leader().stdout.take());
    let stderr = read_all(group.leader().stderr.take());
    let status = group.wait().map_err(|cause| wait_error(&program, cause))?;
    let join = |reader: std::thread::JoinHandle<io::Result<Vec<u8>>>| {
        reader
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the reader panicked")))
            .map_err(|cause| RunError::Follow { program: program.clone(), cause })
    };
    let stdout = join(stdout)?;
    let stderr = String::from_utf8_lossy(&join(stderr)?).into_owned();
    Ok(Output { status, stdout, stderr })
}

/// Runs `command` to its end; another status than 0 is an error.
pub fn succeed(command: &mut Command) -> Result<Output, RunError> {
    let output = capture(command)?;
    match output.status.success() {
        true => Ok(output),
        false => Err(failed(command, output.status, output.stderr)),
    }
}

/// Runs `command` to its end and hands every line of its output to `show`; another status than 0 is an error
/// with the last lines.
pub fn succeed_showing(command: &mut Command, mut show: impl FnMut(&str)) -> Result<(), RunError> {
    let mut output = String::new();
    let line = |text: &str| {
        output.push_str(text);
        output.push('\n');
        show(text);
        Ok(())
    };
    let status = follow(command, line, || {})?;
    match status.success() {
        true => Ok(()),
        false => Err(failed(command, status, output)),
    }
}

/// The first line that `command` prints.
pub fn first_line(command: &mut Command) -> Result<String, RunError> {
    let output = succeed(command)?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}

fn failed(command: &Command, status: ExitStatus, stderr: String) -> RunError {
    RunError::Failed { program: name(command), status, stderr }
}

/// Runs `command` to its end and calls `line` with every line of its standard output and error, in their order. `idle` is
/// called a few times a second while there is none.
pub fn follow(
    command: &mut Command,
    mut line: impl FnMut(&str) -> io::Result<()>,
    mut idle: impl FnMut(),
) -> Result<ExitStatus, RunError> {
    let program = name(command);
    let failed = |cause| RunError::Follow { program: program.clone(), cause };
    let (from, to) = io::pipe().map_err(failed)?;
    command.stdin(Stdio::null()).stdout(to.try_clone().map_err(failed)?).stderr(to);
    let group = Group::spawn(command);
    // `command` has the writing end of the pipe until it gets another: without this the reader never ends.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut group = group.map_err(|cause| RunError::Start { program: program.clone(), cause })?;
    let (sender, lines) = mpsc::sync_channel(1024);
    let reader = std::thread::spawn(move || send_lines(from, &sender));
    let mut ended = None;
    loop {
        match lines.recv_timeout(Duration::from_millis(200)) {
            Ok(text) => line(&text).map_err(failed)?,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                idle();
                // A child that outlives its leader would keep the pipe open.
                if ended.is_some() {
                    group.kill().map_err(failed)?;
                }
                ended = group.try_wait().map_err(failed)?;
            }
        }
        if let Err(stop) = interrupt::check() {
            group.stop(Duration::from_secs(5)).map_err(failed)?;
            return Err(stop.into());
        }
    }
    // The reader ends with the pipe, and the pipe has ended.
    drop(reader);
    group.wait().map_err(|cause| wait_error(&program, cause))
}

fn send_lines(from: io::PipeReader, to: &mpsc::SyncSender<String>) {
    let mut from = BufReader::new(from);
    let mut bytes = Vec::new();
    while from.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
        let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
        if to.send(text).is_err() {
            return;
        }
        bytes.clear();
    }
}

fn read_all(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<io::Result<Vec<u8>>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    })
}

fn wait_error(program: &str, cause: WaitError) -> RunError {
    match cause {
        WaitError::Interrupted(stop) => stop.into(),
        WaitError::Io(cause) => RunError::Follow { program: program.to_owned(), cause },
    }
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = command_for("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn the_error_of_a_failed_command_has_its_last_lines() {
        let error = succeed(&mut shell("echo out; echo broken >&2; exit 3")).unwrap_err();
        assert_eq!(error.to_string(), "/bin/sh failed (exit status: 3):\n  broken");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = capture(&mut command_for("/nonexistent/tool")).unwrap_err();
        assert!(error.to_string().starts_with("cannot start /nonexistent/tool: "), "{error}");
    }

    #[test]
    fn followed_lines_come_from_both_streams_in_order() {
        let mut lines = Vec::new();
        let status = follow(
            &mut shell("echo one; echo two >&2; echo three"),
            |line| {
                lines.push(line.to_owned());
                Ok(())
            },
            || {},
        )
        .unwrap();
        assert!(status.success());
        assert_eq!(lines, ["one", "two", "three"]);
    }

    #[test]
    fn a_child_that_outlives_its_leader_does_not_block_us() {
        let start = std::time::Instant::now();
        let status = follow(&mut shell("sleep 60 & echo started"), |_| Ok(()), || {}).unwrap();
        assert!(status.success());
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}
