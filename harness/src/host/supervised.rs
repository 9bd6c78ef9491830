//! A program that is looked at again and again while it runs: it is ended when the user asks to stop, when its time is
//! over, when it has printed too much, and when it has left a process behind.

use super::interrupt;
use super::limits::{Clock, Limits};
use super::process::Group;
use super::run_error::RunError;
use super::text;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// How long the output of a program that has ended may stay open and silent. Its pipes close with its last process.
const SILENCE: Duration = Duration::from_secs(1);

/// How long a program may take to end after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

/// A running program with its limits. Dropping it ends the program.
#[derive(Debug)]
pub(super) struct Supervised {
    group: Group,
    program: String,
    /// Program and arguments, for messages.
    command: String,
    limits: Limits,
    clock: Clock,
    printed: u64,
    /// Since when it has printed nothing, once it has ended.
    silent: Option<Instant>,
}

impl Supervised {
    /// Starts `command`.
    pub(super) fn spawn(command: &mut Command, limits: Limits) -> Result<Supervised, RunError> {
        let program = name(command);
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
        let group =
            Group::spawn(command).map_err(|cause| RunError::Start { program: program.clone(), cause })?;
        let command = text::excerpt(&words.join(" "));
        Ok(Supervised { group, program, command, limits, clock: Clock::start(), printed: 0, silent: None })
    }

    /// The process that was started, for its pipes.
    pub(super) fn leader(&mut self) -> &mut Child {
        self.group.leader()
    }

    /// Its status, once it has ended. `count` bytes of output have come since the last look. An error ends the program.
    pub(super) fn check(&mut self, count: u64) -> Result<Option<ExitStatus>, RunError> {
        self.printed = self.printed.saturating_add(count);
        if let Err(stop) = interrupt::check() {
            let stopped = self.group.stop(GRACE);
            stopped.map_err(|cause| self.follow_error(cause))?;
            return Err(stop.into());
        }
        let Limits { time, output } = self.limits;
        if self.printed > output.0 {
            let command = self.command.clone();
            return Err(self.end(RunError::TooMuchOutput { command, limit: output }));
        }
        let ended = self.group.try_wait().map_err(|cause| self.follow_error(cause))?;
        if self.clock.passed() > time {
            let command = self.command.clone();
            return Err(self.end(RunError::TimedOut { command, limit: time }));
        }
        Ok(ended)
    }

    /// An error if the program has ended, its output is open, and `count`, what has come since the last look, has been 0
    /// for a while.
    pub(super) fn check_left_behind(&mut self, count: u64) -> Result<(), RunError> {
        let now = Instant::now();
        let since = *self.silent.get_or_insert(now);
        if count > 0 {
            self.silent = Some(now);
        } else if now.duration_since(since) > SILENCE {
            let command = self.command.clone();
            return Err(self.end(RunError::LeftBehind { command }));
        }
        Ok(())
    }

    /// Ends the program because of `error`, and returns that.
    pub(super) fn end(&mut self, error: RunError) -> RunError {
        // The first error is the one that matters; the watchdog goes on trying.
        let _ = self.group.kill();
        error
    }

    fn follow_error(&self, cause: std::io::Error) -> RunError {
        RunError::Follow { program: self.program.clone(), cause }
    }
}

/// The program of a command.
pub(super) fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
