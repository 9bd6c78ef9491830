//! Runs the guest of a recording again, stops it where the user wants to look, and lets a debugger attach.

use super::guest_run::run_plan;
use super::run_env::RunEnv;
use super::run_error::RunError;
use super::scenario_source::ScenarioSource;
use super::stop_target::{self, Target};
use crate::host::fault::{Fault, Faulty};
use crate::host::paths::quoted;
use crate::host::text::{foreign, shown};
use crate::machine::{Machine, MachineError};
use crate::recording::{Recording, RecordingError, RunInputs};
use crate::vm::{self, Launch, Stopped, Timing, VmError};
use damonlab_protocol::plan::Plan;
use damonlab_protocol::units::Nanos;
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::str::FromStr;

/// Where to stop a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopPoint {
    /// At a guest time, as in the trace.
    Time(Nanos),
    /// Shortly before an event.
    Event {
        /// The name of the event.
        name: String,
        /// Its number among the events of that name, from 1.
        number: NonZeroUsize,
    },
    /// Shortly before the end: the last event, or, of a run that left no results, the last moment that is known of it.
    End,
}

/// The word for [`StopPoint::End`].
const END: &str = "end";

/// A text that is not a [`StopPoint`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{}' is neither a guest time in seconds (12.345678), nor an event and its number (damos_esz:3), nor the word {END}",
    foreign(.0)
)]
pub struct ParseStopPointError(String);

impl FromStr for StopPoint {
    type Err = ParseStopPointError;

    fn from_str(text: &str) -> Result<StopPoint, ParseStopPointError> {
        let error = || ParseStopPointError(text.to_owned());
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let number = text.trim_end_matches('s');
            // `parse` would accept 1e308.
            let plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
            let seconds: f64 = number.parse().ok().filter(|_| plain).ok_or_else(error)?;
            return Ok(StopPoint::Time(Nanos((seconds * 1e9).round() as u64)));
        }
        if text == END {
            return Ok(StopPoint::End);
        }
        let (name, number) = text.split_once(':').unwrap_or((text, "1"));
        let is_name_char = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name_char) {
            return Err(error());
        }
        Ok(StopPoint::Event { name: name.to_owned(), number: number.parse().map_err(|_| error())? })
    }
}

/// Why no guest was stopped.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DebugError {
    /// Only a guest that started from a checkpoint repeats to the instruction.
    #[error("{recording} cannot be stopped at the same instruction again: {why}")]
    DoesNotRepeat {
        /// The recording.
        recording: String,
        /// Why not.
        why: &'static str,
    },
    /// The recording has no such event.
    #[error("the trace has {found} events {}, so there is no number {number}", foreign(.name))]
    NoEvent {
        /// The name of the event.
        name: String,
        /// How many there are.
        found: usize,
        /// The number that the user wants.
        number: usize,
    },
    /// The guest time is before the ready point.
    #[error("guest time {} s is before the scenario, which begins at {} s", .wanted.seconds(), .begin.seconds())]
    TooEarly {
        /// The guest time that the user wants.
        wanted: Nanos,
        /// The ready point.
        begin: Nanos,
    },
    /// The guest time is after all that was recorded.
    #[error(
        "guest time {} s is after the recording, whose last event is at {} s", .wanted.seconds(), .end.seconds()
    )]
    TooLate {
        /// The guest time that the user wants.
        wanted: Nanos,
        /// The time of the last event.
        end: Nanos,
    },
    /// The run left no trace.
    #[error(
        "{recording} has no trace, as its run ended without results ({}): give a guest time, or the word {END}",
        foreign(.how)
    )]
    NoTrace {
        /// The recording.
        recording: String,
        /// How the run ended.
        how: String,
    },
    /// Nothing says when the run ended.
    #[error("{recording} does not say when its run ended ({}): give a guest time", foreign(.how))]
    NoEnd {
        /// The recording.
        recording: String,
        /// How the run ended, or that it has no event.
        how: String,
    },
    /// The guest that shows the ready point did not run.
    #[error("cannot find out when the scenario began: {0}")]
    NoReadyPoint(String),
    /// It could not be started.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Run(#[from] RunError),
    /// The host failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The recording cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Recording(#[from] RecordingError),
    /// The machine has no QEMU arguments.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// QEMU failed, or the user asked to stop.
    #[error(transparent)]
    Vm(#[from] VmError),
}

impl Faulty for DebugError {
    fn fault(&self) -> Fault {
        match self {
            DebugError::DoesNotRepeat { .. }
            | DebugError::NoEvent { .. }
            | DebugError::TooEarly { .. }
            | DebugError::TooLate { .. }
            | DebugError::NoTrace { .. }
            | DebugError::NoEnd { .. } => Fault::BadInput,
            DebugError::NoReadyPoint(_) => Fault::Infra,
            DebugError::Run(error) => error.fault(),
            DebugError::Io(error) => error.fault(),
            DebugError::Recording(error) => error.fault(),
            DebugError::Machine(error) => error.fault(),
            DebugError::Vm(error) => error.fault(),
        }
    }
}

/// A stopped guest, and the commands that attach a debugger.
pub struct Session {
    /// The guest, which ends when this is dropped.
    pub stopped: Stopped,
    target: Target,
    vmlinux: Option<String>,
    function: Option<String>,
}

/// Runs the guest of a recording up to a stop point.
///
/// # Errors
/// The recording does not repeat, or has no such stop point; QEMU failed; the user asked to stop.
pub fn debug(env: &RunEnv, inputs: &RunInputs, at: &StopPoint, logs: &Path) -> Result<Session, DebugError> {
    let (false, true, Some(store)) = (inputs.meta.booted, inputs.meta.clock.is_virtual(), &env.checkpoints)
    else {
        let why = "its guest was booted, or ran on the real clock, and did not start from a checkpoint";
        return Err(DebugError::DoesNotRepeat { recording: shown(&inputs.dir).to_string(), why });
    };
    let target = match &inputs.meta.without_results {
        None => stop_target::of_recording(&Recording::load(&inputs.dir)?, at)?,
        Some(how) => stop_target::without_results(inputs, how, at, || ready_point(env, inputs))?,
    };
    let machine = Machine::of(&inputs.scenario)?;
    let launch = Launch {
        tools: &env.tools,
        bzimage: &env.image.bzimage,
        system_map: env.image.system_map(),
        agent: env.agent,
        machine: &machine.argv,
        timing: Timing::Virtual(env.instruction_cost()),
        sandbox: env.sandbox().map_err(DebugError::Vm)?,
        plan: &inputs.plan,
        clocks: &inputs.scenario.clocks,
        results: logs,
        checkpoints: Some(store),
        describe: &env.image.describe,
    };
    let stopped = vm::stop_after(&launch, store, target.after)?;
    let map = env.image.system_map();
    let symbols = map.and_then(|map| std::fs::read_to_string(map).ok()).unwrap_or_default();
    let function = target.break_at.as_ref().and_then(|at| at.function(&symbols));
    let vmlinux = env.image.vmlinux.as_ref().map(|path| quoted(&path.to_string_lossy()));
    Ok(Session { stopped, target, vmlinux, function })
}

/// The ready point of the recording's guest. It is one of the checkpoint's, so a guest without a step has the same.
fn ready_point(env: &RunEnv, inputs: &RunInputs) -> Result<Nanos, DebugError> {
    let out = tempfile::tempdir()?;
    let env = RunEnv { out: out.path().to_owned(), ..env.clone() };
    let RunInputs { scenario, scenario_text, .. } = inputs;
    let source = ScenarioSource { scenario: scenario.clone(), text: scenario_text.clone() };
    let machine = Machine::of(&source.scenario)?;
    let report = run_plan(&env, &source, &machine, &Plan::empty(&scenario.name))?;
    let no = |why: String| DebugError::NoReadyPoint(why);
    if report.judgement.is_none() {
        return Err(no(format!("a guest without a step ended with {}", report.verdict)));
    }
    let ready = Recording::load(&report.dir)?.report.ready_point;
    ready.ok_or_else(|| no("its guest did not say it".to_owned()))
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "STOPPED  before {}", self.target.what)?;
        match &self.vmlinux {
            Some(vmlinux) => writeln!(f, "  symbols   {vmlinux}")?,
            None => writeln!(f, "  symbols   none: the build folder of this kernel now has another kernel")?,
        }
        let mut command = "  attach    gdb".to_owned();
        command.extend(self.vmlinux.iter().map(|vmlinux| format!(" {vmlinux}")));
        command.push_str(&format!(" -ex 'target remote {}'", shown(self.stopped.socket())));
        if let Some(function) = self.function.as_ref().filter(|_| self.vmlinux.is_some()) {
            command.push_str(&format!(" -ex 'break {function}' -ex continue"));
        }
        writeln!(f, "{command}")?;
        if self.target.before > 0 {
            let before = self.target.before;
            writeln!(
                f,
                "  before it {before} events of the same name: `continue` past them (each stop costs some guest time)"
            )?;
        }
        if self.target.hangs {
            writeln!(f, "  hang      `continue`, then Ctrl-C in gdb, stops it later, where it hangs")?;
        }
        writeln!(f, "  end       `kill` in gdb, or Ctrl-C here")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_point_is_a_time_or_a_numbered_event() {
        assert_eq!("12.345678".parse(), Ok(StopPoint::Time(Nanos(12_345_678_000))));
        assert_eq!("3s".parse(), Ok(StopPoint::Time(Nanos(3_000_000_000))));
        let first = StopPoint::Event { name: "damos_esz".into(), number: NonZeroUsize::MIN };
        assert_eq!("damos_esz".parse(), Ok(first));
        for text in ["", "damos_esz:0", "a b", "12x", "1e308", "-1", "1.2.3"] {
            assert!(text.parse::<StopPoint>().is_err(), "{text}");
        }
    }
}
