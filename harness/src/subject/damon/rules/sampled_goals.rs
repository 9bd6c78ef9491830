//! The quota of goals whose values are not traced, but lie between those of the samples: Q9.

use super::quota::told_before;
use super::quota_range::metrics;
use super::quota_range::states::{ANY, Range, States};
use super::quota_range::turns::{Begins, EVENTS, Turn, turns};
use super::selection::replay::need_own_configuration;
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::scenario::GuestClock;
use crate::subject::damon::events::{Esz, goal_event};
use crate::subject::damon::formulas;
use crate::subject::damon::oracle::{GOAL, Tuning, known_tuner, score};
use crate::subject::damon::rule::{About, DamonRule, Kind, Reason, Rule, RuleResult, each_scheme, in_core};
use crate::subject::damon::view::{KdamondRun, View, goals};
use damonlab_protocol::damon::{Goal, GoalTuner, Scheme};
use damonlab_protocol::units::Nanos;

/// With a shorter reset interval a pass may begin several windows, which the trace does not tell apart.
const LEAST_RESET_MS: u64 = 50;

pub(crate) static QUOTA_FITS_SAMPLED_GOALS: DamonRule = Rule {
    about: About {
        id: "Q9",
        name: "quota-fits-sampled-goals",
        kind: Kind::Conditional,
        statement: "The quota of each charge window is one that the tuner gives for a value of each goal between those of the samples before and after it.",
        because: "The kernel takes the metrics of goals from the counters of meminfo and numa_maps, both tuners give less for a higher score, and the damos_esz of each window narrows down what the feedback loop keeps.",
        source: &[
            in_core("damos_set_quota_goal_current_value"),
            in_core(formulas::QUOTA_SCORE),
            in_core("damos_goal_tune_esz_bp_consist"),
            in_core("damos_goal_tune_esz_bp_temporal"),
        ],
        file: file!(),
        when: "a goal is neither traced nor has Q1 or Q2 its scheme, there is no time quota, damos_esz, damos_before_apply and damos_stat_after_apply_interval are recorded; a value between samples where schemes only count, move and sort pages",
    },
    judge: quota_fits_sampled_goals,
};

fn quota_fits_sampled_goals(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need(&EVENTS)?;
        need_unseen_goals(view, run, index, scheme)?;
        need_known_windows(view, run, scheme)?;
        let (feed_loop, _) = formulas::feed_loop(view.recording)?;
        let tuning = Tuning { feed_loop, tuner: known_tuner(view, scheme)?, bytes: scheme.quota.bytes };
        follow(view, run, index, tuning)
    })
}

/// An error where the exact rules replay the scheme.
fn need_unseen_goals(
    view: &View<'_>,
    run: &KdamondRun<'_>,
    index: usize,
    scheme: &Scheme,
) -> Result<(), Reason> {
    let is_exact = |goal: &Goal| goal.metric == "user_input" || is_traced(view, goal);
    let visible = !run.charge_windows[index].goals.is_empty();
    match goals(scheme).next() {
        None => Err("the scheme has no goal".to_owned()),
        Some(_) if visible && goals(scheme).all(is_exact) => Err("Q1 or Q2 has each value".to_owned()),
        Some(_) if goals(scheme).any(|goal| goal.complement) => Err("a goal has a complement".to_owned()),
        Some(_) => Ok(()),
    }
}

/// An error where the time of a pass does not tell whether a window may begin with it.
fn need_known_windows(view: &View<'_>, run: &KdamondRun<'_>, scheme: &Scheme) -> Result<(), Reason> {
    if scheme.quota.ms != 0 {
        return Err("a time quota depends on how long actions take".to_owned());
    }
    if scheme.quota.reset_interval_ms < LEAST_RESET_MS {
        return Err(format!("a reset interval is shorter than {LEAST_RESET_MS} ms"));
    }
    if scheme.watermarks.metric != "none" {
        return Err("watermarks decide when schemes are applied".to_owned());
    }
    need_own_configuration(view, run)
}

fn is_traced(view: &View<'_>, goal: &Goal) -> bool {
    goal_event(&goal.metric).is_some_and(|event| view.traced(event))
}

fn follow(view: &View<'_>, run: &KdamondRun<'_>, index: usize, tuning: Tuning) -> Result<Violations, Reason> {
    let scheme = &run.config.context.schemes[index];
    let mut states = match view.history(run, index).is_empty() && run.is_from_start() {
        true => States::fresh(),
        false => States::unknown(told_before(view, run, index).map(|(_, esz)| esz)),
    };
    let virtual_clock = view.recording.meta.clock == GuestClock::Virtual;
    let reset = virtual_clock.then(|| Nanos(scheme.quota.reset_interval_ms.saturating_mul(1_000_000)));
    let mut known = false;
    for (nth, turn) in turns(view, run, index)?.iter().enumerate() {
        let first = nth == 0 && turn.begins == Begins::Surely;
        let score = scores(view, scheme, turn, tuning, states.esz().filter(|_| first).or(first.then_some(0)));
        known |= score != ANY;
        if let Err(quotas) = states.after(turn, tuning, score, reset) {
            return Ok([violation(run, index, turn, (score, quotas), &states)].into_iter().collect());
        }
    }
    match known {
        true => Ok(Violations::default()),
        false => Err("no sample bounds the value of a goal".to_owned()),
    }
}

/// The least and the most of the highest score when a window begins. `first` is the quota before it, in the first window.
fn scores(view: &View<'_>, scheme: &Scheme, turn: &Turn<'_>, tuning: Tuning, first: Option<u64>) -> Range {
    let unseen = goals(scheme).filter(|goal| !is_traced(view, goal)).map(|goal| {
        let of = |value| score(value, goal.target_value);
        match &*goal.metric {
            "user_input" => (of(goal.current_value), of(goal.current_value)),
            // The first value is such that it changes nothing (`damos_set_psi_current_val`).
            "some_mem_psi_us" => match (first, tuning.tuner) {
                (Some(_), GoalTuner::Consist) | (Some(0), GoalTuner::Temporal) => (GOAL, GOAL),
                (Some(_), GoalTuner::Temporal) => (0, 0),
                (None, _) => ANY,
            },
            _ => metrics::value(view, goal, turn.time).map_or(ANY, |(least, most)| (of(least), of(most))),
        }
    });
    let traced = (turn.traced, turn.traced);
    unseen.fold(traced, |one, other| (one.0.max(other.0), one.1.max(other.1)))
}

fn violation(
    run: &KdamondRun<'_>,
    index: usize,
    turn: &Turn<'_>,
    (score, quotas): (Range, Option<Range>),
    states: &States,
) -> Violation {
    let name = run.scheme_name(index);
    let after = states.esz().map_or(String::new(), |esz| format!(" after {esz}"));
    let expected = match quotas {
        Some(quotas) => {
            let (esz, score) = (shown(quotas), shown(score));
            format!("{} with esz={esz}{after} ({name}, score {score})", Esz::NAME)
        }
        None => format!("no charge window of {name}, before the reset interval is over"),
    };
    let seen = match turn.esz {
        Some((_, esz)) => format!("esz={esz}"),
        None => "none".to_owned(),
    };
    Violation::new(expected, seen).at(turn.lines.iter().copied())
}

/// A range, for messages.
fn shown((least, most): Range) -> String {
    match (least == most, most) {
        (true, _) => least.to_string(),
        (_, u64::MAX) => format!("{least} and more"),
        _ => format!("{least} to {most}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::judge::judge;
    use crate::recording::Recording;
    use crate::subject::damon::events::Esz;
    use crate::subject::damon::testing::{Model, edit, found, rewrite};
    use damonlab_protocol::damon::Goal;
    use damonlab_protocol::plan::Step;
    use damonlab_protocol::units::{Bytes, Nanos, NodeId};

    /// A run whose scheme 0 has a goal of 5000 and whose kernel measured 2000. Of the 100 MiB of node 0, this much is free before
    /// and after it.
    fn with_goal(mut model: Model, metric: &str, free: (u64, u64)) -> Recording {
        let goal = Goal { current_value: 2000, target_value: 5000, nid: 0, ..model.goal(0).clone() };
        model.scheme(0).quota.goals = vec![Goal { metric: metric.into(), ..goal }];
        let mut recording = model.recording();
        let last = recording.trace.lines.last().unwrap().time.0;
        for (sample, time, free) in [(0, 0, free.0), (1, last + 1, free.1)] {
            let sample = &mut recording.samples[sample];
            let fields = [("MemTotal", 100), ("MemFree", free), ("Active", 10), ("Inactive", 40)];
            let fields = fields.map(|(name, size)| (name.to_owned(), Bytes(size << 20)));
            (sample.time, sample.nodes) = (Nanos(time), [(NodeId(0), fields.into())].into());
        }
        recording
    }

    #[test]
    fn q9_replays_a_constant_goal_whose_windows_are_not_visible() {
        for model in [Model::consist(), Model::pull_push()] {
            let mut recording = with_goal(model, "user_input", (50, 50));
            assert_eq!(found(&recording, "Q9"), []);
            rewrite(&mut recording, |lines| {
                edit(lines, Esz::NAME, 0, |line| line.replace("scheme_idx=1", "scheme_idx=0") + "7");
            });
            assert_eq!(found(&recording, "Q9").len(), 1);
        }
    }

    #[test]
    fn q9_takes_each_metric_from_the_samples() {
        for (metric, fits, differs) in [
            ("node_mem_free_bp", (20, 20), (70, 70)),
            ("node_mem_used_bp", (80, 80), (20, 20)),
            ("node_mem_free_bp", (10, 60), (65, 70)),
        ] {
            assert_eq!(found(&with_goal(Model::pull_push(), metric, fits), "Q9"), [], "{metric} {fits:?}");
            let findings = found(&with_goal(Model::pull_push(), metric, differs), "Q9");
            assert!(findings[0].expected.contains("with esz=0"), "{metric}: {findings:?}");
        }
        assert_eq!(found(&with_goal(Model::pull_push(), "active_mem_bp", (50, 50)), "Q9"), []);
        assert_eq!(found(&with_goal(Model::pull_push(), "inactive_mem_bp", (50, 50)), "Q9").len(), 1);
    }

    #[test]
    fn q9_knows_that_the_first_memory_pressure_changes_nothing() {
        let findings = found(&with_goal(Model::pull_push(), "some_mem_psi_us", (50, 50)), "Q9");
        assert!(
            findings[0].expected.ends_with("with esz=0 (kdamond 0, scheme 0, score 10000)"),
            "{findings:?}"
        );
    }

    #[test]
    fn q9_does_not_know_the_value_while_a_step_changes_memory() {
        let mut recording = with_goal(Model::pull_push(), "node_mem_free_bp", (60, 60));
        recording.plan.steps[1] = Step::Offline { node: NodeId(1) };
        let skipped = judge(&recording).skipped;
        let (_, why) = skipped.iter().find(|(about, _)| about.id == "Q9").unwrap();
        assert!(why.contains("no sample bounds the value of a goal"), "{why}");
    }
}
