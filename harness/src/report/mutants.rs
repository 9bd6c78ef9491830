//! Mutants as text: a few lines each, and the score.

use crate::mutants::{Catch, Kind, MutantResult, Record, Score, Strength};
use serde::Serialize;
use std::fmt::Write;

/// One mutant: its word, its name, what noticed it and where, and what it is.
pub fn mutant(record: &Record) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = write_mutant(record, &mut out);
    out
}

fn write_mutant(record: &Record, out: &mut String) -> std::fmt::Result {
    writeln!(out, "{:<12} {}{}", record.word(), record.name, time(record))?;
    if let Some(what) = record.header.symptom.as_ref().or(record.header.subject.as_ref()) {
        writeln!(out, "  what      {what}")?;
    }
    match &record.result {
        MutantResult::Noticed(catch) => {
            let Catch { ids, scenario, seed, sentence, .. } = catch;
            writeln!(out, "  by        {}{} in {scenario}, seed {seed}", ids.join(", "), weak(catch))?;
            writeln!(out, "  saw       {sentence}")?;
        }
        MutantResult::Unnoticed if record.kind == Kind::Regression => {
            writeln!(out, "  ran       {}", ran(record))?;
            if !record.header.caught_by.is_empty() {
                writeln!(out, "  expected  {} to catch it", record.header.caught_by.join(", "))?;
            }
        }
        MutantResult::Unnoticed => {}
        MutantResult::DoesNotBuild { why }
        | MutantResult::DoesNotBoot { why }
        | MutantResult::NoAnswer { why } => {
            writeln!(out, "  why       {}", why.replace('\n', "\n            "))?;
        }
    }
    // It has the scenario that it waits for no longer, or not yet.
    let missed = record.kind == Kind::Regression && !record.is_good();
    if missed && !record.unknown_scenarios.is_empty() {
        writeln!(out, "  not there {}", record.unknown_scenarios.join(", "))?;
    }
    Ok(())
}

fn weak(catch: &Catch) -> &'static str {
    match catch.strength {
        Strength::Invariant => "",
        Strength::Expectation => " only",
        Strength::Snapshot => " only",
    }
}

fn time(record: &Record) -> String {
    let built = record.build_seconds.map(|seconds| format!("built in {seconds:.0} s, "));
    format!("  ({}ran for {:.0} s)", built.unwrap_or_default(), record.run_seconds)
}

/// `12 scenarios: 10 pass, 2 skip`.
fn ran(record: &Record) -> String {
    let mut words: Vec<(&str, usize)> = Vec::new();
    for (_, word) in &record.ran {
        match words.iter_mut().find(|(known, _)| known == word) {
            Some((_, count)) => *count += 1,
            None => words.push((word, 1)),
        }
    }
    let words: Vec<String> = words.iter().map(|(word, count)| format!("{count} {word}")).collect();
    let scenarios = if record.ran.len() == 1 { "scenario" } else { "scenarios" };
    format!("{} {scenarios}: {}", record.ran.len(), words.join(", "))
}

/// What all of them come to.
pub fn score(score: &Score) -> String {
    let mut out = String::new();
    let _ = write_score(score, &mut out);
    out
}

fn write_score(score: &Score, out: &mut String) -> std::fmt::Result {
    let Score { regressions, by_invariant, equivalents, green, .. } = score;
    writeln!(
        out,
        "regressions: {by_invariant} of {regressions} caught by an invariant, the oracle or a crash"
    )?;
    let apart = [
        (score.by_expectation_only, "by a scenario's expectation only"),
        (score.by_snapshot_only, "by a snapshot only"),
        (score.missed, "missed"),
    ];
    for (count, what) in apart.iter().filter(|(count, _)| *count > 0) {
        writeln!(out, "             {count} {what}")?;
    }
    writeln!(out, "nulls:       {green} of {equivalents} green, {} false alarms", score.false_alarms)?;
    let rest = [
        (score.do_not_build, "built"),
        (score.do_not_boot, "booted"),
        (score.no_answer, "answered: the host or QEMU failed"),
    ];
    for (count, what) in rest.iter().filter(|(count, _)| *count > 0) {
        writeln!(out, "not counted: {count} not {what}")?;
    }
    Ok(())
}

/// All of it, for a program.
pub fn mutants_json(records: &[Record], score: &Score) -> String {
    #[derive(Serialize)]
    struct All<'a> {
        version: u32,
        score: &'a Score,
        mutants: &'a [Record],
    }
    // Nothing in it can fail: no map with odd keys, no number that is none.
    let text = serde_json::to_string_pretty(&All { version: 1, score, mutants: records });
    text.unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutants::Header;

    fn record(kind: Kind, result: MutantResult) -> Record {
        let header = Header {
            symptom: Some("It is broken.".into()),
            caught_by: vec!["Q1".into()],
            scenarios: vec!["later".into()],
            ..Header::default()
        };
        Record {
            name: "01-broken".into(),
            kind,
            header,
            result,
            ran: vec![("idle".into(), "pass".into()), ("pull-push".into(), "fail".into())],
            unknown_scenarios: vec!["later".into()],
            build_seconds: Some(31.4),
            run_seconds: 12.2,
            image: "i".into(),
            suite: "s".into(),
            program: "p".into(),
        }
    }

    fn caught(strength: Strength, id: &str) -> MutantResult {
        MutantResult::Noticed(Catch {
            strength,
            ids: vec![id.to_owned()],
            scenario: "pull-push".into(),
            seed: 0,
            sentence: "expected 0; saw 1".into(),
        })
    }

    #[test]
    fn a_catch_says_by_what_where_and_what_was_seen() {
        let text = mutant(&record(Kind::Regression, caught(Strength::Invariant, "Q1")));
        let expected = "CAUGHT       01-broken  (built in 31 s, ran for 12 s)\n  what      It is broken.\n  \
                        by        Q1 in pull-push, seed 0\n  saw       expected 0; saw 1\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_weak_catch_is_told_apart() {
        let text = mutant(&record(Kind::Regression, caught(Strength::Expectation, "expect")));
        assert!(text.contains("  by        expect only in pull-push, seed 0\n"), "{text}");
    }

    #[test]
    fn a_miss_says_what_ran_what_was_expected_and_which_scenario_is_not_there() {
        let text = mutant(&record(Kind::Regression, MutantResult::Unnoticed));
        let lines =
            "  ran       2 scenarios: 1 pass, 1 fail\n  expected  Q1 to catch it\n  not there later\n";
        assert!(text.starts_with("MISSED ") && text.ends_with(lines), "{text}");
    }

    #[test]
    fn the_score_counts_what_is_not_there_apart() {
        let all = [
            record(Kind::Regression, caught(Strength::Invariant, "Q1")),
            record(Kind::Regression, MutantResult::Unnoticed),
            record(Kind::Equivalent, MutantResult::Unnoticed),
            record(Kind::Equivalent, MutantResult::DoesNotBuild { why: "no".into() }),
        ];
        let expected = "regressions: 1 of 2 caught by an invariant, the oracle or a crash\n             1 missed\n\
                        nulls:       1 of 1 green, 0 false alarms\nnot counted: 1 not built\n";
        assert_eq!(score(&Score::of(&all)), expected);
    }

    #[test]
    fn the_json_has_the_score_and_every_mutant() {
        let all = [record(Kind::Regression, caught(Strength::Invariant, "Q1"))];
        let json: serde_json::Value = serde_json::from_str(&mutants_json(&all, &Score::of(&all))).unwrap();
        assert_eq!(json["score"]["by_invariant"], 1);
        let first = &json["mutants"][0];
        assert_eq!((&first["outcome"], &first["ids"][0]), (&"noticed".into(), &"Q1".into()));
    }
}
