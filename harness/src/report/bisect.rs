//! A bisection: an item for each step, and the patch that broke the scenario.
//!
//! For programs an item has the whole step that is kept, and the summary has `result` (`first_bad`, `one_of`,
//! `nothing_bad`, `nothing_good`, `unjudged` or `no_result`), `first_bad`, `candidates`, `title`, `finding`, `patches`,
//! `builds` and `reproduce`, the commands for the runs on either side of the turn.

use super::event::{Depth, Item, ItemResult, Status, data};
use super::place::shown;
use super::rules;
use crate::bisect::{BisectLog, Ending, Failure, SearchResult, Step, StepVerdict};
use crate::host::text::{block, quote};
use serde_json::{Value, json};

/// One step: how many patches, the last of them, and what came of it.
pub fn step(step: &Step, patches: usize) -> Item {
    let title = step.patch.as_deref().unwrap_or("the base alone");
    let mut item =
        Item::new(format!("{}/{patches}  {title}", step.applied), status(&step.verdict), headline(step));
    item.data = data(step);
    if !step.kept {
        item.seconds = Some(step.build_seconds.unwrap_or_default() + step.run_seconds);
    }
    match &step.verdict {
        StepVerdict::Good => {}
        StepVerdict::Bad(failure) | StepVerdict::Otherwise(failure) => add_failure(&mut item, failure),
        StepVerdict::DoesNotBuild { why }
        | StepVerdict::DoesNotBoot { why }
        | StepVerdict::CannotJudge { why }
        | StepVerdict::NoAnswer { why } => item.add(Depth::Line, "reason", &**why),
    }
    item.add(Depth::Everything, "took", time(step));
    item.add_some(Depth::Everything, "recording", step.recording.as_deref().map(shown));
    item
}

fn status(outcome: &StepVerdict) -> Status {
    let (word, counted, outcome) = match outcome {
        StepVerdict::Good => ("GOOD", "good", ItemResult::Passed),
        StepVerdict::Bad(_) => ("BAD", "bad", ItemResult::Failed),
        StepVerdict::Otherwise(_) => ("SKIP", "skipped", ItemResult::Skipped),
        StepVerdict::DoesNotBuild { .. } => ("NO BUILD", "not built", ItemResult::Skipped),
        StepVerdict::DoesNotBoot { .. } => ("NO BOOT", "not booted", ItemResult::Skipped),
        StepVerdict::CannotJudge { .. } => ("SKIP", "skipped", ItemResult::Skipped),
        StepVerdict::NoAnswer { .. } => ("NO RESULT", "without a result", ItemResult::NoResult),
    };
    Status { word, counted, outcome }
}

fn headline(step: &Step) -> String {
    match &step.verdict {
        StepVerdict::Otherwise(_) => "it fails, but not by the rule that is searched for".to_owned(),
        _ => time(step),
    }
}

fn time(step: &Step) -> String {
    let ran = format!("ran for {:.0} s", step.run_seconds);
    match (step.kept, step.build_seconds) {
        (true, _) => "kept from an earlier call".to_owned(),
        (false, Some(seconds)) => format!("built in {seconds:.0} s, {ran}"),
        (false, None) => format!("kernel in the cache, {ran}"),
    }
}

fn add_failure(item: &mut Item, failure: &Failure) {
    for (label, text) in failure_lines(failure) {
        item.add(Depth::Line, label, text);
    }
}

fn failure_lines(failure: &Failure) -> [(&'static str, String); 2] {
    let seed = failure.seed.map_or_else(|| "all seeds together".to_owned(), |seed| format!("seed {seed}"));
    let names: Vec<String> = failure.ids.iter().map(|id| rules::name(id)).collect();
    [("violated", format!("{} ({seed})", names.join(", "))), ("seen", block(&failure.sentence))]
}

/// How it ended: the patch, the finding, and the commands that show it again.
pub fn bisection(log: &BisectLog, bad_end: usize, patches: usize, commands: &[String]) -> Vec<String> {
    let mut lines = ending(log, bad_end, patches);
    let mut add = |label: &str, text: &str| lines.push(format!("  {label:<14}  {text}"));
    if let Some((good, bad)) = log.boundary() {
        let failure = |place| log.step(place).and_then(Step::failure);
        if let Some(failure) = failure(bad) {
            failure_lines(failure).iter().for_each(|(label, text)| add(label, text));
            let differs = |end: &&Failure| !end.ids.iter().any(|id| failure.ids.contains(id));
            if let Some(end) = self::failure(log, bad_end).filter(differs) {
                let names: Vec<String> = end.ids.iter().map(|id| rules::name(id)).collect();
                let names = names.join(", ");
                add(
                    "note",
                    &format!(
                        "{bad_end} patches fail by {names}: --finding RULE searches for one of them alone"
                    ),
                );
            }
        }
        if log.step(good).is_some_and(|step| !matches!(step.verdict, StepVerdict::Good)) {
            add("note", &format!("{good} patches could not be judged, and were taken as good"));
        }
        for (label, command) in ["fails", "passes"].iter().zip(commands) {
            add(label, command);
        }
        for (label, place) in [("bad", bad), ("good", good)] {
            if let Some(recording) = log.step(place).and_then(|step| step.recording.as_ref()) {
                add(label, &shown(recording));
            }
        }
    }
    add("kernels built", &log.builds().to_string());
    lines
}

fn failure(log: &BisectLog, place: usize) -> Option<&Failure> {
    log.step(place).and_then(Step::failure)
}

/// What was found, or why nothing could be.
fn ending(log: &BisectLog, bad_end: usize, patches: usize) -> Vec<String> {
    let next = |what: &str| format!("  {:<14}  {what}", "next");
    match &log.ending {
        Ending::Result(SearchResult::First(first)) => {
            vec![format!("first bad: patch {first} of {patches}: {}", quote(title(log, *first)))]
        }
        Ending::Result(SearchResult::OneOf(places)) => {
            let (first, last) = (places.start(), places.end());
            let head = format!("first bad: one of the patches {first} to {last} of {patches}");
            let line = |place| format!("  {:<14}  {place}  {}", word(log, place), quote(title(log, place)));
            std::iter::once(head).chain(places.clone().map(line)).collect()
        }
        Ending::Result(SearchResult::NothingBad) if bad_end == patches => {
            vec!["the whole series passes: there is nothing to bisect".to_owned()]
        }
        Ending::Result(SearchResult::NothingBad) => vec![
            format!("{bad_end} of {patches} patches pass: there is nothing to bisect"),
            next("give --bad an N with which the scenario fails"),
        ],
        Ending::Result(SearchResult::NothingGood) => vec![
            "the good end fails too: no patch between the ends broke it".to_owned(),
            next(
                "give another --good or --kernel, or --finding RULE for a rule that the good end does not violate",
            ),
        ],
        Ending::Result(SearchResult::Unjudged) => vec![
            format!(
                "{bad_end} of {patches} patches cannot be judged (above): there is no bad end to bisect from"
            ),
            next("give --bad N with fewer patches, fix the series, or leave --finding out"),
        ],
        Ending::HostFailed(place) => vec![
            format!("the host or QEMU failed twice with {place} of {patches} patches"),
            next("fix that and give the same command again; the finished steps are kept"),
        ],
    }
}

fn title(log: &BisectLog, place: usize) -> &str {
    log.step(place).and_then(|step| step.patch.as_deref()).unwrap_or_default()
}

fn word(log: &BisectLog, place: usize) -> &'static str {
    log.step(place).map_or("", |step| status(&step.verdict).word)
}

/// The answer, for programs.
pub fn bisection_data(log: &BisectLog, patches: usize, commands: &[String]) -> Value {
    let (result, candidates) = match &log.ending {
        Ending::Result(SearchResult::First(first)) => ("first_bad", vec![*first]),
        Ending::Result(SearchResult::OneOf(places)) => ("one_of", places.clone().collect()),
        Ending::Result(SearchResult::NothingBad) => ("nothing_bad", Vec::new()),
        Ending::Result(SearchResult::NothingGood) => ("nothing_good", Vec::new()),
        Ending::Result(SearchResult::Unjudged) => ("unjudged", Vec::new()),
        Ending::HostFailed(_) => ("no_result", Vec::new()),
    };
    let first_bad = if let [first] = candidates.as_slice() { Some(*first) } else { None };
    let step = candidates.last().and_then(|place| log.step(*place));
    json!({
        "result": result,
        "first_bad": first_bad,
        "title": first_bad.and(step).and_then(|step| step.patch.as_deref()),
        "finding": step.and_then(Step::failure),
        "candidates": candidates,
        "patches": patches,
        "builds": log.builds(),
        "reproduce": commands,
    })
}

#[cfg(test)]
mod tests {
    use super::super::event::Event;
    use super::super::{Verbosity, human};
    use super::*;
    use crate::bisect::tests::{bad, step as taken};

    fn log(steps: Vec<Step>, end: SearchResult) -> BisectLog {
        BisectLog { steps, ending: Ending::Result(end) }
    }

    fn found() -> BisectLog {
        let kept = Step { kept: true, ..taken(0, StepVerdict::Good) };
        let steps =
            vec![taken(5, bad(&["Q2"])), kept, taken(3, StepVerdict::Good), taken(4, bad(&["Q2", "expect"]))];
        log(steps, SearchResult::First(4))
    }

    fn printed(step: &Step) -> String {
        human::text(&[Event::Finished(&super::step(step, 5))], Verbosity::Normal)
    }

    fn answer(log: &BisectLog, bad_end: usize, patches: usize) -> String {
        bisection(log, bad_end, patches, &[]).join("\n")
    }

    #[test]
    fn a_step_says_its_number_its_patch_its_verdict_and_its_times() {
        let names = format!("{}, {}", rules::name("Q2"), rules::name("expect"));
        let wanted = format!(
            "BAD   4/5  mm/damon: change 4    18.4 s  built in 12 s, ran for 6 s\n  \
             violated        {names} (seed 0)\n  seen            expected 2; saw 1\n"
        );
        assert_eq!(printed(&taken(4, bad(&["Q2", "expect"]))), wanted);
        let base = Step { build_seconds: None, ..taken(0, StepVerdict::Good) };
        let wanted = "GOOD  0/5  the base alone     6.0 s  kernel in the cache, ran for 6 s\n";
        assert_eq!(printed(&base), wanted);
        let kept = Step { kept: true, ..base };
        assert_eq!(printed(&kept), "GOOD  0/5  the base alone  kept from an earlier call\n");
    }

    #[test]
    fn a_step_that_cannot_be_judged_says_why() {
        let text = printed(&taken(1, StepVerdict::DoesNotBuild { why: "error: ';'\nmore".into() }));
        assert!(text.starts_with("NO BUILD  1/5  mm/damon: change 1 "), "{text}");
        assert!(text.contains("  reason          error: ';'\n                  more\n"), "{text}");
    }

    #[test]
    fn the_end_names_the_patch_the_finding_the_commands_and_the_recordings() {
        let commands = ["damonlab run x --patch 4".to_owned(), "damonlab run x --patch 3".to_owned()];
        let lines = bisection(&found(), 5, 5, &commands);
        let violated = format!("  violated        {}, {} (seed 0)", rules::name("Q2"), rules::name("expect"));
        let wanted = [
            "first bad: patch 4 of 5: mm/damon: change 4",
            &violated,
            "  seen            expected 2; saw 1",
            "  fails           damonlab run x --patch 4",
            "  passes          damonlab run x --patch 3",
            "  bad             out/004/pull-push/0001",
            "  good            out/003/pull-push/0001",
            "  kernels built   3",
        ];
        assert_eq!(lines, wanted);
    }

    #[test]
    fn a_patch_that_fails_by_other_rules_than_the_whole_series_comes_with_a_note() {
        let steps = vec![taken(2, bad(&["A1"])), taken(0, StepVerdict::Good), taken(1, bad(&["K1"]))];
        let text = answer(&log(steps, SearchResult::First(1)), 2, 2);
        let wanted = format!("  note            2 patches fail by {}: --finding RULE", rules::name("A1"));
        assert!(text.contains(&wanted), "{text}");
    }

    #[test]
    fn patches_between_which_nothing_can_be_judged_are_all_named_with_the_reason() {
        let broken = taken(1, StepVerdict::DoesNotBuild { why: "error: ';'".into() });
        let steps = vec![taken(2, bad(&["A1"])), taken(0, StepVerdict::Good), broken];
        let text = answer(&log(steps, SearchResult::OneOf(1..=2)), 2, 2);
        let wanted = "first bad: one of the patches 1 to 2 of 2\n  NO BUILD        1  mm/damon: change 1\n";
        assert!(text.starts_with(wanted), "{text}");
        assert!(text.contains("\n  BAD             2  mm/damon: change 2\n"), "{text}");
    }

    #[test]
    fn a_series_that_passes_and_a_base_that_fails_are_named_as_such() {
        let passes = log(vec![taken(2, StepVerdict::Good)], SearchResult::NothingBad);
        assert!(answer(&passes, 2, 2).starts_with("the whole series passes: there is nothing to bisect\n"));
        let kept = log(vec![Step { kept: true, ..taken(2, StepVerdict::Good) }], SearchResult::NothingBad);
        assert!(answer(&kept, 2, 2).ends_with("kernels built   0"));
        let fails = log(vec![taken(2, bad(&["A1"])), taken(0, bad(&["A1"]))], SearchResult::NothingGood);
        assert!(answer(&fails, 2, 2).starts_with("the good end fails too: "));
    }

    #[test]
    fn a_program_gets_the_patch_the_finding_and_every_step() {
        let log = found();
        let answer = bisection_data(&log, 5, &["damonlab run".to_owned()]);
        assert_eq!((&answer["result"], &answer["first_bad"]), (&"first_bad".into(), &4.into()));
        assert_eq!(answer["title"], "mm/damon: change 4");
        assert_eq!(answer["finding"]["ids"][0], "Q2");
        let steps: Vec<Value> = log.steps.iter().map(|one| step(one, 5).data).collect();
        assert_eq!((&steps[1]["kept"], &steps[2]["outcome"]), (&true.into(), &"good".into()));
        let read = serde_json::from_value::<Step>(steps[3].clone()).unwrap();
        assert_eq!(read, log.steps[3]);
    }
}
