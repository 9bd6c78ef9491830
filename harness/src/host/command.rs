//! Commands that run to their end, with a limit on their time and on their output: Ctrl-C ends them with all their
//! children, and an error carries the last lines of their output.
//!
//! Everything goes through [`run`] or [`attend`], which demand [`Limits`].

pub use super::limits::Limits;
use super::pipes::{Prepared, Reading, Stream};
pub use super::run_error::RunError;
use super::run_error::SHOWN;
use super::supervised::{Supervised, name};
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// How often a quiet command is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The longest line that is shown or logged as one.
const LONGEST_LINE: usize = 64 << 10;

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
pub fn capture(command: &mut Command, limits: Limits) -> Result<Output, RunError> {
    answer(command, &[], limits)
}

/// Runs `command` to its end, whatever its status, with `input` as its standard input.
pub fn answer(command: &mut Command, input: &[u8], limits: Limits) -> Result<Output, RunError> {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let status = run(command, input, limits, Reading::Apart, |stream, bytes| {
        match stream {
            Stream::Out => stdout.extend_from_slice(bytes),
            Stream::Err => stderr.extend_from_slice(bytes),
        }
        Ok(())
    })?;
    Ok(Output { status, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() })
}

/// Runs `command` to its end; another status than 0 is an error.
pub fn succeed(command: &mut Command, limits: Limits) -> Result<Output, RunError> {
    let output = capture(command, limits)?;
    match output.status.success() {
        true => Ok(output),
        false => Err(failed(command, output.status, output.stderr)),
    }
}

/// Runs `command` to its end and hands every line of its output to `show`; another status than 0 is an error
/// with the last lines.
pub fn succeed_showing(
    command: &mut Command,
    limits: Limits,
    mut show: impl FnMut(&str),
) -> Result<(), RunError> {
    let mut last = VecDeque::new();
    let line = |text: &str| {
        last.truncate(SHOWN - 1);
        last.push_front(text.to_owned());
        show(text);
        Ok(())
    };
    let status = follow(command, limits, line)?;
    match status.success() {
        true => Ok(()),
        false => Err(failed(command, status, Vec::from_iter(last.into_iter().rev()).join("\n"))),
    }
}

/// The first line that `command` prints in answer to a question like `--version`.
pub fn first_line(command: &mut Command) -> Result<String, RunError> {
    let output = succeed(command, Limits::QUERY)?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}

/// Runs `command` to its end and calls `line` with every line of its standard output and error, in their order.
pub fn follow(
    command: &mut Command,
    limits: Limits,
    mut line: impl FnMut(&str) -> io::Result<()>,
) -> Result<ExitStatus, RunError> {
    let mut show = |bytes: &[u8]| line(String::from_utf8_lossy(bytes).trim_end_matches(['\n', '\r']));
    let mut unfinished = Vec::new();
    let status = run(command, &[], limits, Reading::InOrder, |_, bytes| {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            unfinished.extend_from_slice(part);
            if part.ends_with(b"\n") || unfinished.len() >= LONGEST_LINE {
                show(&unfinished)?;
                unfinished.clear();
            }
        }
        Ok(())
    })?;
    if !unfinished.is_empty() {
        show(&unfinished).map_err(|cause| RunError::Follow { program: name(command), cause })?;
    }
    Ok(status)
}

/// Runs `command` to its end with `input` as its standard input, and hands its standard output to `take` as it comes.
/// Returns its status.
pub fn stream(
    command: &mut Command,
    input: &[u8],
    limits: Limits,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<ExitStatus, RunError> {
    run(command, input, limits, Reading::Apart, |stream, bytes| match stream {
        Stream::Out => take(bytes),
        Stream::Err => Ok(()),
    })
}

/// Runs `command` to its end: everything that it prints goes to `take`.
fn run(
    command: &mut Command,
    input: &[u8],
    limits: Limits,
    reading: Reading,
    mut take: impl FnMut(Stream, &[u8]) -> io::Result<()>,
) -> Result<ExitStatus, RunError> {
    let program = name(command);
    let follow_error = |cause| RunError::Follow { program: program.clone(), cause };
    let pipes = Prepared::of(command, input, reading).map_err(follow_error)?;
    let mut supervised = Supervised::spawn(command, limits)?;
    let mut pipes = pipes.take(command, supervised.leader());
    loop {
        // A program that has closed its pipes is about to end.
        let limit = if pipes.are_open() { LOOK } else { Duration::from_millis(1) };
        let count = pipes.step(limit, &mut take).map_err(|cause| supervised.end(follow_error(cause)))?;
        let ended = supervised.check(count)?;
        match ended {
            Some(status) if !pipes.are_open() => return Ok(status),
            Some(_) => supervised.check_left_behind(count)?,
            None => {}
        }
    }
}

/// Starts `command`, whose streams the caller has chosen, and calls `talk`, which talks with it. Once the time is over or
/// the user asks to stop, the program is ended, so that `talk` comes to an end too. When `talk` has ended, the program is
/// ended.
pub fn attend<T: Send>(
    mut command: Command,
    limits: Limits,
    talk: impl FnOnce() -> T + Send,
) -> Result<T, RunError> {
    let program = name(&command);
    let mut supervised = Supervised::spawn(&mut command, limits)?;
    // It has the program's ends of sockets: without this, `talk` would not notice that the program is gone.
    drop(command);
    std::thread::scope(|scope| {
        let talk = scope.spawn(talk);
        while !talk.is_finished() {
            supervised.check(0)?;
            std::thread::sleep(Duration::from_millis(2));
        }
        let panicked = |_| RunError::Follow { program, cause: io::Error::other("its reader panicked") };
        talk.join().map_err(panicked)
    })
}

fn failed(command: &Command, status: ExitStatus, stderr: String) -> RunError {
    RunError::Failed { program: name(command), status, stderr }
}

#[cfg(test)]
mod tests;
