//! A recording's guest once more, stopped where the user wants to look, with a debugger's way in.

use super::RunEnv;
use crate::host::paths::quoted;
use crate::machine::{Machine, MachineError};
use crate::recording::Line;
use crate::recording::{Recording, RecordingError, RunInputs};
use crate::subject::damon::events::{Esz, IntervalsTune, TRACED_METRICS};
use crate::vm::{self, Launch, Stopped, Timing, VmError};
use damonlab_protocol::units::Nanos;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::str::FromStr;

/// So long before an event the guest is stopped: the function that leads to it has not begun then. (To walk
/// the eligible pages takes `damos_quota_score` 6 ms in `pull-push`.)
const MARGIN: Nanos = Nanos(100_000_000);

/// The functions that lead to events (7.3), to break at their beginning. For others, and where a compiler
/// has not kept the function, the one that records the event will do.
const FUNCTIONS: &[(&str, &str)] =
    &[(Esz::NAME, "damos_set_effective_quota"), (IntervalsTune::NAME, "kdamond_tune_intervals")];

/// The function that leads to the event of a goal, whichever its metric.
const MEASURE: &str = "damos_quota_score";

/// Where to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// At a moment of guest time, as the trace has it.
    Time(Nanos),
    /// Right before an event: which of its name, from 1.
    Event {
        /// The event's name.
        name: String,
        /// Its number.
        number: NonZeroUsize,
    },
}

/// A word that names no place to stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is neither a guest time in seconds (12.345678) nor an event and its number (damos_esz:3)")]
pub struct ParseStopPointError(String);

impl FromStr for At {
    type Err = ParseStopPointError;

    fn from_str(word: &str) -> Result<At, ParseStopPointError> {
        let no = || ParseStopPointError(word.to_owned());
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            let seconds: f64 = word.trim_end_matches('s').parse().map_err(|_| no())?;
            return Ok(At::Time(Nanos((seconds * 1e9).round() as u64)));
        }
        let (name, number) = word.split_once(':').unwrap_or((word, "1"));
        let sound = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(sound) {
            return Err(no());
        }
        Ok(At::Event { name: name.to_owned(), number: number.parse().map_err(|_| no())? })
    }
}

/// Why no guest could be stopped there.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DebugError {
    /// Only what repeats can be looked at again.
    #[error("{what} does not come by again: {why}")]
    NotAgain {
        /// The recording.
        what: String,
        /// Why not.
        why: &'static str,
    },
    /// The recording has no such event.
    #[error("the trace has {found} of {name}, and no number {number}")]
    NoEvent {
        /// The event's name.
        name: String,
        /// How many there are.
        found: usize,
        /// The number that was asked for.
        number: usize,
    },
    /// The moment lies before the guest's ready point.
    #[error("guest time {} s is before the scenario, which begins at {} s", .wanted.seconds(), .begin.seconds())]
    TooEarly {
        /// What was asked for.
        wanted: Nanos,
        /// The ready point.
        begin: Nanos,
    },
    /// The recording cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Recording(#[from] RecordingError),
    /// The machine cannot be put into words.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// QEMU.
    #[error(transparent)]
    Vm(#[from] VmError),
}

/// A stopped guest, and what to type to look into it.
pub struct Session {
    /// The guest. Dropping it ends it.
    pub stopped: Stopped,
    place: Target,
    vmlinux: Option<String>,
    function: Option<String>,
}

/// What the guest was stopped for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    /// From the ready point to the stop.
    after: Nanos,
    what: String,
    event: Option<String>,
    /// How many events of the name come between the stop and the one that is wanted.
    before: usize,
}

/// Runs the guest of a recording up to a place.
///
/// # Errors
/// The recording does not repeat or has no such place; QEMU failed; the user asked to stop.
pub fn debug(lab: &RunEnv, recipe: &RunInputs, at: &At, logs: &Path) -> Result<Session, DebugError> {
    let (false, true, Some(store)) = (recipe.meta.booted, recipe.meta.clock.is_virtual(), &lab.checkpoints)
    else {
        let why = "its guest was booted, or ran on the real clock, and no checkpoint leads there";
        return Err(DebugError::NotAgain { what: recipe.dir.display().to_string(), why });
    };
    let recording = Recording::load(&recipe.dir)?;
    let place = target(&recording, at)?;
    let machine = Machine::new(&recipe.scenario.machine)?;
    let launch = Launch {
        tools: &lab.tools,
        bzimage: &lab.image.bzimage,
        agent: lab.agent,
        machine: &machine.argv,
        timing: Timing::Virtual(lab.instruction_cost()),
        plan: &recipe.plan,
        clocks: &recipe.scenario.clocks,
        results: logs,
        checkpoints: Some(store),
        describe: &lab.image.describe,
    };
    let stopped = vm::stop_after(&launch, store, place.after)?;
    let map = lab.image.bzimage.with_file_name("System.map");
    let symbols = std::fs::read_to_string(map).unwrap_or_default();
    let function = place.event.as_deref().and_then(|event| function(event, &symbols));
    let vmlinux = lab.image.vmlinux.as_ref().map(|path| quoted(&path.to_string_lossy()));
    Ok(Session { stopped, place, vmlinux, function })
}

/// When to stop for it.
fn target(recording: &Recording, at: &At) -> Result<Target, DebugError> {
    let what = recording.dir.display().to_string();
    let why = "it does not say when its guest was at its ready point; record it anew";
    let begin = recording.report.ready_point.ok_or(DebugError::NotAgain { what, why })?;
    let too_early = |wanted| DebugError::TooEarly { wanted, begin };
    match at {
        At::Time(time) => {
            let after = time.0.checked_sub(begin.0).map(Nanos).ok_or_else(|| too_early(*time))?;
            Ok(Target { after, what: format!("guest time {} s", time.seconds()), event: None, before: 0 })
        }
        At::Event { name, number } => {
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

/// Where to break for an event, of what the kernel has.
fn function(event: &str, symbols: &str) -> Option<String> {
    let goals = TRACED_METRICS.iter().map(|(_, event)| (*event, MEASURE));
    let all = goals.chain(FUNCTIONS.iter().copied());
    let leads = all.filter(|(name, _)| *name == event).map(|(_, function)| function.to_owned());
    let has = |name: &String| symbols.lines().any(|line| line.split(' ').nth(2) == Some(name));
    // With one tracer, a tracepoint calls this one, and not its `__traceiter_`.
    leads.chain([format!("trace_event_raw_event_{event}")]).find(has)
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "STOPPED  before {}", self.place.what)?;
        match &self.vmlinux {
            Some(vmlinux) => writeln!(f, "  symbols   {vmlinux}")?,
            None => writeln!(f, "  symbols   none: the kernel's build folder holds another kernel by now")?,
        }
        let mut command = "  attach    gdb".to_owned();
        command.extend(self.vmlinux.iter().map(|vmlinux| format!(" {vmlinux}")));
        command.push_str(&format!(" -ex 'target remote {}'", self.stopped.socket().display()));
        if let Some(function) = self.function.as_ref().filter(|_| self.vmlinux.is_some()) {
            command.push_str(&format!(" -ex 'break {function}' -ex continue"));
        }
        writeln!(f, "{command}")?;
        if self.place.before > 0 {
            let before = self.place.before;
            writeln!(
                f,
                "  before it {before} of its name: `continue` past them (each stop costs some guest time)"
            )?;
        }
        writeln!(f, "  end       `kill` in gdb, or Ctrl-C here")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording() -> Recording {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pull-push-short");
        let mut recording = Recording::load(&dir).unwrap();
        recording.report.ready_point = Some(Nanos(1_000_000));
        recording
    }

    fn event(number: usize) -> At {
        format!("damos_node_eligible_mem_bp:{number}").parse().unwrap()
    }

    #[test]
    fn places_are_times_or_numbered_events() {
        assert_eq!("12.345678".parse(), Ok(At::Time(Nanos(12_345_678_000))));
        assert_eq!("3s".parse(), Ok(At::Time(Nanos(3_000_000_000))));
        let first = At::Event { name: "damos_esz".into(), number: NonZeroUsize::MIN };
        assert_eq!("damos_esz".parse(), Ok(first));
        for word in ["", "damos_esz:0", "a b", "12x"] {
            assert!(word.parse::<At>().is_err(), "{word}");
        }
    }

    #[test]
    fn an_event_is_stopped_for_a_tenth_of_a_second_before_it() {
        let recording = recording();
        let lines = recording.trace.lines.iter();
        let third = lines.filter(|line| line.name() == "damos_node_eligible_mem_bp").nth(2).unwrap().time;
        let target = target(&recording, &event(3)).unwrap();
        assert_eq!(target.after.0 + 1_000_000 + MARGIN.0, third.0);
    }

    #[test]
    fn an_event_that_is_not_there_is_refused_with_how_many_there_are() {
        let error = target(&recording(), &event(100_000)).unwrap_err().to_string();
        assert!(error.starts_with("the trace has ") && error.ends_with("and no number 100000"), "{error}");
    }

    #[test]
    fn a_moment_before_the_scenario_is_refused() {
        let error = target(&recording(), &At::Time(Nanos(999_999))).unwrap_err();
        assert!(matches!(error, DebugError::TooEarly { .. }), "{error}");
    }

    #[test]
    fn the_function_is_one_that_the_kernel_has() {
        let map = "ffff0 t damos_quota_score\nffff1 t trace_event_raw_event_damos_esz\n";
        assert_eq!(function("damos_node_eligible_mem_bp", map).as_deref(), Some("damos_quota_score"));
        assert_eq!(function("damos_esz", map).as_deref(), Some("trace_event_raw_event_damos_esz"));
        assert_eq!(function("damos_before_apply", map), None);
    }
}
