//! What is said about a run that was made more than once.

use crate::judge::Repeated;
use crate::run::replay::{Replay, ReplayResult};
use std::fmt::Write;
use std::path::Path;

/// The lines of a report on `run --repeat`.
pub(super) fn lines(repeated: &Repeated, out: &mut String) -> std::fmt::Result {
    match repeated {
        Repeated::Same { runs, extent } => {
            writeln!(out, "  repeated  {runs} times: 0 bytes differ ({extent})")
        }
        Repeated::Ended { run, of, parted } => {
            writeln!(out, "  repeated  run {run} of {of} ended it")?;
            parted.as_ref().map_or(Ok(()), |parted| writeln!(out, "  parted    {parted}"))
        }
    }
}

/// Everything that a person wants to see of a replay; `unlike` is what had changed since the recording.
pub fn replay(replay: &Replay, stored: &Path, unlike: &[String]) -> String {
    let mut out = match &replay.result {
        ReplayResult::Identical(extent) => format!("identical: {extent}\n"),
        ReplayResult::Different(difference) => format!("different: {difference}\n"),
        ReplayResult::NoRecording => "nothing to compare: the replay left no recording\n".to_owned(),
    };
    if !matches!(replay.result, ReplayResult::Identical(_)) {
        out.extend(unlike.iter().map(|what| format!("  likely    {what}\n")));
    }
    // Writing to a String does not fail.
    let _ = writeln!(out, "  verdict   {} (of the replay)", replay.report.verdict);
    let _ = writeln!(out, "  recording {}", stored.display());
    let _ = writeln!(out, "  replay    {}", replay.report.dir.display());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::compare::Extent;
    use std::num::NonZeroU32;

    fn said(repeated: &Repeated) -> String {
        let mut out = String::new();
        lines(repeated, &mut out).unwrap();
        out
    }

    #[test]
    fn equal_runs_say_how_much_was_compared() {
        let extent = Extent { bytes: 1234, trace_lines: 56, samples: 7 };
        let runs = NonZeroU32::new(20).unwrap();
        assert_eq!(
            said(&Repeated::Same { runs, extent }),
            "  repeated  20 times: 0 bytes differ (56 trace lines, 7 samples, 1234 bytes in 7 files)\n"
        );
    }

    #[test]
    fn a_run_that_ended_it_is_named() {
        let of = NonZeroU32::new(20).unwrap();
        assert_eq!(said(&Repeated::Ended { run: 3, of, parted: None }), "  repeated  run 3 of 20 ended it\n");
    }
}
