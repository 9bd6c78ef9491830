use super::super::testing::{Model, found, of_event, replace, rewrite};
use super::*;
use crate::recording::RunInputs;
use crate::subject::damon::events::NodeEligible;

/// Computed by hand from the source of the kernel.
#[test]
fn the_ramp_of_an_idle_consist_scheme_doubles_until_it_saturates() {
    let mut controller = Controller::new(FeedLoop::DividesFirst, GoalTuner::Consist, 0);
    let ramp: Vec<u64> = (0..60).map(|_| controller.window(0).esz).collect();
    assert_eq!(ramp[..4], [2, 4, 8, 16]);
    assert_eq!((ramp[11], ramp[19], ramp[25], ramp[28]), (4096, 1 << 20, 64 << 20, 512 << 20));
    assert_eq!(ramp[50..], [u64::MAX / 10000; 10]);
}

#[test]
fn windup_takes_as_many_windows_to_undo_as_computed_by_hand() {
    for (score, windows) in [(15_000, 22), (12_500, 53), (11_000, 143), (20_000, 1)] {
        let mut controller = Controller::new(FeedLoop::DividesFirst, GoalTuner::Consist, 0);
        for _ in 0..60 {
            controller.window(0);
        }
        let taken = (1..).find(|_| controller.window(score).esz <= 512 << 20).unwrap();
        assert_eq!(taken, windows, "score {score}");
    }
}

#[test]
fn a_size_quota_caps_the_quota_and_not_the_loop() {
    let mut controller = Controller::new(FeedLoop::DividesFirst, GoalTuner::Consist, 4);
    let quotas: Vec<_> = (0..4).map(|_| controller.window(0)).collect();
    assert_eq!(quotas.iter().map(|q| q.esz).collect::<Vec<_>>(), [2, 4, 4, 4]);
    assert_eq!(quotas.iter().map(|q| q.emitted).collect::<Vec<_>>(), [true, true, false, false]);
    assert_eq!(controller.window(GOAL).esz, 4, "esz_bp has reached 16 bytes");
}

#[test]
fn a_temporal_scheme_without_a_size_quota_has_the_largest_quota() {
    let mut controller = Controller::new(FeedLoop::DividesFirst, GoalTuner::Temporal, 0);
    assert_eq!(controller.window(9_999), Quota { esz: 1_844_674_407_370_955, emitted: true });
    assert_eq!(controller.window(10_000), Quota { esz: 0, emitted: true });
    assert_eq!(controller.window(20_000), Quota { esz: 0, emitted: false });
    let mut huge = Controller::new(FeedLoop::DividesFirst, GoalTuner::Temporal, u64::MAX / 2);
    assert_eq!(huge.window(0).esz, 1_844_674_407_370_955);
}

#[test]
fn scores_round_down() {
    assert_eq!(score(6_999, 7_000), 9_998);
    assert_eq!(score(7_000, 7_000), GOAL);
    assert_eq!(score(1, 3), 3_333);
    assert_eq!(score(10_000, 1), 100_000_000);
}

#[test]
fn q1_sees_one_wrong_byte_a_missing_and_a_superfluous_event() {
    let correct = Model::pull_push().recording();
    assert_eq!(found(&correct, "Q1"), []);

    let mut wrong = correct.clone();
    rewrite(&mut wrong, |lines| replace(lines, Esz::NAME, 0, "esz=1048576", "esz=1048575"));
    assert_eq!(found(&wrong, "Q1")[0].seen, "esz=1048575");

    let mut missing = correct.clone();
    rewrite(&mut missing, |lines| {
        let at = of_event(lines, Esz::NAME)[2];
        lines.remove(at);
    });
    assert_eq!(found(&missing, "Q1")[0].seen, "none");

    let mut twice = correct.clone();
    rewrite(&mut twice, |lines| {
        let goals = of_event(lines, NodeEligible::NAME);
        let silent = *goals.iter().find(|at| !lines[**at + 1].contains(Esz::NAME)).unwrap();
        let first = of_event(lines, Esz::NAME)[0];
        let scheme = if lines[silent].contains("scheme_idx=1") { "scheme_idx=1" } else { "scheme_idx=0" };
        let copy = lines[first].replace("scheme_idx=0", scheme);
        lines.insert(silent + 1, copy);
    });
    assert!(found(&twice, "Q1")[0].expected.starts_with("no damos_esz"));
}

#[test]
fn q1_takes_the_highest_of_several_goals() {
    let mut model = Model::pull_push();
    let reached =
        Goal { metric: "user_input".into(), current_value: 10, target_value: 10, ..model.goal(0).clone() };
    model.scheme(0).quota.goals.push(reached);
    assert_eq!(found(&model.recording(), "Q1"), []);
    let mut without = model.recording();
    without.plan.kdamonds[0].context.schemes[0].quota.goals.pop();
    assert!(!found(&without, "Q1").is_empty());
}

#[test]
fn q2_replays_the_feedback_loop_to_the_byte() {
    let correct = Model::consist().recording();
    assert_eq!(found(&correct, "Q2"), []);
    let mut wrong = correct.clone();
    rewrite(&mut wrong, |lines| {
        let at = of_event(lines, Esz::NAME)[6];
        let (head, esz) = lines[at].rsplit_once('=').unwrap();
        lines[at] = format!("{head}={}", esz.parse::<u64>().unwrap() + 1);
    });
    assert_eq!(found(&wrong, "Q2").len(), 1);
}

#[test]
fn q2_sees_an_open_loop() {
    let mut model = Model::consist();
    model.current = |_, _| 0;
    let mut recording = model.recording();
    rewrite(&mut recording, |lines| {
        for line in lines.iter_mut().filter(|line| line.contains(NodeEligible::NAME)) {
            *line = line.replace("current_value=0", "current_value=9000");
        }
    });
    assert!(!found(&recording, "Q2").is_empty());
}

/// An input of the loop that `last * difference` overflows for: the remainder of the division counts.
#[test]
fn the_variants_of_the_feed_loop_differ_where_the_product_overflows_and_nowhere_else() {
    let both = |last, score| {
        [FeedLoop::DividesFirst, FeedLoop::MultFrac].map(|variant| next_input(variant, last, score))
    };
    // 2^63 is 922337203685477 * 10000 + 5808, and 5808 * 5000 / 10000 is 2904.
    let last = 1 << 63;
    let [divides_first, mult_frac] = both(last, 15_000);
    assert_eq!(divides_first, last - 922_337_203_685_477 * 5000);
    assert_eq!(mult_frac, divides_first - 2904);
    for (last, score) in [(10_000, 0), (u64::MAX / 10_001, 0), (1 << 40, 19_999), (123_456_789, 9_999)] {
        let [divides_first, mult_frac] = both(last, score);
        assert_eq!(divides_first, mult_frac, "{last} {score}");
    }
}

/// The model computes exactly, as `mult_frac()` does.
fn saturated(feed_loop: &str) -> crate::recording::Recording {
    let mut model = Model::consist();
    model.turns = 90;
    model.current = |turn, scheme| match turn {
        0..60 => 0,
        _ => [3300, 7700][scheme],
    };
    for index in 0..2 {
        model.scheme(index).quota.bytes = 0;
    }
    let mut recording = model.recording();
    recording.meta.formulas = Some([(formulas::FEED_LOOP.to_owned(), feed_loop.to_owned())].into());
    recording
}

#[test]
fn q2_replays_the_variant_that_the_kernel_has() {
    assert_eq!(found(&saturated("mult-frac"), "Q2"), []);
    assert_eq!(found(&saturated("divides-first"), "Q2").len(), 2, "one for each scheme");
}

#[test]
fn q2_does_not_apply_to_a_loop_that_is_none_of_the_known_variants() {
    let judged = crate::judge::judge(&saturated("other"));
    let (_, why) = judged.skipped.iter().find(|(rule, _)| rule.id == "Q2").unwrap();
    assert_eq!(why, "damon_feed_loop_next_input() of this kernel is none of the known variants");
}

/// A copy of a real run on Linux 7.3, whose kernel is said to have this variant of the loop.
fn stored(variant: Option<&str>) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    crate::recording::testing::copy("consist", copy.path());
    let mut meta = RunInputs::load(copy.path()).unwrap().meta;
    assert_eq!(meta.formulas.as_ref().unwrap()[formulas::FEED_LOOP], "divides-first", "as Linux 7.3");
    meta.formulas = variant.map(|variant| [(formulas::FEED_LOOP.to_owned(), variant.to_owned())].into());
    crate::recording::finish(copy.path(), &meta).unwrap();
    copy
}

/// A run until the loop is saturated and back, on Linux 7.3 with a patch that uses `mult_frac()`.
#[test]
fn a_real_run_with_mult_frac_passes_as_that_and_is_a_byte_off_as_linux_7_3() {
    let mut recording = crate::subject::damon::testing::stored("mult-frac");
    assert_eq!(recording.meta.formulas.as_ref().unwrap()[formulas::FEED_LOOP], "mult-frac");
    assert_eq!(found(&recording, "Q2"), []);
    recording.meta.formulas = None;
    let finding = found(&recording, "Q2").remove(0);
    assert!(finding.expected.contains("esz=1235931852938540 "), "{}", finding.expected);
    assert_eq!(finding.seen, "esz=1235931852938539");
}

/// A real run, whose kernel is said to have either variant. Its quota never gets so large that they differ.
#[test]
fn a_stored_recording_is_judged_by_the_variant_that_it_names() {
    for (variant, part) in [
        (None, "is not known"),
        (Some("mult-frac"), "with mult_frac()"),
        (Some("divides-first"), "divides first"),
    ] {
        let report = crate::judge::rejudge(stored(variant).path()).unwrap();
        assert_eq!(report.verdict, crate::check::Verdict::Pass, "{variant:?}");
        let notes = report.judgement.unwrap().notes;
        assert!(
            notes.iter().any(|note| note.starts_with("consist-quota") && note.contains(part)),
            "{notes:?}"
        );
    }
    let judgement = crate::judge::rejudge(stored(Some("cubic")).path()).unwrap().judgement.unwrap();
    let why = judgement.skipped.iter().find(|(rule, _)| rule.id == "Q2").map(|(_, why)| why.as_str());
    assert!(why.is_some_and(|why| why.contains("none of the known variants")), "{why:?}");
}

#[test]
fn the_notes_of_a_judged_recording_say_which_variant_was_replayed() {
    for (name, part) in [("mult-frac", "is the variant with mult_frac()"), ("divides-first", "divides first")]
    {
        let notes = crate::judge::judge(&saturated(name)).notes;
        assert!(notes.iter().any(|note| note.contains(part)), "{notes:?}");
    }
}

#[test]
fn the_complement_of_a_goal_is_taken_where_the_kernel_takes_it() {
    let recording = |variant: Option<&str>, complement: bool| {
        let mut model = Model::pull_push();
        model.scheme(0).quota.goals[0].complement = complement;
        let mut recording = model.recording();
        recording.meta.formulas =
            variant.map(|variant| [(formulas::QUOTA_SCORE.to_owned(), variant.to_owned())].into());
        recording
    };
    assert_eq!(found(&recording(Some("complement-of-value"), true), "Q1"), []);
    assert_ne!(found(&recording(Some("complement-of-score"), true), "Q1"), []);
    assert_eq!(found(&recording(Some("complement-of-score"), false), "Q1"), []);
    for unknown in [None, Some("other"), Some("no-complement")] {
        assert_eq!(found(&recording(unknown, true), "Q1"), [], "{unknown:?}");
    }
}
