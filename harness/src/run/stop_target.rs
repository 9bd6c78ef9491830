//! When a guest is stopped for a stop point, and where its debugger breaks. Pure but for the recording.

use super::debug_error::DebugError;
use super::last_moment::LastMoment;
use super::stop_point::StopPoint;
use crate::host::text::shown;
use crate::recording::{Line, Recording, RunInputs};
use crate::subject;
use damonlab_protocol::units::Nanos;

/// How long before an event the guest stops, so that the function that emits it has not started yet. (`damos_quota_score`
/// walks the eligible pages for 6 ms in `pull-push`.)
const MARGIN: Nanos = Nanos(100_000_000);

/// The time at which a guest stops, and what it stops for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// From the ready point to the stop.
    pub(super) after: Nanos,
    /// For people.
    pub(super) what: String,
    pub(super) break_at: Option<BreakAt>,
    /// How many events of the name come between the stop and the wanted one.
    pub(super) before: usize,
    /// Whether the guest hangs at the stop, or after it.
    pub(super) hangs: bool,
}

/// Where a debugger sets its breakpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BreakAt {
    /// Where an event comes from.
    Event(String),
    /// `panic()`.
    Panic,
}

/// When to stop for a stop point.
pub(super) fn of_recording(recording: &Recording, at: &StopPoint) -> Result<Target, DebugError> {
    let dir = shown(&recording.dir).to_string();
    let why = "it does not have the time of the ready point; record it again";
    let begin = recording.report.ready_point.ok_or(DebugError::DoesNotRepeat { recording: dir, why })?;
    match at {
        StopPoint::Time(time) => {
            let target = Target::at(*time, begin)?;
            if let Some(end) = recording.trace.lines.last().map(|line| line.time).filter(|end| time > end) {
                return Err(DebugError::TooLate { wanted: *time, end });
            }
            Ok(target)
        }
        StopPoint::End => {
            let none = || DebugError::NoEnd {
                recording: shown(&recording.dir).to_string(),
                how: "no event".to_owned(),
            };
            let line = recording.trace.lines.last().ok_or_else(none)?;
            let after = before(line.time, begin)?;
            let (name, number, time) = (line.name(), line.number, line.time.seconds());
            let what = format!("{name}, the last event, trace.txt line {number} at {time} s");
            let break_at = Some(BreakAt::Event(name.to_owned()));
            Ok(Target { after, what, break_at, before: 0, hangs: false })
        }
        StopPoint::Event { name, number } => {
            let all: Vec<&Line> = recording.trace.lines.iter().filter(|line| line.name() == name).collect();
            let line = all.get(number.get() - 1).ok_or_else(|| DebugError::NoEvent {
                name: name.clone(),
                found: all.len(),
                number: number.get(),
            })?;
            let stop = line.time.0.saturating_sub(MARGIN.0);
            let after = before(line.time, begin)?;
            let before = all[..number.get() - 1].iter().filter(|line| line.time.0 >= stop).count();
            let what = format!(
                "{name} number {number}, trace.txt line {} at {} s",
                line.number,
                line.time.seconds()
            );
            Ok(Target { after, what, break_at: Some(BreakAt::Event(name.clone())), before, hangs: false })
        }
    }
}

impl Target {
    /// At a guest time, in a scenario that begins at `begin`.
    fn at(time: Nanos, begin: Nanos) -> Result<Target, DebugError> {
        let after = since(time, time, begin)?;
        let what = format!("guest time {} s", time.seconds());
        Ok(Target { after, what, break_at: None, before: 0, hangs: false })
    }
}

/// A little before a moment, from the ready point.
fn before(time: Nanos, begin: Nanos) -> Result<Nanos, DebugError> {
    since(Nanos(time.0.saturating_sub(MARGIN.0)), time, begin)
}

/// A moment, from the ready point, where `wanted` is what the user named.
fn since(time: Nanos, wanted: Nanos, begin: Nanos) -> Result<Nanos, DebugError> {
    time.0.checked_sub(begin.0).map(Nanos).ok_or(DebugError::TooEarly { wanted, begin })
}

/// When to stop for a stop point of a run that ended in this way and left no results.
pub(super) fn without_results(
    inputs: &RunInputs,
    how: &str,
    at: &StopPoint,
    ready_point: impl FnOnce() -> Result<Nanos, DebugError>,
) -> Result<Target, DebugError> {
    let (recording, how) = (shown(&inputs.dir).to_string(), how.to_owned());
    match at {
        StopPoint::Event { .. } => Err(DebugError::NoTrace { recording, how }),
        StopPoint::Time(time) => Target::at(*time, ready_point()?),
        StopPoint::End => {
            let none = DebugError::NoEnd { recording, how };
            let LastMoment { time, what, is_reported } = LastMoment::of(&inputs.dir).ok_or(none)?;
            let after = before(time, ready_point()?)?;
            let what = format!("{what} at {} s", time.seconds());
            let break_at = is_reported.then_some(BreakAt::Panic);
            Ok(Target { after, what, break_at, before: 0, hangs: !is_reported })
        }
    }
}

impl BreakAt {
    /// The function to break at, if the kernel has it.
    pub(super) fn function(&self, symbols: &str) -> Option<String> {
        match self {
            BreakAt::Event(event) => function(event, symbols),
            BreakAt::Panic => is_in(symbols, "panic").then(|| "panic".to_owned()),
        }
    }
}

fn is_in(symbols: &str, name: &str) -> bool {
    symbols.lines().any(|line| line.split(' ').nth(2) == Some(name))
}

/// The function at which to break for an event, if the kernel has one.
fn function(event: &str, symbols: &str) -> Option<String> {
    // If the compiler has inlined the function, the breakpoint is at the function that records the event.
    let functions = subject::functions_before_events();
    let known = functions.filter(|(name, _)| *name == event).map(|(_, function)| function.to_owned());
    // With a single tracer, a tracepoint calls this function and not its `__traceiter_`.
    known.chain([format!("trace_event_raw_event_{event}")]).find(|name| is_in(symbols, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fault::{Fault, Faulty};
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
    fn the_guest_stops_a_tenth_of_a_second_before_an_event() {
        let recording = recording();
        let lines = recording.trace.lines.iter();
        let third = lines.filter(|line| line.name() == "damos_node_eligible_mem_bp").nth(2).unwrap().time;
        let target = of_recording(&recording, &event(3)).unwrap();
        assert_eq!(target.after.0 + 1_000_000 + MARGIN.0, third.0);
    }

    #[test]
    fn an_event_number_that_does_not_exist_is_refused_with_the_number_of_events() {
        let error = of_recording(&recording(), &event(100_000)).unwrap_err().to_string();
        assert!(
            error.starts_with("the trace has ") && error.ends_with("so there is no number 100000"),
            "{error}"
        );
    }

    #[test]
    fn a_time_before_the_scenario_is_refused() {
        let error = of_recording(&recording(), &StopPoint::Time(Nanos(999_999))).unwrap_err();
        assert!(matches!(error, DebugError::TooEarly { .. }), "{error}");
    }

    #[test]
    fn a_time_after_the_recording_is_refused_however_large_it_is() {
        for text in ["1000", "99999999999999999999999"] {
            let error = of_recording(&recording(), &text.parse().unwrap()).unwrap_err();
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

    /// A run that ended in this way, with this on its console, and where it stops.
    fn ended(console: &str, at: &str) -> Result<Target, DebugError> {
        let folder = tempfile::tempdir().unwrap();
        let mut inputs = RunInputs::load(&testing::stored("pull-push-short")).unwrap();
        inputs.dir = folder.path().to_owned();
        std::fs::write(folder.path().join("console.txt"), console).unwrap();
        without_results(&inputs, "panic", &at.parse().unwrap(), || Ok(Nanos(1_000_000_000)))
    }

    #[test]
    fn a_run_that_panicked_stops_before_its_first_report_with_a_breakpoint_at_panic() {
        let console = "[    9.800000] BUG: kernel NULL pointer dereference, address: 0000000000000008\r\n\
                       [    9.900000] Kernel panic - not syncing: Fatal exception\r\n";
        let Target { after, break_at, hangs, .. } = ended(console, "end").unwrap();
        assert_eq!((after, hangs), (Nanos(8_700_000_000), false));
        assert_eq!(break_at.unwrap().function("ff T panic\n").as_deref(), Some("panic"));
    }

    #[test]
    fn a_run_that_hung_stops_before_its_last_line_and_at_any_time() {
        let console = "[    5.500000] random: crng init done\r\n";
        let target = ended(console, "end").unwrap();
        assert_eq!((target.after, target.hangs, target.break_at), (Nanos(4_400_000_000), true, None));
        assert_eq!(ended(console, "7").unwrap().after, Nanos(6_000_000_000));
        assert!(matches!(ended(console, "0.5"), Err(DebugError::TooEarly { .. })));
    }

    #[test]
    fn a_run_without_a_trace_has_no_events_and_one_without_a_console_no_end() {
        let error = ended("", "damos_esz:3").unwrap_err().to_string();
        assert!(error.ends_with("without results (panic): give a guest time, or the word end"), "{error}");
        assert!(matches!(ended("", "end"), Err(DebugError::NoEnd { .. })));
    }

    #[test]
    fn the_end_of_a_recording_is_its_last_event() {
        let recording = recording();
        let last = recording.trace.lines.last().unwrap();
        let target = of_recording(&recording, &StopPoint::End).unwrap();
        assert_eq!(target.after.0 + 1_000_000 + MARGIN.0, last.time.0);
        assert!(target.what.contains("the last event, trace.txt line"), "{}", target.what);
    }
}
