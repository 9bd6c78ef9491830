//! All checks together: a correct run has no finding, whatever its shape.

use super::*;
use crate::check::violations::KEPT;
use crate::check::{REAL_CLOCK, Verdict};
use crate::recording::Recording;
use crate::recording::testing::all;
use crate::scenario::GuestClock;
use crate::subject::damon::testing::{self, Model, rewrite};
use damonlab_protocol::damon::GoalTuner;
use std::collections::BTreeSet;

fn findings(model: &Model) -> Vec<String> {
    judge(&model.recording()).findings.iter().map(ToString::to_string).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn a_correct_run_has_no_finding_and_every_rule_applies_that_can() {
    let judged = judge(&Model::pull_push().recording());
    assert_eq!(judged.findings, []);
    assert_eq!(judged.verdict(), Verdict::Pass);
    let skipped: Vec<_> = judged.skipped.iter().map(|(about, _)| about.id).collect();
    assert_eq!(
        skipped,
        [
            "P1", "P2", "Q2", "Q8", "Q9", "S5", "R7", "R8", "T1", "M1", "M2", "M3", "M4", "M5", "M6", "G5",
            "G8"
        ],
        "what no model has"
    );
    assert_eq!(judged.applied.len() + skipped.len(), rules().count());
}

#[test]
fn what_is_compared_with_other_truth_applies_to_a_real_run() {
    for (stored, ids) in [("truth", &["P1", "S8", "M1", "M2", "M3", "M4", "M5"][..]), ("picture", &["G5"])] {
        let judged = judge(&testing::stored(stored));
        for id in ids {
            assert!(judged.applied.iter().any(|invariant| invariant.id == *id), "{id}: {:?}", judged.skipped);
        }
    }
}

#[test]
fn on_the_real_clock_no_rule_that_compares_times_applies_and_the_reason_is_given() {
    let mut recording = Model::pull_push().recording();
    recording.plan.kdamonds[0].context.schemes[1].apply_interval_us = 400_000;
    recording.plan.kdamonds[0].context.schemes[0].quota.reset_interval_ms = 10_000;
    recording.dmesg.push_str("3,200;INFO: task kdamond.0:52 blocked for more than 122 seconds.\n");
    let ids = |recording: &Recording| {
        judge(recording).findings.iter().map(|finding| finding.id().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(ids(&recording), BTreeSet::from(["G7", "K3", "S1", "S6"].map(str::to_owned)));
    recording.meta.clock = GuestClock::Real;
    assert_eq!(
        ids(&recording),
        BTreeSet::from(["S1".to_owned()]),
        "how often a scheme is applied needs no clock"
    );
    let skipped = judge(&recording).skipped;
    let on_time: Vec<_> =
        skipped.iter().filter(|(_, why)| why == REAL_CLOCK).map(|(about, _)| about.id).collect();
    assert_eq!(on_time, ["K3", "G7", "S6"]);
}

#[test]
fn a_consist_run_has_no_finding() {
    assert_eq!(findings(&Model::consist()), NONE);
}

#[test]
fn runs_of_many_shapes_have_no_finding() {
    for reset in [0, 1, 199, 200, 201, 400, 1000, 60_000] {
        for tuner in [GoalTuner::Temporal, GoalTuner::Consist] {
            for bytes in [0, 4095, 4096, 1 << 20] {
                for slow in [20, 90_000, 700_000] {
                    let mut model = Model::pull_push();
                    model.walk_us = match slow {
                        20 => |_, _| 20,
                        90_000 => |turn, scheme| 90_000 * (turn % 2 + scheme as u64),
                        _ => |turn, scheme| if turn % 3 == scheme as u64 { 700_000 } else { 20 },
                    };
                    for scheme in &mut model.kdamonds[0].context.schemes {
                        scheme.quota.reset_interval_ms = reset;
                        scheme.quota.goal_tuner = tuner.into();
                        scheme.quota.bytes = bytes;
                    }
                    assert_eq!(findings(&model), NONE, "reset {reset} {tuner:?} bytes {bytes} walk {slow}");
                }
            }
        }
    }
}

#[test]
fn two_kdamonds_are_judged_apart_though_both_say_ctx_idx_0() {
    let mut model = Model::pull_push();
    let mut second = model.kdamonds[0].clone();
    second.context.schemes[0].quota.goals[0].target_value = 9000;
    second.context.schemes.pop();
    model.kdamonds.push(second);
    assert_eq!(findings(&model), NONE);
    let mut recording = model.recording();
    recording.report.kdamond_pids.reverse();
    assert!(!judge(&recording).findings.is_empty());
}

#[test]
fn a_kdamond_that_is_started_twice_is_judged_twice() {
    let mut recording = Model::pull_push().recording();
    rewrite(&mut recording, |lines| {
        let again: Vec<String> = lines
            .iter()
            .map(|line| line.replace("-52 ", "-77 ").replace(" 1", " 9").replace(" 9.", " 19."))
            .collect();
        let first = lines.len();
        lines.extend(again);
        assert_eq!(lines.len(), 2 * first);
    });
    recording.report.kdamond_pids = vec![77];
    let findings = judge(&recording).findings;
    let ids: Vec<_> = findings.iter().map(|finding| finding.id()).collect();
    assert!(!ids.contains(&"S1") && !ids.contains(&"A3"), "{ids:?}");
}

#[test]
fn a_rule_that_does_not_apply_has_a_reason() {
    let mut recording = Model::pull_push().recording();
    recording.plan.trace.events = vec!["damon:damos_stat_after_apply_interval".into()];
    rewrite(&mut recording, |lines| lines.retain(|line| line.contains("damos_stat")));
    let judged = judge(&recording);
    assert_eq!(judged.findings, []);
    let reason =
        |id: &str| judged.skipped.iter().find(|(skipped, _)| skipped.id == id).map(|(_, why)| why.as_str());
    assert_eq!(reason("R1"), Some("damon_aggregated is not recorded"));
    assert_eq!(reason("G7"), Some("damos_node_eligible_mem_bp is not recorded"));
    assert_eq!(reason("S1"), None);
}

#[test]
fn a_run_without_events_is_not_judged_by_them() {
    let mut recording = Model::pull_push().recording();
    rewrite(&mut recording, Vec::clear);
    let judged = judge(&recording);
    assert_eq!(judged.findings, []);
    assert!(
        judged.skipped.iter().any(|(about, why)| about.id == "Q1" && why == "no kdamond emitted an event")
    );
}

#[test]
fn a_kernel_without_the_tracepoint_is_skipped_by_its_name() {
    let mut recording = Model::pull_push().recording();
    rewrite(&mut recording, |lines| lines.retain(|line| !line.contains("damos_node_eligible_mem_bp")));
    recording.plan.trace.events.push("damon:damos_node_eligible_mem_bp".into());
    recording.formats = "name: damos_esz\nname: damos_before_apply\nname: damon_aggregated\n\
                         name: damos_stat_after_apply_interval\n"
        .into();
    let verdict = judge(&recording).verdict();
    assert_eq!(verdict.to_string(), "skip: the kernel has no tracepoint damon:damos_node_eligible_mem_bp");
}

#[test]
fn of_thousands_of_findings_the_first_are_kept_and_the_rest_is_counted() {
    let mut recording = Model::pull_push().recording();
    recording.plan.kdamonds[0].context.intervals.aggr_us = 10_000;
    let found = testing::found(&recording, "R3");
    assert_eq!(found.len(), KEPT);
    assert!(found[KEPT - 1].seen.ends_with("more of R3)"), "{}", found[KEPT - 1].seen);
}

#[test]
fn a_finding_reads_as_one_message() {
    let mut recording = Model::pull_push().recording();
    rewrite(&mut recording, |lines| testing::replace(lines, "damos_esz", 0, "esz=1048576", "esz=4096"));
    let finding = testing::found(&recording, "Q1").remove(0);
    let text = finding.to_string();
    let expected = "temporal-quota-is-all-or-nothing (Q1): expected damos_esz with esz=1048576 (kdamond 0, scheme 0, score 3333); saw esz=4096\n    \
                    trace.txt:1: kdamond.0-52";
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(finding.evidence.len(), 2);
}

#[test]
fn real_runs_pass() {
    for name in all() {
        let recording = testing::stored(&name);
        let machine = crate::machine::Machine::new(&recording.scenario.machine).unwrap();
        let mut plan = machine.plan(&recording.scenario, recording.meta.seed);
        // An older damonlab recorded migrations only where the scenario named them.
        plan.trace.events.retain(|event| recording.plan.trace.events.contains(event));
        assert_eq!(recording.plan, plan, "{name}");
        assert_eq!(judge(&recording).verdict().to_string(), "pass", "{name}");
    }
}

#[test]
fn real_traces_print_back_to_the_byte() {
    for name in all() {
        let recording = testing::stored(&name);
        let text = fs_err::read_to_string(recording.dir.join("trace.txt")).unwrap();
        let printed: Vec<String> = recording.trace.lines.iter().map(ToString::to_string).collect();
        let events: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(printed, events, "{name}");
    }
}
