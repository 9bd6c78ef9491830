use super::judge;
use crate::check::{Finding, Origin, StatedStatus};
use crate::recording::Recording;
use crate::scenario::{ScenarioRule, load_rules};
use crate::subject::damon::events::{Aggregated, BeforeApply, NodeEligible, Stat};
use crate::subject::damon::testing::{edit, rewrite, stored};
use std::collections::BTreeSet;

/// The rules of this YAML list.
fn rules(text: &str) -> Vec<ScenarioRule> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    std::fs::write(&file, format!("version: 1\nsummary: Rules.\nrules: [{text}]\n")).unwrap();
    let files = load_rules(&[file]).unwrap_or_else(|error| panic!("{text}: {error}"));
    files[0].rules().to_vec()
}

/// What comes of the rules on a recording: the results, and what was seen of violations.
fn judged(recording: &mut Recording, rules: Vec<ScenarioRule>) -> (Vec<StatedStatus>, Vec<String>) {
    recording.scenario.rules = rules;
    let judged = judge(recording);
    let is_stated = |finding: &Finding| matches!(finding.origin, Origin::Stated(_));
    let findings = judged.findings.into_iter().filter(is_stated);
    (
        judged.stated.into_iter().map(|one| one.result).collect(),
        findings.map(|finding| finding.seen).collect(),
    )
}

fn result(text: &str) -> StatedStatus {
    judged(&mut stored("pull-push-short"), rules(text)).0.remove(0)
}

fn seen(text: &str) -> String {
    let (results, seen) = judged(&mut stored("pull-push-short"), rules(text));
    assert_eq!(results, [StatedStatus::Violated], "{text}");
    seen.into_iter().next().unwrap()
}

/// The rules of examples/rules.
fn examples() -> Vec<ScenarioRule> {
    let folder = crate::bundled::home().join("examples/rules");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    load_rules(&files).unwrap().iter().flat_map(|file| file.rules().to_vec()).collect()
}

/// The number after `key` in a line, replaced.
fn with_number(line: &str, key: &str, number: u64) -> String {
    let (head, tail) = line.split_once(key).unwrap();
    let rest = tail.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{head}{key}{number}{rest}")
}

/// The first address in a line, moved.
fn with_start(line: &str, moved: fn(u64, u64) -> u64) -> String {
    let (head, range) = line.rsplit_once(": ").and_then(|(head, _)| head.rsplit_once(' ')).unwrap();
    let (start, end) = range.split_once('-').unwrap();
    let tail = &line[head.len() + 1 + start.len()..];
    format!("{head} {}{tail}", moved(start.parse().unwrap(), end.parse().unwrap()))
}

/// For each example the change of a line that it must reject.
type Change = (&'static str, &'static str, usize, fn(&str) -> String);
const CHANGES: &[Change] = &[
    ("share-is-in-range", NodeEligible::NAME, 3, |line| with_number(line, "current_value=", 10_001)),
    ("target-stays-the-same", NodeEligible::NAME, 3, |line| with_number(line, "target_value=", 1)),
    ("quota-follows-its-goals", NodeEligible::NAME, 0, |line| with_number(line, "scheme_idx=", 7)),
    ("applied-was-tried", Stat::NAME, 5, |line| with_number(line, "sz_applied=", 1 << 62)),
    ("tried-bytes-never-fall", Stat::NAME, 5, |line| with_number(line, "sz_tried=", 1 << 62)),
    ("one-quota-is-used-up-at-a-time", Stat::NAME, 5, |line| with_number(line, "qt_exceeds=", 900)),
    ("acts-on-whole-pages", BeforeApply::NAME, 2, |line| with_start(line, |start, _| start + 1)),
    ("regions-do-not-overlap", Aggregated::NAME, 5, |line| with_start(line, |start, _| start - 8192)),
    ("no-region-is-empty", Aggregated::NAME, 5, |line| with_start(line, |_, end| end)),
];

#[test]
fn every_example_passes_on_a_real_recording() {
    let (results, seen) = judged(&mut stored("pull-push-short"), examples());
    assert_eq!(seen, [""; 0]);
    assert!(results.iter().all(|result| matches!(result, StatedStatus::Passed(1..))), "{results:?}");
}

#[test]
fn every_example_rejects_a_recording_that_was_tampered_with() {
    let names: BTreeSet<_> = examples().iter().map(|rule| rule.name.to_string()).collect();
    assert_eq!(names, CHANGES.iter().map(|(name, ..)| (*name).to_owned()).collect());
    for (name, event, index, change) in CHANGES {
        let mut recording = stored("pull-push-short");
        rewrite(&mut recording, |lines| edit(lines, event, *index, change));
        recording.scenario.rules = examples().into_iter().filter(|rule| *rule.name == **name).collect();
        let judged = judge(&recording);
        assert_eq!(judged.stated[0].result, StatedStatus::Violated, "{name}");
        let finding = judged.findings.iter().find(|finding| finding.id() == *name).unwrap();
        assert!(!finding.evidence.is_empty() && !finding.seen.is_empty(), "{finding}");
    }
}

#[test]
fn a_violation_reads_like_that_of_an_invariant() {
    let mut recording = stored("pull-push-short");
    recording.scenario.rules = rules(
        "{name: quota-is-small, event: damos_esz, key: [], always: \"esz < 1000u && scheme_idx >= 0\"}",
    );
    let judged = judge(&recording);
    let finding = judged.findings.iter().find(|finding| finding.id() == "quota-is-small").unwrap();
    assert_eq!(finding.expected, "damos_esz: always esz < 1000u && scheme_idx >= 0");
    assert!(finding.seen.starts_with("esz "), "{finding}");
    assert!(finding.evidence[0].text.contains("damos_esz: ctx_idx=0"), "{finding}");
    assert!(finding.to_string().starts_with("quota-is-small: expected "), "{finding}");
    assert!(matches!(judged.verdict(), crate::check::Verdict::Fail(_)));
}

#[test]
fn a_rule_that_applies_to_nothing_says_why() {
    for (rule, why) in [
        ("{name: a-b, event: 'x:nothing', always: 'true'}", "x:nothing is not recorded"),
        (
            "{name: a-b, event: damos_esz, when: 'scheme_idx == 9u', always: 'true'}",
            "no damos_esz for which `when` is true",
        ),
        (
            "{name: a-b, event: damon_monitor_intervals_tune, always: 'true'}",
            "no damon_monitor_intervals_tune happened",
        ),
        (
            "{name: a-b, event: damos_esz, key: [common_timestamp], monotonic: esz}",
            "no two damos_esz of one key",
        ),
        ("{name: a-b, event: damos_esz, during: {run: 7}, always: 'true'}", "run 7 was not reached"),
        (
            "{name: a-b, event: damos_esz, unchanged_by: commit, field: esz}",
            "the scenario has no step commit",
        ),
        ("{name: a-b, event: damos_esz, each_window: 'count > 0u', window: 1h}", "no window came to its end"),
    ] {
        assert_eq!(result(rule), StatedStatus::NotApplicable(why.to_owned()), "{rule}");
    }
}

#[test]
fn windows_have_counts_and_sums_and_both_ends() {
    let passes = [
        "{name: a-b, event: damos_stat_after_apply_interval, key: [scheme_idx], window: 400ms, \
          each_window: 'count >= 1u && first.sz_tried <= last.sz_tried && min.sz_tried == first.sz_tried'}",
        "{name: a-b, event: damos_esz, key: [scheme_idx], window: damos_node_eligible_mem_bp, each_window: 'count <= 1u'}",
        "{name: a-b, event: damos_node_eligible_mem_bp, window: 100ms, each_window: 'sum.current_value <= 20000u'}",
    ];
    for rule in passes {
        assert!(matches!(result(rule), StatedStatus::Passed(2..)), "{rule}: {}", result(rule));
    }
    let empty = "{name: a-b, event: damos_esz, key: [scheme_idx], window: damos_node_eligible_mem_bp, each_window: 'count == 1u'}";
    assert!(seen(empty).contains("count 0, in the window from "), "{}", seen(empty));
}

#[test]
fn an_expression_without_a_value_is_a_violation_that_says_why() {
    let rule = "{name: a-b, event: damos_stat_after_apply_interval, always: 'nr_tried - 1000000u > 0u'}";
    assert!(seen(rule).starts_with("a number leaves the range of its type: nr_tried "), "{}", seen(rule));
    let rule =
        "{name: a-b, event: damos_stat_after_apply_interval, never: '1u / (nr_tried - nr_tried) == 1u'}";
    assert!(seen(rule).starts_with("a division by zero"), "{}", seen(rule));
}

#[test]
fn what_follows_must_be_of_the_same_key_and_near_enough() {
    let rule =
        |more: &str| format!("{{name: a-b, event: damos_esz, follows: damos_node_eligible_mem_bp, {more}}}");
    assert!(matches!(result(&rule("key: [kdamond, scheme_idx]")), StatedStatus::Passed(2)));
    assert!(
        seen(&rule("key: [scheme_idx], within: 0ns"))
            .starts_with("scheme_idx 0: the last damos_node_eligible_mem_bp is ")
    );
    let rule = "{name: a-b, event: damos_node_eligible_mem_bp, follows: damos_esz, key: [scheme_idx]}";
    assert_eq!(seen(rule), "scheme_idx 0: no damos_esz before it");
}

#[test]
fn a_rule_of_a_kdamond_counts_events_of_others_as_those_of_none() {
    let mut recording = stored("pull-push-short");
    recording.report.kdamond_pids = vec![1];
    rewrite(&mut recording, |lines| {
        lines.iter_mut().for_each(|line| *line = line.replacen("kdamond.0-", "stranger0-", 1));
    });
    let rule = rules("{name: a-b, event: damos_esz, always: 'kdamond == -1'}");
    assert!(matches!(judged(&mut recording, rule).0[0], StatedStatus::Passed(1..)));
}

/// What comes of rules about events that damonlab has no types for.
fn foreign(text: &str) -> (Vec<StatedStatus>, Vec<String>) {
    judged(&mut stored("foreign"), rules(text))
}

#[test]
fn the_fields_of_any_event_have_the_types_of_its_format() {
    for rule in [
        "{name: a-b, event: 'migrate:mm_migrate_pages', always: \"nr_succeeded == succeeded && mode.startsWith('MIGRATE_')\"}",
        "{name: a-b, event: softirq_raise, always: \"vec == 1u && action == 'TIMER' && common_cpu == 0u\"}",
        "{name: a-b, event: sys_enter, always: \"size(args) == 6 && args[5] >= 0u && id >= 0\"}",
    ] {
        let (results, seen) = foreign(rule);
        assert!(matches!(results[0], StatedStatus::Passed(1..)), "{rule}: {} {seen:?}", results[0]);
    }
    let (_, seen) = foreign(
        "{name: a-b, event: mm_migrate_pages, never: \"reason == 'mempolicy_mbind'\", when: \"nr_succeeded > 0u\"}",
    );
    assert_eq!(seen[0], "reason mempolicy_mbind");
}

#[test]
fn what_an_event_of_this_kernel_does_not_have_is_a_mistake_of_the_scenario() {
    let mut recording = stored("foreign");
    recording.scenario.rules = rules("{name: a-b, event: mm_migrate_pages, always: \"nr_pages > 0u\"}");
    let crate::check::Verdict::Infra(why) = judge(&recording).verdict() else {
        panic!("no verdict on the kernel")
    };
    assert!(why.starts_with("the scenario does not fit this kernel: a-b ("), "{why}");
    assert!(
        why.contains("mm_migrate_pages has no field 'nr_pages' (known here: nr_succeeded, nr_failed"),
        "{why}"
    );
}

#[test]
fn without_a_raw_record_fields_have_no_types_and_the_rule_does_not_apply() {
    let mut recording = stored("foreign");
    recording.raw.clear();
    let rule = rules("{name: a-b, event: mm_migrate_pages, always: \"nr_succeeded > 0u\"}");
    let (results, _) = judged(&mut recording, rule);
    assert_eq!(results, [StatedStatus::NotApplicable("the recording has no raw record".to_owned())]);
}
