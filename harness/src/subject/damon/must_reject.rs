//! For each invariant, a recording that it must reject: a good one, tampered with.
//!
//! Most are real runs of `tests/recordings`. Before the change the invariant applies and passes.

use super::testing::{Model, edit, found, of_event, replace, rewrite, stored, with_accesses};
use crate::check::About;
use crate::judge::reference::{self, Example, Examples};
use crate::judge::{self, judge};
use crate::recording::Recording;
use crate::subject::damon::events::{
    Aggregated, BeforeApply, Esz, Event, MIGRATE_PAGES, MIGRATIONS, NodeEligible, Stat,
};
use damonlab_protocol::damon::{Goal, Scheme};
use damonlab_protocol::record::Sample;
use damonlab_protocol::units::{Bytes, NodeId};

struct Case {
    id: &'static str,
    good: fn() -> Recording,
    tamper: fn(&mut Recording),
}

fn pull_push() -> Recording {
    stored("pull-push-short")
}

fn picture() -> Recording {
    stored("picture")
}

fn truth() -> Recording {
    stored("truth")
}

/// The goals of scheme 0 are those of the model and one whose node does not exist, so that its score is 0.
fn unseen_goal() -> Recording {
    let mut model = Model::pull_push();
    let absent = Goal { metric: "node_mem_used_bp".into(), nid: 9, ..model.goal(0).clone() };
    model.scheme(0).quota.goals.push(absent);
    model.recording()
}

/// The target of the schemes has no memory, so that nothing is moved.
fn without_target() -> Recording {
    let mut recording = Model::pull_push().recording();
    recording.plan.trace.events.push(MIGRATIONS.into());
    recording.plan.kdamonds[0].context.schemes.iter_mut().for_each(|scheme| scheme.target_nid = 7);
    for counter in ["nr_applied", "sz_applied"] {
        set_all(&mut recording, Stat::NAME, counter, "0");
    }
    recording.report.kdamond_stats.clear();
    let first = recording.samples[0].clone();
    recording.samples[1] = Sample { time: recording.samples[1].time, ..first };
    recording
}

fn tuned() -> Recording {
    stored("tuned")
}

fn scheme(recording: &mut Recording, index: usize) -> &mut Scheme {
    &mut recording.plan.kdamonds[0].context.schemes[index]
}

/// Replaces `from` by `to` in every line.
fn everywhere(recording: &mut Recording, from: &str, to: &str) {
    rewrite(recording, |lines| lines.iter_mut().for_each(|line| *line = line.replace(from, to)));
}

/// The first region on which a scheme acts comes twice.
fn twice(recording: &mut Recording) {
    rewrite(recording, |lines| {
        let at = of_event(lines, BeforeApply::NAME)[0];
        lines.insert(at, lines[at].clone());
    });
}

/// Gives a `key=value` of a line another value.
fn set(lines: &mut [String], event: &str, nth: usize, key: &str, value: &str) {
    edit(lines, event, nth, |line| with(line, key, value));
}

/// Gives a `key=value` of the last line of an event another value.
fn set_last(recording: &mut Recording, event: &str, key: &str, value: &str) {
    rewrite(recording, |lines| {
        let last = of_event(lines, event).len() - 1;
        set(lines, event, last, key, value);
    });
}

fn with(line: &str, key: &str, value: &str) -> String {
    let replaced = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if name == key => format!("{key}={value}"),
        _ => pair.to_owned(),
    };
    line.split(' ').map(replaced).collect::<Vec<_>>().join(" ")
}

/// Gives a `key=value` of all of an event's lines another value.
fn set_all(recording: &mut Recording, event: &str, key: &str, value: &str) {
    rewrite(recording, |lines| {
        (0..of_event(lines, event).len()).for_each(|nth| set(lines, event, nth, key, value));
    });
}

/// Replaces the ages of all `damon_aggregated` by a function of the number of the aggregation.
fn ages(recording: &mut Recording, age: fn(u32) -> u32) {
    let (mut nth, mut left) = (0, 0);
    for line in &mut recording.trace.lines {
        let Event::Aggregated(region) = &mut line.event else { continue };
        if left == 0 {
            (nth, left) = (nth + 1, region.nr_regions);
        }
        left -= 1;
        region.age = age(nth);
    }
}

/// A run that is paused in the middle: with no event after the pause, and with all of them.
fn paused() -> (Recording, Recording) {
    let mut model = Model::pull_push();
    let mut paused = model.kdamonds.clone();
    paused[0].context.pause = true;
    model.commits.push((10, paused));
    let wrong = model.recording();
    let pause = wrong.report.steps[1].answered[&0];
    let mut right = wrong.clone();
    let kept = wrong.trace.lines.iter().filter(|line| line.time < pause).count();
    rewrite(&mut right, |lines| lines.truncate(kept));
    // The statistics of the model include what it did after the pause.
    right.report.kdamond_stats.clear();
    (right, wrong)
}

const CASES: &[Case] = &[
    Case {
        id: "K1",
        good: pull_push,
        tamper: |r| {
            r.dmesg
                .push_str("4,9000000;WARNING: mm/damon/core.c:1 at damon_test+0x1/0x2, CPU#0: kdamond.0/50\n")
        },
    },
    Case {
        id: "K3",
        good: pull_push,
        tamper: |r| {
            r.dmesg.push_str("3,9000000;INFO: task kdamond.0:52 blocked for more than 122 seconds.\n")
        },
    },
    Case { id: "guest-error", good: pull_push, tamper: |r| r.report.errors.push("no more memory".into()) },
    Case { id: "incomplete", good: pull_push, tamper: |r| drop(r.report.steps.pop()) },
    Case {
        id: "K2",
        good: || stored("refused"),
        tamper: |r| r.report.steps.iter_mut().for_each(|step| step.refused = None),
    },
    Case { id: "trace-lost", good: pull_push, tamper: |r| r.report.trace_stats[0].overrun = 1 },
    Case {
        id: "trace-unreadable",
        good: pull_push,
        tamper: |r| rewrite(r, |lines| replace(lines, Esz::NAME, 0, " esz=", " quota=")),
    },
    Case { id: "P2", good: || paused().0, tamper: |r| *r = paused().1 },
    Case {
        id: "G1",
        good: pull_push,
        tamper: |r| rewrite(r, |lines| set(lines, NodeEligible::NAME, 0, "current_value", "10001")),
    },
    Case { id: "G2", good: pull_push, tamper: |r| scheme(r, 0).quota.goals[0].target_value += 1 },
    Case {
        id: "G3",
        good: pull_push,
        tamper: |r| {
            rewrite(r, |lines| {
                let goal = of_event(lines, NodeEligible::NAME)[0];
                lines.swap(goal, goal + 1);
            });
        },
    },
    Case {
        id: "G4",
        good: pull_push,
        tamper: |r| everywhere(r, "current_value=10000", "current_value=8000"),
    },
    Case { id: "G6", good: pull_push, tamper: |r| set_all(r, NodeEligible::NAME, "current_value", "0") },
    Case { id: "G7", good: pull_push, tamper: |r| scheme(r, 0).quota.reset_interval_ms *= 2 },
    Case { id: "X2", good: pull_push, tamper: |r| set_all(r, Esz::NAME, "esz", "1048576") },
    Case {
        id: "Q1",
        good: pull_push,
        tamper: |r| rewrite(r, |lines| replace(lines, Esz::NAME, 1, "esz=1048576", "esz=1048575")),
    },
    Case {
        id: "Q2",
        good: || Model::consist().recording(),
        tamper: |r| rewrite(r, |lines| set(lines, Esz::NAME, 6, "esz", "1000")),
    },
    Case { id: "Q3", good: pull_push, tamper: |r| everywhere(r, " esz=1048576", " esz=4095") },
    Case { id: "Q4", good: pull_push, tamper: |r| everywhere(r, " esz=1048576", " esz=524288") },
    Case { id: "Q5", good: pull_push, tamper: |r| everywhere(r, " esz=1048576", " esz=1048577") },
    Case {
        id: "Q6",
        good: pull_push,
        tamper: |r| {
            let last = r.samples.iter_mut().rev().nth(1).unwrap();
            last.schemes[0][1].effective_bytes -= 1;
        },
    },
    Case { id: "Q7", good: pull_push, tamper: |r| set_last(r, Stat::NAME, "qt_exceeds", "8") },
    Case {
        id: "Q8",
        good: || stored("priority"),
        tamper: |r| rewrite(r, |lines| set(lines, Esz::NAME, 0, "esz", "4096")),
    },
    Case { id: "Q9", good: unseen_goal, tamper: |r| everywhere(r, " esz=1048576", " esz=1048575") },
    Case { id: "S1", good: pull_push, tamper: |r| set_last(r, Stat::NAME, "sz_tried", "1") },
    Case {
        id: "S2",
        good: pull_push,
        tamper: |r| rewrite(r, |lines| drop(lines.remove(of_event(lines, BeforeApply::NAME)[1]))),
    },
    Case { id: "S3", good: pull_push, tamper: |r| set_last(r, Stat::NAME, "sz_applied", "99999999") },
    Case { id: "S4", good: pull_push, tamper: |r| r.report.kdamond_stats[0][1].sz_applied += 4096 },
    Case { id: "S5", good: tuned, tamper: |r| scheme(r, 0).max_nr_snapshots = 4 },
    Case { id: "S6", good: pull_push, tamper: |r| scheme(r, 1).apply_interval_us = 400_000 },
    Case { id: "S7", good: || stored("cxl"), tamper: |r| set_last(r, Stat::NAME, "nr_snapshots", "99") },
    Case { id: "A1", good: pull_push, tamper: |r| scheme(r, 1).nr_accesses.min = 3 },
    Case { id: "A2", good: pull_push, tamper: |r| scheme(r, 1).core_filters[0].matching = true },
    Case {
        id: "A3",
        good: pull_push,
        tamper: |r| everywhere(r, "scheme_idx=1 target_idx=0", "scheme_idx=0 target_idx=1"),
    },
    Case {
        id: "A4",
        good: pull_push,
        tamper: |r| everywhere(r, " 536870912-537919488", " 536870913-537919488"),
    },
    Case { id: "A7", good: pull_push, tamper: twice },
    Case {
        id: "A8",
        good: || stored("cxl"),
        tamper: |r| rewrite(r, |lines| drop(lines.remove(of_event(lines, BeforeApply::NAME)[1]))),
    },
    Case { id: "A5", good: pull_push, tamper: |r| ages(r, |nth| nth - 1) },
    Case {
        id: "A6",
        good: pull_push,
        tamper: |r| everywhere(r, " 542576640-543625216: 3 1", " 537919488-538968064: 3 1"),
    },
    Case {
        id: "R1",
        good: pull_push,
        tamper: |r| rewrite(r, |lines| drop(lines.remove(of_event(lines, Aggregated::NAME)[3]))),
    },
    Case {
        id: "R2",
        good: pull_push,
        tamper: |r| {
            let ranges = r.report.node_ranges.values_mut().next_back().unwrap();
            ranges.last_mut().unwrap().1.0 += 1 << 20;
        },
    },
    Case { id: "R3", good: pull_push, tamper: |r| r.plan.kdamonds[0].context.intervals.sample_us = 200_000 },
    Case { id: "R4", good: pull_push, tamper: |r| ages(r, |nth| 2 * nth) },
    Case { id: "R5", good: pull_push, tamper: |r| r.plan.kdamonds[0].context.nr_regions.min = 100 },
    Case { id: "R6", good: pull_push, tamper: |r| ages(r, |nth| nth - 1) },
    Case { id: "R7", good: tuned, tamper: |r| everywhere(r, "probe_hits=14 00", "probe_hits=15 00") },
    Case {
        id: "R8",
        good: || stored("splits"),
        tamper: |r| r.plan.kdamonds[0].context.nr_regions.max = 4000,
    },
    Case { id: "P1", good: truth, tamper: |r| everywhere(r, "target_value=7000", "target_value=7001") },
    Case { id: "M1", good: truth, tamper: |r| set_all(r, MIGRATE_PAGES, "nr_succeeded", "7") },
    Case {
        id: "M2",
        good: truth,
        tamper: |r| *r.samples.last_mut().unwrap().vmstat.get_mut("pgmigrate_success").unwrap() += 1,
    },
    Case {
        id: "M3",
        good: truth,
        tamper: |r| {
            for nodes in r.samples.iter_mut().flat_map(|sample| sample.workloads.values_mut()) {
                *nodes = [(NodeId(1), Bytes(32 << 20))].into();
            }
        },
    },
    Case {
        id: "M4",
        good: truth,
        tamper: |r| *r.samples.last_mut().unwrap().vmstat.get_mut("nr_isolated_anon").unwrap() += 10_000,
    },
    Case { id: "S8", good: truth, tamper: |r| set_all(r, Stat::NAME, "nr_applied", "0") },
    Case {
        id: "M5",
        good: truth,
        tamper: |r| {
            let last = r.samples.last_mut().unwrap();
            let absent = last.nodes[&NodeId(0)].clone();
            last.nodes.insert(NodeId(2), absent);
            let nodes = last.workloads.get_mut("hot").unwrap();
            nodes.values_mut().find(|bytes| bytes.0 > 0).unwrap().0 -= 4096;
            nodes.insert(NodeId(2), Bytes(4096));
        },
    },
    Case {
        id: "M6",
        good: without_target,
        tamper: |r| {
            rewrite(r, |lines| {
                let at = of_event(lines, BeforeApply::NAME)[0];
                let (head, _) = lines[at].split_once(BeforeApply::NAME).unwrap();
                let none = "nr_thp_succeeded=0 nr_thp_failed=0 nr_thp_split=0 nr_split=0";
                let counts = format!("nr_succeeded=0 nr_failed=256 {none} mode=MIGRATE_ASYNC reason=damon");
                let line = format!("{head}{MIGRATE_PAGES}: {counts}");
                lines.insert(at + 1, line);
            });
        },
    },
    Case { id: "G5", good: picture, tamper: |r| set_all(r, NodeEligible::NAME, "current_value", "0") },
    Case {
        id: "G8",
        good: || stored("gauge"),
        tamper: |r| set_last(r, NodeEligible::NAME, "current_value", "6400"),
    },
    Case { id: "G9", good: picture, tamper: |r| with_accesses(r, 0) },
    Case { id: "T1", good: tuned, tamper: |r| everywhere(r, "sample_us=9375", "sample_us=9374") },
];

#[test]
fn each_invariant_rejects_a_recording_only_after_the_change() {
    for Case { id, good, tamper } in CASES {
        let mut recording = good();
        let judged = judge(&recording);
        let applies = |rule: &About| judged.applied.contains(&rule);
        assert!(judge::rule(id).is_none_or(applies), "{id} does not apply");
        assert_eq!(judged.findings, [], "{id}: before the change");
        tamper(&mut recording);
        assert_ne!(found(&recording, id), [], "{id} accepts the changed recording");
    }
}

#[test]
fn each_invariant_has_a_recording_that_it_must_reject() {
    let without = judge::rules().map(|invariant| invariant.id);
    // A pause needs a recording of its own: `config_periods.rs` has P2's.
    let without: Vec<_> =
        without.filter(|id| *id != "P2" && !CASES.iter().any(|case| case.id == *id)).collect();
    assert_eq!(without, [""; 0], "add cases above");
}

#[test]
fn the_stored_examples_of_violations_are_those_of_these_recordings() {
    let example = |Case { id, good, tamper }: &Case| {
        let mut recording = good();
        tamper(&mut recording);
        ((*id).to_owned(), Example::from(&found(&recording, id)[0]))
    };
    let examples: Examples = CASES.iter().map(example).collect();
    if crate::host::variables::is(crate::host::variables::BLESS, "1") {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/judge/violations.json");
        fs_err::write(path, serde_json::to_string_pretty(&examples).unwrap() + "\n").unwrap();
    } else {
        assert!(
            examples == reference::examples(),
            "violations.json differs; DAMONLAB_BLESS=1 writes it anew"
        );
    }
}
