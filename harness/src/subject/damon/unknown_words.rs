//! Tests: a rule that depends on what a word means does not apply where a scenario introduces the word.

use super::testing::{Model, found, stored};
use crate::judge::{Judgement, judge};
use crate::recording::Recording;
use damonlab_protocol::damon::{Filter, FilterKind, FilterLayer, Kdamond, Keyword};

/// What comes of a recording whose configuration is changed, also where a step brings another one.
fn with(mut recording: Recording, change: impl Fn(&mut Kdamond)) -> (Recording, Judgement) {
    recording.plan.kdamonds.iter_mut().for_each(&change);
    let judged = judge(&recording);
    (recording, judged)
}

fn why(judged: &Judgement, id: &str) -> String {
    let skipped = judged.skipped.iter().find(|(about, _)| about.id == id);
    skipped.map(|(_, why)| why.clone()).unwrap_or_else(|| format!("{id} applies"))
}

#[test]
fn a_metric_that_is_introduced_leaves_the_quota_unknown() {
    let (_, judged) = with(Model::pull_push().recording(), |kdamond| {
        kdamond.context.schemes.iter_mut().for_each(|scheme| {
            let mut own = scheme.quota.goals[0].clone();
            own.metric = "my_bp".to_owned();
            scheme.quota.goals.push(own);
        });
    });
    assert_eq!(judged.findings, []);
    assert_eq!(why(&judged, "Q1"), "the value of a my_bp goal is not traced");
}

#[test]
fn a_tuner_that_is_introduced_computes_an_unknown_quota() {
    for model in [Model::pull_push(), Model::consist()] {
        let (_, judged) = with(model.recording(), |kdamond| {
            for scheme in &mut kdamond.context.schemes {
                scheme.quota.goal_tuner = Keyword::Introduced("pid".to_owned());
            }
        });
        assert_eq!(judged.findings, []);
        for id in ["Q1", "Q2"] {
            assert_eq!(why(&judged, id), "how the goal_tuner pid works is not known");
        }
        assert_eq!(why(&judged, "X2"), "no two schemes with the temporal tuner have complementary goals");
    }
}

#[test]
fn a_tuner_that_is_introduced_leaves_the_quota_unknown_after_it() {
    let mut model = Model::pull_push();
    model.commit(9, |_| {});
    let (_, judged) = with(model.recording(), |kdamond| {
        for scheme in &mut kdamond.context.schemes {
            scheme.quota.goal_tuner = Keyword::Introduced("pid".to_owned());
        }
    });
    assert_eq!(judged.findings, []);
    assert!(judged.skipped.iter().any(|(about, _)| about.id == "Q1"), "{:?}", judged.skipped);
}

#[test]
fn an_action_that_is_introduced_may_do_anything_to_memory() {
    // Migrations, ages and bytes that would be wrong for an action that is known.
    let (recording, judged) = with(stored("pull-push-short"), |kdamond| {
        kdamond.context.schemes.iter_mut().for_each(|scheme| scheme.action = "migrate_warm".to_owned());
    });
    assert_eq!(judged.findings, []);
    let unknown = "what the action migrate_warm does is not known";
    assert_eq!(why(&judged, "A5"), unknown);
    assert_eq!(why(&judged, "M3"), "a scheme does more to memory than to move it");
    assert_eq!(found(&recording, "M1"), []);
    assert!(!judged.applied.iter().any(|about| about.id == "M1"));
}

#[test]
fn a_core_filter_that_is_introduced_rejects_unknown_memory() {
    let filter = |layer| Filter {
        kind: FilterKind::Introduced { name: "mine".to_owned(), layer },
        matching: true,
        allow: true,
    };
    let with_filter = |layer| {
        with(Model::pull_push().recording(), |kdamond| {
            kdamond.context.schemes.iter_mut().for_each(|scheme| scheme.filters.insert(0, filter(layer)));
        })
        .1
    };
    let core = with_filter(FilterLayer::Core);
    assert_eq!(core.findings, []);
    assert_eq!(why(&core, "A2"), "what a core filter matches is not known");
    assert_eq!(with_filter(FilterLayer::Ops).findings, []);
}

#[test]
fn an_operations_set_that_is_introduced_counts_and_moves_what_it_wants() {
    let (_, judged) = with(stored("pull-push-short"), |kdamond| {
        kdamond.context.ops = Keyword::Introduced("perf".to_owned());
        // So many accesses can never be seen by sampling.
        kdamond.context.intervals.sample_us = kdamond.context.intervals.aggr_us;
    });
    assert_eq!(why(&judged, "R3"), "what the operations set perf counts is not known");
    for id in ["R2", "R6", "G5", "G6"] {
        assert!(!why(&judged, id).ends_with("applies"), "{id}");
    }
}
