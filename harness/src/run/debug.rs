//! Runs the guest of a recording again, stops it where the user wants to look, and lets a debugger attach.

use super::run_env::RunEnv;
use crate::host::fault::{Fault, Faulty};
use crate::host::paths::quoted;
use crate::host::text::{foreign, shown};
use crate::machine::{Machine, MachineError};
use crate::recording::Line;
use crate::recording::{Recording, RecordingError, RunInputs};
use crate::subject;
use crate::vm::{self, Launch, Stopped, Timing, VmError};
use damonlab_protocol::units::Nanos;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::str::FromStr;

/// How long before an event the guest stops, so that the function that emits it has not started yet. (`damos_quota_score`
/// walks the eligible pages for 6 ms in `pull-push`.)
const MARGIN: Nanos = Nanos(100_000_000);

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
}

/// A text that is not a [`StopPoint`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{}' is neither a guest time in seconds (12.345678) nor an event and its number (damos_esz:3)", foreign(.0))]
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
            | DebugError::TooLate { .. } => Fault::BadInput,
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

/// The time at which a guest stops, and what it stops for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    /// From the ready point to the stop.
    after: Nanos,
    what: String,
    event: Option<String>,
    /// How many events of the name come between the stop and the wanted one.
    before: usize,
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
    let recording = Recording::load(&inputs.dir)?;
    let target = target(&recording, at)?;
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
    let function = target.event.as_deref().and_then(|event| function(event, &symbols));
    let vmlinux = env.image.vmlinux.as_ref().map(|path| quoted(&path.to_string_lossy()));
    Ok(Session { stopped, target, vmlinux, function })
}

/// When to stop for a stop point.
fn target(recording: &Recording, at: &StopPoint) -> Result<Target, DebugError> {
    let dir = shown(&recording.dir).to_string();
    let why = "it does not have the time of the ready point; record it again";
    let begin = recording.report.ready_point.ok_or(DebugError::DoesNotRepeat { recording: dir, why })?;
    let too_early = |wanted| DebugError::TooEarly { wanted, begin };
    match at {
        StopPoint::Time(time) => {
            let after = time.0.checked_sub(begin.0).map(Nanos).ok_or_else(|| too_early(*time))?;
            if let Some(end) = recording.trace.lines.last().map(|line| line.time).filter(|end| time > end) {
                return Err(DebugError::TooLate { wanted: *time, end });
            }
            Ok(Target { after, what: format!("guest time {} s", time.seconds()), event: None, before: 0 })
        }
        StopPoint::Event { name, number } => {
            let all: Vec<&Line> = recording.trace.lines.iter().filter(|line| line.name() == name).collect();
            let line = all.get(number.get() - 1).ok_or_else(|| DebugError::NoEvent {
                name: name.clone(),
                found: all.len(),
                number: number.get(),
            })?;
            let stop = line.time.0.saturating_sub(MARGIN.0);
            let after = stop.checked_sub(begin.0).map(Nanos).ok_or_else(|| too_early(line.time))?;
            let before = all[..number.get() - 1].iter().filter(|line| line.time.0 >= stop).count();
            let what = format!(
                "{name} number {number}, trace.txt line {} at {} s",
                line.number,
                line.time.seconds()
            );
            Ok(Target { after, what, event: Some(name.clone()), before })
        }
    }
}

/// The function at which to break for an event, if the kernel has one.
fn function(event: &str, symbols: &str) -> Option<String> {
    // If the compiler has inlined the function, the breakpoint is at the function that records the event.
    let functions = subject::functions_before_events();
    let known = functions.filter(|(name, _)| *name == event).map(|(_, function)| function.to_owned());
    let is_in_kernel = |name: &String| symbols.lines().any(|line| line.split(' ').nth(2) == Some(name));
    // With a single tracer, a tracepoint calls this function and not its `__traceiter_`.
    known.chain([format!("trace_event_raw_event_{event}")]).find(is_in_kernel)
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
        writeln!(f, "  end       `kill` in gdb, or Ctrl-C here")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::testing;

    fn recording() -> Recording {
        let mut recording = Recording::load(&testing::stored("pull-push-short")).unwrap();
        recording.report.ready_point = Some(Nanos(1_000_000));
        recording
    }

    fn event(number: usize) -> StopPoint {
        format!("damos_node_eligible_mem_bp:{number}").parse().unwrap()
    }

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

    #[test]
    fn the_guest_stops_a_tenth_of_a_second_before_an_event() {
        let recording = recording();
        let lines = recording.trace.lines.iter();
        let third = lines.filter(|line| line.name() == "damos_node_eligible_mem_bp").nth(2).unwrap().time;
        let target = target(&recording, &event(3)).unwrap();
        assert_eq!(target.after.0 + 1_000_000 + MARGIN.0, third.0);
    }

    #[test]
    fn an_event_number_that_does_not_exist_is_refused_with_the_number_of_events() {
        let error = target(&recording(), &event(100_000)).unwrap_err().to_string();
        assert!(
            error.starts_with("the trace has ") && error.ends_with("so there is no number 100000"),
            "{error}"
        );
    }

    #[test]
    fn a_time_before_the_scenario_is_refused() {
        let error = target(&recording(), &StopPoint::Time(Nanos(999_999))).unwrap_err();
        assert!(matches!(error, DebugError::TooEarly { .. }), "{error}");
    }

    #[test]
    fn a_time_after_the_recording_is_refused_however_large_it_is() {
        for text in ["1000", "99999999999999999999999"] {
            let error = target(&recording(), &text.parse().unwrap()).unwrap_err();
            assert!(matches!(error, DebugError::TooLate { .. }), "{error}");
            assert_eq!(error.fault(), Fault::BadInput);
        }
    }

    #[test]
    fn the_breakpoint_is_at_a_function_of_this_kernel() {
        let map = "ffff0 t damos_quota_score\nffff1 t trace_event_raw_event_damos_esz\n";
        assert_eq!(function("damos_node_eligible_mem_bp", map).as_deref(), Some("damos_quota_score"));
        assert_eq!(function("damos_esz", map).as_deref(), Some("trace_event_raw_event_damos_esz"));
        assert_eq!(function("damos_before_apply", map), None);
    }
}
