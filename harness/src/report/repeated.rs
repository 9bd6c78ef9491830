//! Runs that were made more than once: `run --repeat`, and `replay`.
//!
//! For programs a replay has `recording`, `replay` (the folders), `verdict` of the new run, `compared` (how much, of
//! equal recordings), `difference` and `changed`, what is not as it was when the recording was made.

use super::event::{Depth, Item, ItemResult, Status};
use super::place::shown;
use super::verdict::status;
use crate::host::text::foreign;
use crate::judge::Repeated;
use crate::run::replay::{Replay, ReplayResult};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// The first part of a run's line.
pub(super) fn headline(repeated: &Repeated) -> Option<String> {
    match repeated {
        Repeated::Same { runs, .. } => Some(format!("{runs} identical runs")),
        Repeated::Ended { .. } => None,
    }
}

/// The lines of a run that was repeated.
pub(super) fn add(item: &mut Item, repeated: &Repeated) {
    match repeated {
        Repeated::Same { runs, extent } => {
            item.add(Depth::Story, "repeated", format!("{runs} times: 0 bytes differ ({extent})"));
        }
        Repeated::Ended { run, of, parted } => {
            item.add(Depth::Story, "repeated", format!("stopped after run {run} of {of}"));
            item.add_some(Depth::Story, "difference", parted.as_ref().map(ToString::to_string));
        }
    }
}

/// A replay as an item; `changed` is what is not as it was when the recording was made.
pub fn replay(replay: &Replay, stored: &Path, changed: &[String]) -> Item {
    let Replay { report, result } = replay;
    let (word, counted, kind) = match result {
        ReplayResult::Identical(_) => ("SAME", "identical", ItemResult::Passed),
        ReplayResult::Different(_) => ("DIFF", "different", ItemResult::Failed),
        ReplayResult::SameEnd(_) => ("SAME", "identical", ItemResult::Passed),
        ReplayResult::OtherEnd { .. } => ("DIFF", "different", ItemResult::Failed),
        ReplayResult::NoRecording => match status(&report.verdict).outcome {
            ItemResult::Failed => ("FAIL", "without a recording", ItemResult::Failed),
            _ => ("INFRA", "without a recording", ItemResult::NoResult),
        },
    };
    let (compared, difference) = match result {
        ReplayResult::Identical(extent) => (Some(extent.to_string()), None),
        ReplayResult::Different(difference) => (None, Some(difference.to_string())),
        ReplayResult::SameEnd(how) => {
            (Some(format!("both runs ended without results ({})", foreign(how))), None)
        }
        ReplayResult::OtherEnd { then, now } => {
            let now = now
                .as_ref()
                .map_or("delivered results".to_owned(), |now| format!("ended with {}", foreign(now)));
            let then = foreign(then);
            (None, Some(format!("the recorded run ended without results ({then}), and the replay {now}")))
        }
        ReplayResult::NoRecording => (None, None),
    };
    let headline = compared.clone().or_else(|| difference.clone());
    let headline =
        headline.unwrap_or_else(|| "there is nothing to compare: the replay left no recording".to_owned());
    let mut item = Item::new(&*report.scenario, Status { word, counted, outcome: kind }, headline);
    item.seconds = report.wall_time.as_ref().map(Duration::as_secs_f64);
    for what in changed {
        item.add(Depth::Story, "likely cause", &**what);
    }
    item.add(Depth::Story, "verdict", format!("{} (of the replay)", report.verdict));
    item.add(Depth::Alone, "recording", shown(stored));
    item.add(Depth::Alone, "replay", shown(&report.dir));
    item.data = json!({
        "recording": stored.to_string_lossy(),
        "replay": report.dir.to_string_lossy(),
        "verdict": report.verdict.word(),
        "compared": compared,
        "difference": difference,
        "changed": changed,
    });
    item
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::rejudge;
    use crate::recording::compare::Extent;
    use std::num::NonZeroU32;

    fn lines(repeated: &Repeated) -> Vec<(&'static str, String)> {
        let status = Status { word: "PASS", counted: "passed", outcome: ItemResult::Passed };
        let mut item = Item::new("idle", status, "");
        add(&mut item, repeated);
        item.details.into_iter().map(|detail| (detail.label, detail.text)).collect()
    }

    const EXTENT: Extent = Extent { bytes: 1234, trace_lines: 56, samples: 7, files: 7 };

    #[test]
    fn equal_runs_say_how_many_there_were_and_how_much_was_compared() {
        let runs = NonZeroU32::new(20).unwrap();
        let repeated = Repeated::Same { runs, extent: EXTENT };
        assert_eq!(headline(&repeated).as_deref(), Some("20 identical runs"));
        let wanted = "20 times: 0 bytes differ (56 trace lines, 7 samples, 1234 bytes in 7 files)";
        assert_eq!(lines(&repeated), [("repeated", wanted.to_owned())]);
    }

    #[test]
    fn a_run_that_ended_it_is_named() {
        let of = NonZeroU32::new(20).unwrap();
        let repeated = Repeated::Ended { run: 3, of, parted: None };
        assert_eq!(lines(&repeated), [("repeated", "stopped after run 3 of 20".to_owned())]);
        assert_eq!(headline(&repeated), None);
    }

    fn replayed(result: ReplayResult) -> Item {
        let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/cxl");
        let report = rejudge(&stored).unwrap();
        replay(&Replay { report, result }, Path::new("results/cxl/0001"), &["another QEMU".to_owned()])
    }

    #[test]
    fn an_identical_replay_says_how_much_was_compared_and_names_both_folders() {
        let item = replayed(ReplayResult::Identical(EXTENT));
        assert_eq!((item.status.word, item.data["difference"].is_null()), ("SAME", true));
        assert_eq!(item.headline, ["56 trace lines, 7 samples, 1234 bytes in 7 files"]);
        let shown = item.details.iter().filter(|detail| detail.depth == Depth::Alone);
        assert_eq!(shown.map(|detail| detail.label).collect::<Vec<_>>(), ["recording", "replay"]);
    }

    #[test]
    fn a_run_that_hung_is_compared_by_its_end() {
        let item = replayed(ReplayResult::SameEnd("clock".to_owned()));
        assert_eq!(
            (item.status.word, &*item.headline[0]),
            ("SAME", "both runs ended without results (clock)")
        );
        let item = replayed(ReplayResult::OtherEnd { then: "clock".to_owned(), now: None });
        let wanted = "the recorded run ended without results (clock), and the replay delivered results";
        assert_eq!((item.status.word, &*item.headline[0]), ("DIFF", wanted));
    }

    #[test]
    fn a_replay_without_a_recording_says_what_may_be_the_cause() {
        let item = replayed(ReplayResult::NoRecording);
        assert_eq!(item.status.outcome, ItemResult::NoResult);
        assert!(item.details.iter().any(|one| (one.label, &*one.text) == ("likely cause", "another QEMU")));
    }
}
