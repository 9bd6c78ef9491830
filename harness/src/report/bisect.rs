//! A bisection as text: a few lines a step, and the patch that broke it.

use crate::bisect::{BisectLog, Ending, Failure, SearchResult, Step, StepVerdict};
use serde::Serialize;
use std::fmt::Write;

/// One step: its word, how many patches, the last of them, and why.
pub fn step(step: &Step, patches: usize) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = write_step(step, patches, &mut out);
    out
}

fn write_step(step: &Step, patches: usize, out: &mut String) -> std::fmt::Result {
    let title = step.patch.as_deref().unwrap_or("the base alone");
    writeln!(out, "{:<9} {}/{patches}  {title}{}", word(&step.verdict), step.applied, time(step))?;
    match &step.verdict {
        StepVerdict::Good => Ok(()),
        StepVerdict::Bad(failure) | StepVerdict::Otherwise(failure) => write_failure(failure, out),
        StepVerdict::DoesNotBuild { why }
        | StepVerdict::DoesNotBoot { why }
        | StepVerdict::CannotJudge { why }
        | StepVerdict::NoAnswer { why } => {
            writeln!(out, "  why       {}", why.replace('\n', "\n            "))
        }
    }
}

fn word(outcome: &StepVerdict) -> &'static str {
    match outcome {
        StepVerdict::Good => "good",
        StepVerdict::Bad(_) => "BAD",
        StepVerdict::Otherwise(_) => "OTHERWISE",
        StepVerdict::DoesNotBuild { .. } => "NO BUILD",
        StepVerdict::DoesNotBoot { .. } => "NO BOOT",
        StepVerdict::CannotJudge { .. } => "SKIP",
        StepVerdict::NoAnswer { .. } => "NO ANSWER",
    }
}

fn time(step: &Step) -> String {
    if step.kept {
        return "  (kept)".to_owned();
    }
    let ran = format!("ran for {:.0} s", step.run_seconds);
    match step.build_seconds {
        Some(seconds) => format!("  (built in {seconds:.0} s, {ran})"),
        None => format!("  (kernel in the cache, {ran})"),
    }
}

fn write_failure(failure: &Failure, out: &mut String) -> std::fmt::Result {
    let seed = failure.seed.map_or_else(|| "all seeds together".to_owned(), |seed| format!("seed {seed}"));
    writeln!(out, "  by        {} ({seed})", failure.ids.join(", "))?;
    writeln!(out, "  saw       {}", failure.sentence)
}

/// How it ended: the patch, the finding, and what to type to see it again.
pub fn bisection(log: &BisectLog, bad_end: usize, patches: usize, commands: &[String]) -> String {
    let mut out = String::new();
    let _ = write_bisection(log, bad_end, patches, commands, &mut out);
    out
}

fn write_bisection(
    log: &BisectLog,
    bad_end: usize,
    patches: usize,
    commands: &[String],
    out: &mut String,
) -> std::fmt::Result {
    match &log.ending {
        Ending::Result(SearchResult::First(first)) => {
            writeln!(out, "first bad: patch {first} of {patches}: {}", title(log, *first))?;
        }
        Ending::Result(SearchResult::OneOf(places)) => {
            let (first, last) = (places.start(), places.end());
            writeln!(out, "first bad: one of the patches {first} to {last} of {patches}")?;
            for place in places.clone() {
                writeln!(out, "  {:<9} {place}  {}", outcome(log, place), title(log, place))?;
            }
        }
        Ending::Result(SearchResult::NothingBad) if bad_end == patches => {
            writeln!(out, "the whole series passes: nothing to bisect")?;
        }
        Ending::Result(SearchResult::NothingBad) => {
            writeln!(
                out,
                "{bad_end} of {patches} patches pass: nothing to bisect; --bad N wants a failing N"
            )?;
        }
        Ending::Result(SearchResult::NothingGood) => {
            writeln!(out, "the good end fails too: no patch between the ends broke it")?;
            writeln!(
                out,
                "  next      give another --good or --kernel, or --finding ID for one that the good end does not have"
            )?;
        }
        Ending::Result(SearchResult::Unjudged) => {
            writeln!(out, "{bad_end} of {patches} patches cannot be judged (above): nothing to bisect from")?;
            writeln!(
                out,
                "  next      give --bad N with fewer patches, mend the series, or leave --finding out"
            )?;
        }
        Ending::HostFailed(place) => {
            writeln!(
                out,
                "the host or QEMU failed twice with {place} of {patches} patches: no answer about it"
            )?;
            writeln!(out, "  next      mend that and type the same command again; what is done is kept")?;
        }
    }
    write_turn(log, bad_end, commands, out)?;
    writeln!(out, "  took      {}", took(log))
}

/// Both sides of the turn.
fn write_turn(log: &BisectLog, bad_end: usize, commands: &[String], out: &mut String) -> std::fmt::Result {
    let Some((good, bad)) = log.boundary() else { return Ok(()) };
    let failure = |place| log.step(place).and_then(Step::failure);
    if let Some(failure) = failure(bad) {
        write_failure(failure, out)?;
        let other = |end: &&Failure| !end.ids.iter().any(|id| failure.ids.contains(id));
        let end = log.step(bad_end).and_then(Step::failure).filter(other);
        if let Some(end) = end {
            let ids = end.ids.join(", ");
            writeln!(
                out,
                "  but       {bad_end} patches fail by {ids}: --finding ID looks for one of them alone"
            )?;
        }
    }
    if log.step(good).is_some_and(|step| !matches!(step.verdict, StepVerdict::Good)) {
        writeln!(out, "  but       {good} patches could not be judged, and were taken as good")?;
    }
    for (word, command) in ["fails", "passes"].iter().zip(commands) {
        writeln!(out, "  {word:<9} {command}")?;
    }
    for (word, place) in [("bad", bad), ("good", good)] {
        if let Some(recording) = log.step(place).and_then(|step| step.recording.as_ref()) {
            writeln!(out, "  {word:<9} {}", recording.display())?;
        }
    }
    Ok(())
}

fn title(log: &BisectLog, place: usize) -> &str {
    log.step(place).and_then(|step| step.patch.as_deref()).unwrap_or_default()
}

fn outcome(log: &BisectLog, place: usize) -> &'static str {
    log.step(place).map_or("", |step| word(&step.verdict))
}

fn took(log: &BisectLog) -> String {
    let new: Vec<&Step> = log.steps.iter().filter(|step| !step.kept).collect();
    // Not sum(), which is -0 of nothing.
    let seconds =
        new.iter().fold(0.0, |sum, step| sum + step.build_seconds.unwrap_or(0.0) + step.run_seconds);
    let kept = match log.steps.len() - new.len() {
        0 => String::new(),
        kept => format!(", {kept} of them kept from before"),
    };
    format!("{} steps{kept}, {} kernels built, {seconds:.0} s", log.steps.len(), log.builds())
}

/// All of it, for a program.
pub fn bisection_json(log: &BisectLog, patches: usize, commands: &[String]) -> String {
    #[derive(Serialize)]
    struct All<'a> {
        version: u32,
        result: &'static str,
        first_bad: Option<usize>,
        candidates: Vec<usize>,
        title: Option<&'a str>,
        finding: Option<&'a Failure>,
        patches: usize,
        builds: usize,
        reproduce: &'a [String],
        steps: &'a [Step],
    }
    let (result, candidates) = match &log.ending {
        Ending::Result(SearchResult::First(first)) => ("first_bad", vec![*first]),
        Ending::Result(SearchResult::OneOf(places)) => ("one_of", places.clone().collect()),
        Ending::Result(SearchResult::NothingBad) => ("nothing_bad", Vec::new()),
        Ending::Result(SearchResult::NothingGood) => ("nothing_good", Vec::new()),
        Ending::Result(SearchResult::Unjudged) => ("unjudged", Vec::new()),
        Ending::HostFailed(_) => ("no_answer", Vec::new()),
    };
    let first_bad = if let [first] = candidates.as_slice() { Some(*first) } else { None };
    let step = candidates.last().and_then(|place| log.step(*place));
    let all = All {
        version: 1,
        result,
        first_bad,
        title: first_bad.and(step).and_then(|step| step.patch.as_deref()),
        finding: step.and_then(Step::failure),
        candidates,
        patches,
        builds: log.builds(),
        reproduce: commands,
        steps: &log.steps,
    };
    // Nothing in it can fail: no map with odd keys, no number that is none.
    serde_json::to_string_pretty(&all).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_step_says_its_number_its_patch_its_verdict_and_its_times() {
        let text = step(&taken(4, bad(&["Q2", "expect"])), 5);
        let wanted = "BAD       4/5  mm/damon: change 4  (built in 12 s, ran for 6 s)\n  \
                      by        Q2, expect (seed 0)\n  saw       expected 2; saw 1\n";
        assert_eq!(text, wanted);
        let base = Step { build_seconds: None, ..taken(0, StepVerdict::Good) };
        assert_eq!(step(&base, 5), "good      0/5  the base alone  (kernel in the cache, ran for 6 s)\n");
        let kept = Step { kept: true, ..base };
        assert_eq!(step(&kept, 5), "good      0/5  the base alone  (kept)\n");
    }

    #[test]
    fn the_end_names_the_patch_the_finding_the_commands_and_the_recordings() {
        let commands = ["damonlab run x --patch 4".to_owned(), "damonlab run x --patch 3".to_owned()];
        let text = bisection(&found(), 5, 5, &commands);
        let wanted = "first bad: patch 4 of 5: mm/damon: change 4\n  by        Q2, expect (seed 0)\n  \
                      saw       expected 2; saw 1\n  fails     damonlab run x --patch 4\n  \
                      passes    damonlab run x --patch 3\n  bad       out/004/pull-push/0001\n  \
                      good      out/003/pull-push/0001\n  \
                      took      4 steps, 1 of them kept from before, 3 kernels built, 55 s\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_patch_that_fails_by_other_findings_than_the_whole_series_is_told_so() {
        let steps = vec![taken(2, bad(&["A1"])), taken(0, StepVerdict::Good), taken(1, bad(&["K1"]))];
        let text = bisection(&log(steps, SearchResult::First(1)), 2, 2, &[]);
        assert!(text.contains("  but       2 patches fail by A1: --finding ID"), "{text}");
    }

    #[test]
    fn patches_that_cannot_be_told_apart_are_all_named_with_what_is_in_the_way() {
        let broken = taken(1, StepVerdict::DoesNotBuild { why: "error: ';'".into() });
        let steps = vec![taken(2, bad(&["A1"])), taken(0, StepVerdict::Good), broken];
        let text = bisection(&log(steps, SearchResult::OneOf(1..=2)), 2, 2, &[]);
        assert!(
            text.starts_with(
                "first bad: one of the patches 1 to 2 of 2\n  NO BUILD  1  mm/damon: change 1\n"
            )
        );
        assert!(text.contains("\n  BAD       2  mm/damon: change 2\n"), "{text}");
    }

    #[test]
    fn a_series_that_passes_and_a_base_that_fails_are_told_so() {
        let passes = log(vec![taken(2, StepVerdict::Good)], SearchResult::NothingBad);
        assert!(bisection(&passes, 2, 2, &[]).starts_with("the whole series passes: nothing to bisect\n"));
        let kept = log(vec![Step { kept: true, ..taken(2, StepVerdict::Good) }], SearchResult::NothingBad);
        assert!(bisection(&kept, 2, 2, &[]).ends_with(", 0 kernels built, 0 s\n"));
        let fails = log(vec![taken(2, bad(&["A1"])), taken(0, bad(&["A1"]))], SearchResult::NothingGood);
        assert!(bisection(&fails, 2, 2, &[]).starts_with("the good end fails too: "));
    }

    #[test]
    fn a_program_gets_the_patch_the_finding_and_every_step() {
        let text = bisection_json(&found(), 5, &["damonlab run".to_owned()]);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&json["result"], &json["first_bad"]), (&"first_bad".into(), &4.into()));
        assert_eq!(json["title"], "mm/damon: change 4");
        assert_eq!(json["finding"]["ids"][0], "Q2");
        assert_eq!(json["steps"][1]["kept"], true);
        assert_eq!(json["steps"][2]["outcome"], "good");
        let steps: Vec<Step> = serde_json::from_value(json["steps"].clone()).unwrap();
        assert_eq!(steps.len(), 4);
    }
}
