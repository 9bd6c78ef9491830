//! Mutants as items, and the score.
//!
//! For programs an item has the whole record that is kept of the mutant, and the summary has the `score`.

use super::event::{Depth, Item, ItemResult, Status, data};
use super::{mutant_parts, rules};
use crate::mutants::{Catch, Generated, Kind, MutantResult, Record, Score, Strength};
use serde_json::{Value, json};

/// One mutant: what noticed it and where, and what it is. `repeat` is the command for the generated scenario that caught it.
pub fn mutant(record: &Record, repeat: Option<String>) -> Item {
    let mut item = Item::new(&*record.name, status(record), headline(record));
    item.seconds = Some(record.build_seconds.unwrap_or_default() + record.all_run_seconds());
    item.data = data(record);
    let what = record.header.symptom.as_ref().or(record.header.subject.as_ref());
    item.add_some(Depth::Story, "symptom", what.cloned());
    match &record.result {
        MutantResult::Noticed(Catch { sentence, .. }) => item.add(Depth::Story, "seen", &**sentence),
        MutantResult::Unnoticed if record.kind == Kind::Regression => {
            item.add(Depth::Story, "ran", ran(record));
            if !record.header.caught_by.is_empty() {
                let names = record.header.caught_by.iter().map(|id| rules::name(id));
                item.add(
                    Depth::Story,
                    "expected",
                    format!("{} to catch it", names.collect::<Vec<_>>().join(", ")),
                );
            }
        }
        MutantResult::Unnoticed | MutantResult::NotRun => {}
        MutantResult::DoesNotBuild { why }
        | MutantResult::DoesNotBoot { why }
        | MutantResult::NoAnswer { why } => item.add(Depth::Story, "reason", &**why),
    }
    // Its header names a scenario that is gone, or not there yet.
    if record.kind == Kind::Regression && !record.is_good() && !record.unknown_scenarios.is_empty() {
        item.add(Depth::Story, "no scenario", record.unknown_scenarios.join(", "));
    }
    mutant_parts::add(&mut item, record, repeat);
    item.add(Depth::Story, "took", time(record));
    item
}

fn status(record: &Record) -> Status {
    let generated = record.generated.as_ref();
    let is_false_alarm = |generated: &Generated| record.kind == Kind::Equivalent && generated.catch.is_some();
    if generated.is_some_and(is_false_alarm) {
        return Status { word: "FALSE ALARM", counted: "false alarms", outcome: ItemResult::Failed };
    }
    let (word, counted, outcome) = match (&record.result, record.kind) {
        // A text that differs shows that something changed, and not that it is wrong.
        (MutantResult::Noticed(Catch { strength: Strength::Snapshot, .. }), Kind::Regression) => {
            ("CAUGHT", "caught by a snapshot only", ItemResult::Failed)
        }
        (MutantResult::Noticed(Catch { strength: Strength::RealClock, .. }), Kind::Regression) => {
            ("MISSED", "noticed on the real clock only", ItemResult::Failed)
        }
        (MutantResult::Noticed(_), Kind::Regression) => ("CAUGHT", "caught", ItemResult::Passed),
        (MutantResult::Noticed(_), Kind::Equivalent) => ("FALSE ALARM", "false alarms", ItemResult::Failed),
        (MutantResult::Unnoticed, Kind::Regression) => ("MISSED", "missed", ItemResult::Failed),
        (MutantResult::Unnoticed, Kind::Equivalent) => ("PASSED", "passed", ItemResult::Passed),
        (MutantResult::DoesNotBuild { .. }, _) => ("NO BUILD", "not built", ItemResult::Failed),
        (MutantResult::DoesNotBoot { .. }, _) => ("NO BOOT", "not booted", ItemResult::Failed),
        (MutantResult::NotRun, Kind::Regression) if generated.is_some_and(|one| one.catch.is_some()) => {
            ("CAUGHT", "caught", ItemResult::Passed)
        }
        (MutantResult::NotRun, kind) if generated.is_some_and(|one| !one.lacks_results()) => match kind {
            Kind::Regression => ("MISSED", "missed", ItemResult::Failed),
            Kind::Equivalent => ("PASSED", "passed", ItemResult::Passed),
        },
        (MutantResult::NoAnswer { .. } | MutantResult::NotRun, _) => {
            ("NO RESULT", "without a result", ItemResult::NoResult)
        }
    };
    Status { word, counted, outcome }
}

fn headline(record: &Record) -> String {
    match &record.result {
        MutantResult::Noticed(catch) => {
            let Catch { ids, scenario, seed, .. } = catch;
            let names: Vec<String> = ids.iter().map(|id| rules::name(id)).collect();
            format!("by {}{} in {scenario}, seed {seed}", names.join(", "), weak(catch))
        }
        MutantResult::Unnoticed => ran(record),
        MutantResult::NotRun => {
            let Some(generated) = &record.generated else { return String::new() };
            mutant_parts::sentence(generated, record.kind)
        }
        MutantResult::DoesNotBuild { why }
        | MutantResult::DoesNotBoot { why }
        | MutantResult::NoAnswer { why } => why.lines().next().unwrap_or_default().to_owned(),
    }
}

fn weak(catch: &Catch) -> &'static str {
    match catch.strength {
        // Such a run is repeated, and only the second one counts.
        Strength::Invariant if catch.is_by_the_clock_alone() => ", in two runs,",
        Strength::Invariant => "",
        Strength::Expectation | Strength::Snapshot => " only",
        Strength::RealClock => " on the real clock only",
    }
}

fn time(record: &Record) -> String {
    let built = record.build_seconds.map(|seconds| format!("{seconds:.0} s to build, "));
    format!("{}{:.0} s to run", built.unwrap_or_default(), record.all_run_seconds())
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
pub fn score(score: &Score) -> Vec<String> {
    let Score { regressions, by_invariant, equivalents, green, .. } = score;
    let apart = [
        (score.by_expectation_only, "by a scenario's expectation only"),
        (score.by_snapshot_only, "by a snapshot only"),
        (score.by_real_clock_only, "on the real clock only"),
        (score.missed, "missed"),
    ];
    let rest = [
        (score.do_not_build, "do not build"),
        (score.do_not_boot, "do not boot"),
        (score.no_answer, "have no result: the host or QEMU failed"),
    ];
    let some = |counts: &[(usize, &str)], before: &str| -> String {
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        counts.map(|(count, what)| format!("{before}{count} {what}")).collect()
    };
    let mut lines = Vec::new();
    if score.not_run == 0 {
        let caught = format!("{by_invariant} of {regressions} caught by a rule, the oracle or a crash");
        lines.push(format!("regressions         {caught}{}", some(&apart, ", ")));
        let alarms = score.false_alarms;
        lines.push(format!("equivalent mutants  {green} of {equivalents} passed, {alarms} false alarms"));
    }
    lines.extend(score.seeds.as_ref().map(mutant_parts::seed_score));
    lines.extend(score.generated.iter().flat_map(mutant_parts::generated_score));
    let rest = some(&rest, ", ");
    if let Some(rest) = rest.strip_prefix(", ") {
        lines.push(format!("not counted         {rest}"));
    }
    lines
}

/// The score, for programs.
pub fn score_data(score: &Score) -> Value {
    json!({"score": score})
}

#[cfg(test)]
mod tests {
    use super::super::event::Event;
    use super::super::{Verbosity, human};
    use super::*;
    use crate::mutants::{GeneratedCatch, Header, SeedCatches, SeedCount};

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
            intended: Default::default(),
            build_seconds: Some(31.4),
            run_seconds: 12.2,
            image: "i".into(),
            suite: "s".into(),
            program: "p".into(),
            seeds: None,
            generated: None,
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

    fn printed(record: &Record) -> String {
        human::text(&[Event::Finished(&mutant(record, None))], Verbosity::Normal)
    }

    #[test]
    fn a_caught_bug_is_one_line_that_says_by_what_and_where() {
        let text = printed(&record(Kind::Regression, caught(Strength::Invariant, "Q1")));
        let name = rules::name("Q1");
        assert_eq!(text, format!("CAUGHT  01-broken    43.6 s  by {name} in pull-push, seed 0\n"));
    }

    #[test]
    fn a_weak_catch_is_told_apart_and_one_by_a_snapshot_alone_is_not_good() {
        let text = printed(&record(Kind::Regression, caught(Strength::Expectation, "expect")));
        assert!(text.ends_with("  by expectation only in pull-push, seed 0\n"), "{text}");
        let weak = mutant(&record(Kind::Regression, caught(Strength::Snapshot, "snapshot")), None);
        assert_eq!(weak.status.outcome, ItemResult::Failed);
    }

    #[test]
    fn a_missed_bug_says_what_ran_what_was_expected_and_which_scenario_there_is_none_of() {
        let text = printed(&record(Kind::Regression, MutantResult::Unnoticed));
        let wanted = format!(
            "MISSED  01-broken    43.6 s  2 scenarios: 1 pass, 1 fail\n  \
             symptom         It is broken.\n  \
             ran             2 scenarios: 1 pass, 1 fail\n  \
             expected        {} to catch it\n  \
             no scenario     later\n  \
             took            31 s to build, 12 s to run\n",
            rules::name("Q1")
        );
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_false_alarm_shows_what_was_seen() {
        let text = printed(&record(Kind::Equivalent, caught(Strength::Invariant, "Q1")));
        assert!(text.starts_with("FALSE ALARM  01-broken ") && text.contains("\n  seen "), "{text}");
    }

    #[test]
    fn the_score_counts_what_is_not_there_apart() {
        let all = [
            record(Kind::Regression, caught(Strength::Invariant, "Q1")),
            record(Kind::Regression, MutantResult::Unnoticed),
            record(Kind::Equivalent, MutantResult::Unnoticed),
            record(Kind::Equivalent, MutantResult::DoesNotBuild { why: "no".into() }),
        ];
        let expected = [
            "regressions         1 of 2 caught by a rule, the oracle or a crash, 1 missed",
            "equivalent mutants  1 of 1 passed, 0 false alarms",
            "not counted         1 do not build",
        ];
        assert_eq!(score(&Score::of(&all)), expected);
    }

    #[test]
    fn a_program_gets_the_score_and_the_record_of_every_mutant() {
        let one = record(Kind::Regression, caught(Strength::Invariant, "Q1"));
        let data = mutant(&one, None).data;
        assert_eq!((&data["outcome"], &data["ids"][0]), (&"noticed".into(), &"Q1".into()));
        assert_eq!(score_data(&Score::of(&[one]))["score"]["by_invariant"], 1);
    }

    /// Generated scenarios, of which the last that ended caught the mutant or did not.
    fn generated(ended: u64, is_caught: bool) -> Generated {
        let MutantResult::Noticed(catch) = caught(Strength::Invariant, "G5") else { panic!("it is a catch") };
        let (file, recording) = ("explore-0-4.yaml".into(), "explore-0-4/0001".into());
        let catch = Catch { scenario: "explore-0-4".into(), seed: 4, ..catch };
        let catch = is_caught.then_some(GeneratedCatch { catch, file, recording });
        Generated { limit: 60, ended, catch, fail_without: vec![2], ..Generated::default() }
    }

    #[test]
    fn a_catch_by_a_generated_scenario_says_how_many_it_took_and_how_to_repeat_it() {
        let suite = record(Kind::Regression, caught(Strength::Invariant, "Q1"));
        let both = Record { generated: Some(generated(5, true)), ..suite };
        let item = mutant(&both, Some("damonlab run explore-0-4.yaml --seed 4".into()));
        let text = human::text(&[Event::Finished(&item)], Verbosity::Normal);
        let (q1, g5) = (rules::name("Q1"), rules::name("G5"));
        let wanted = format!(
            "CAUGHT  01-broken    43.6 s  by {q1} in pull-push, seed 0\n  \
             generated       caught after 5 of 60 by {g5} in explore-0-4, seed 4\n  \
             repeat          damonlab run explore-0-4.yaml --seed 4\n  \
             no catch        scenarios that fail without the mutant too: 2\n"
        );
        assert_eq!(text, wanted);
    }

    #[test]
    fn without_the_suite_generated_scenarios_decide() {
        let word = |kind, generated| {
            let generated = Some(generated);
            mutant(&Record { generated, ..record(kind, MutantResult::NotRun) }, None).status.word
        };
        let no_result = Generated { no_result: vec![3], ..generated(60, false) };
        assert_eq!(word(Kind::Regression, generated(5, true)), "CAUGHT");
        assert_eq!(word(Kind::Regression, generated(60, false)), "MISSED");
        assert_eq!(word(Kind::Equivalent, generated(60, false)), "PASSED");
        assert_eq!(word(Kind::Equivalent, generated(5, true)), "FALSE ALARM");
        assert_eq!(word(Kind::Regression, no_result), "NO RESULT");
    }

    #[test]
    fn a_generated_scenario_that_notices_an_equivalent_mutant_is_a_false_alarm_beside_a_suite_that_passed() {
        let passed = record(Kind::Equivalent, MutantResult::Unnoticed);
        let noticed = mutant(&Record { generated: Some(generated(5, true)), ..passed }, None);
        assert_eq!(noticed.status.word, "FALSE ALARM");
    }

    #[test]
    fn a_catch_that_hangs_on_one_seed_is_shown_as_weak_with_the_seeds_that_miss() {
        let one = SeedCount {
            scenario: "pull-push".into(),
            caught: (0..7).collect(),
            missed: vec![7, 8, 9],
            no_result: Vec::new(),
        };
        let seeds = |scenarios| {
            let seeds = SeedCatches { seeds: "0..=9".into(), scenarios, ..SeedCatches::default() };
            let suite = record(Kind::Regression, caught(Strength::Invariant, "Q1"));
            printed(&Record { seeds: Some(seeds), ..suite })
        };
        let line = "\n  seeds           7 of 10 seeds of pull-push: weak; missed with 7, 8, 9\n";
        assert!(seeds(vec![one.clone()]).ends_with(line), "{}", seeds(vec![one.clone()]));
        let all = SeedCount { caught: (0..10).collect(), missed: Vec::new(), ..one };
        assert!(seeds(vec![all]).ends_with("\n  seeds           10 of 10 seeds of pull-push\n"));
        assert!(seeds(Vec::new()).contains("no scenario to run with 0..=9"));
    }

    #[test]
    fn the_score_has_a_line_for_the_seeds_and_for_generated_scenarios_where_they_ran() {
        let regression = record(Kind::Regression, caught(Strength::Invariant, "Q1"));
        let one = Record { generated: Some(generated(5, true)), ..regression };
        let two = Record { generated: Some(generated(60, false)), ..one.clone() };
        let lines = score(&Score::of(&[one.clone(), two]));
        assert_eq!(lines[0], "regressions         2 of 2 caught by a rule, the oracle or a crash");
        let wanted =
            "generated           1 of 2 regressions caught by 60 scenarios of seed 0, after 5 at the median";
        assert_eq!(lines[2..], [wanted]);
        let alone = score(&Score::of(&[Record { result: MutantResult::NotRun, ..one.clone() }]));
        assert!(alone.len() == 1 && alone[0].starts_with("generated "), "{alone:?}");
        let weak = Record { generated: None, seeds: Some(SeedCatches::default()), ..one };
        let lines = score(&Score::of(&[weak]));
        assert_eq!(lines[2..], ["seeds               0 of 1 caught with at least 8 of 10 seeds, 1 weak"]);
    }
}
