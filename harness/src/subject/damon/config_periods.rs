//! The configuration that was in force for each of a kdamond's events.
//!
//! A command that changes it runs in `kdamond_call` (`damon_sysfs_damon_call`), which `kdamond_fn` calls once per
//! iteration: after it merges regions, before it applies schemes. All events of an iteration come after the call, and
//! before the next one the kdamond sleeps at least `sample_us` (`kdamond_usleep`). When the kdamond has answered, the
//! agent runs first and reads the clock. So the border lies half a sample before that moment: older events belong to
//! the iteration before, whose last event is a whole sample old.

use crate::recording::{Line, Recording};

use damonlab_protocol::damon::Kdamond;
use damonlab_protocol::plan::Step;
use damonlab_protocol::units::Nanos;

/// A stretch of a kdamond's run in which one configuration was in force.
pub(super) struct ConfigPeriod<'a> {
    pub(super) config: &'a Kdamond,
    /// The step that committed it; `None` for the one that was started.
    pub(super) since: Option<usize>,
    /// How many schemes are still those of the period before: a commit matches them by their number.
    pub(super) kept: usize,
    pub(super) lines: Vec<&'a Line>,
}

/// A configuration and the time at which it came into force.
struct Change<'a> {
    step: usize,
    config: &'a Kdamond,
    answered: Nanos,
}

/// The periods with events of the kdamond `index`, which emitted `lines`.
pub(super) fn config_periods<'a>(
    recording: &'a Recording,
    index: usize,
    lines: &[&'a Line],
) -> Vec<ConfigPeriod<'a>> {
    let Some((first, started)) = lines.first().zip(recording.plan.kdamonds.get(index)) else {
        return Vec::new();
    };
    let mut config_periods: Vec<ConfigPeriod<'a>> = Vec::new();
    let mut rest = lines;
    let (mut config, mut since, mut kept) = (started, None, 0);
    for change in changes(recording, index, first.time) {
        let border = border(change.answered, config);
        let (old, new) = rest.split_at(rest.partition_point(|line| line.time < border));
        if !old.is_empty() {
            config_periods.push(ConfigPeriod { config, since, kept, lines: old.to_vec() });
            kept = config.context.schemes.len();
        }
        config = change.config;
        kept = kept.min(config.context.schemes.len());
        since = Some(change.step);
        rest = new;
    }
    if !rest.is_empty() {
        config_periods.push(ConfigPeriod { config, since, kept, lines: rest.to_vec() });
    }
    config_periods
}

/// Half of the shortest sample before the answer. Tuned intervals are as short as their goal allows
/// (`kdamond_tune_intervals`).
fn border(answered: Nanos, config: &Kdamond) -> Nanos {
    let intervals = &config.context.intervals;
    let tuned = intervals.goal.iter().filter(|goal| goal.aggrs > 0).map(|goal| goal.min_sample_us);
    let shortest = tuned.fold(intervals.sample_us, u64::min);
    Nanos(answered.0.saturating_sub(Nanos::from_micros(shortest).0 / 2))
}

/// The commits to the kdamond from the last start before its first event to the next start.
fn changes(recording: &Recording, index: usize, first: Nanos) -> impl Iterator<Item = Change<'_>> {
    let steps: Vec<_> = recording.plan.steps.iter().zip(&recording.report.steps).enumerate().collect();
    let is_start = |step: &Step| matches!(step, Step::Start { .. });
    let start = steps.iter().rposition(|(_, (step, outcome))| is_start(step) && outcome.begin <= first);
    let after = steps.into_iter().skip(start.map_or(0, |start| start + 1));
    let until_next = after.take_while(move |(_, (step, _))| !is_start(step));
    until_next.filter_map(move |(number, (step, outcome))| {
        let answered = *outcome.answered.get(&index).filter(|_| outcome.refused.is_none())?;
        let config = step.configures()?.get(index)?;
        Some(Change { step: number, config, answered })
    })
}

#[cfg(test)]
mod tests {
    use super::super::events::{Esz, NodeEligible};
    use super::super::testing::{Model, edit, found, of_event, rewrite};
    use super::super::view::View;
    use crate::check::Finding;
    use crate::judge::judge;
    use crate::recording::Recording;
    use damonlab_protocol::damon::{GoalTuner, IntervalsGoal};
    use damonlab_protocol::record::Refusal;
    use damonlab_protocol::units::Nanos;

    /// 70 to 30 to 90 %, in the middle of windows.
    fn retargeted(mut model: Model) -> Model {
        for (turn, share) in [(13, 3000), (26, 9000)] {
            model.commit(turn, |schemes| {
                schemes[0].quota.goals[0].target_value = 10_000 - share;
                schemes[1].quota.goals[0].target_value = share;
            });
        }
        model
    }

    fn findings(model: &Model) -> Vec<Finding> {
        judge(&model.recording()).findings
    }

    #[test]
    fn a_retargeted_run_passes_with_either_tuner() {
        assert_eq!(findings(&retargeted(Model::pull_push())), []);
        assert_eq!(findings(&retargeted(Model::consist())), []);
    }

    #[test]
    fn every_commit_begins_an_entry_with_the_history_of_its_schemes() {
        let recording = retargeted(Model::pull_push()).recording();
        let view = View::new(&recording);
        let since: Vec<_> = view.kdamond_runs.iter().map(|run| run.since).collect();
        assert_eq!(since, [None, Some(1), Some(2)]);
        let known: Vec<_> = view.kdamond_runs.iter().map(|run| view.history(run, 1).len()).collect();
        assert_eq!(known, [0, 1, 2]);
        let lines: usize = view.kdamond_runs.iter().map(|run| run.lines.len()).sum();
        assert_eq!(lines, recording.trace.lines.len());
    }

    #[test]
    fn the_committed_goals_must_be_measured() {
        let mut recording = retargeted(Model::pull_push()).recording();
        rewrite(&mut recording, |lines| {
            let last = of_event(lines, NodeEligible::NAME).len() - 1;
            edit(lines, NodeEligible::NAME, last, |line| line.replace("=9000 ", "=3000 "));
        });
        assert_eq!(found(&recording, "G2").len(), 1);
    }

    #[test]
    fn the_tuner_is_replayed_over_a_commit() {
        for model in [Model::pull_push(), Model::consist()] {
            let recording = retargeted(model).recording();
            let mut wrong_quota = recording.clone();
            let border = recording.report.steps[2].answered[&0];
            rewrite(&mut wrong_quota, |lines| {
                let at = of_event(lines, Esz::NAME).into_iter().find(|at| {
                    let time = recording.trace.lines[*at].time;
                    time > border && !lines[*at].ends_with("esz=0")
                });
                let (head, _) = lines[at.unwrap()].rsplit_once('=').unwrap();
                let line = format!("{head}=4097");
                lines[at.unwrap()] = line;
            });
            let wrong = [found(&wrong_quota, "Q1"), found(&wrong_quota, "Q2")].concat();
            assert_eq!(wrong.len(), 1, "{wrong:?}");
        }
    }

    #[test]
    fn a_commit_that_changes_more_than_goals_passes() {
        let mut model = Model::pull_push();
        model.commit(9, |schemes| schemes[0].quota.goal_tuner = GoalTuner::Consist.into());
        model.commit(17, |schemes| {
            schemes.pop();
        });
        model.commit(25, |schemes| {
            let mut second = schemes[0].clone();
            second.quota.goals[0].target_value = 10;
            second.quota.bytes = 8192;
            schemes[0].quota.bytes = 4 << 20;
            schemes[0].quota.goal_tuner = GoalTuner::Temporal.into();
            schemes.push(second);
        });
        assert_eq!(findings(&model), []);
    }

    #[test]
    fn an_event_one_tuned_sample_before_a_commit_belongs_to_the_old_configuration() {
        let mut recording = retargeted(Model::pull_push()).recording();
        let answered = recording.report.steps[1].answered[&0];
        let before = |recording: &Recording| View::new(recording).kdamond_runs[0].lines.last().unwrap().time;
        assert!(before(&recording) < answered);
        recording.plan.kdamonds[0].context.intervals.sample_us = 1_000_000;
        let late = before(&recording);
        let goal = IntervalsGoal { access_bp: 400, aggrs: 3, min_sample_us: 10, max_sample_us: u64::MAX };
        recording.plan.kdamonds[0].context.intervals.goal = Some(goal);
        assert!(late < before(&recording), "{late:?}: a sample may be shorter than the one at the start");
    }

    #[test]
    fn a_scheme_that_is_removed_and_added_again_is_a_new_one() {
        let mut model = Model::pull_push();
        let second = model.kdamonds[0].context.schemes[1].clone();
        model.commit(9, |schemes| {
            schemes.pop();
        });
        model.commit(17, |schemes| schemes.push(second));
        let recording = model.recording();
        assert_eq!(judge(&recording).findings, []);
        let view = View::new(&recording);
        assert_eq!(
            (view.history(&view.kdamond_runs[2], 0).len(), view.history(&view.kdamond_runs[2], 1).len()),
            (2, 0)
        );
    }

    #[test]
    fn statistics_must_continue_over_a_commit() {
        let mut model = Model::pull_push();
        model.commit(13, |_| {});
        let mut recording = model.recording();
        let border = recording.report.steps[1].answered[&0];
        let times: Vec<Nanos> = recording.trace.lines.iter().map(|line| line.time).collect();
        let mut before = [0, 0];
        rewrite(&mut recording, |lines| {
            for (line, time) in lines.iter_mut().zip(times) {
                let Some((head, rest)) = line.split_once(" nr_tried=") else { continue };
                let (count, tail) = rest.split_once(' ').unwrap();
                let (count, scheme) = (count.parse::<u64>().unwrap(), usize::from(head.ends_with("=1")));
                if time < border {
                    before[scheme] = count;
                } else {
                    *line = format!("{head} nr_tried={} {tail}", count - before[scheme]);
                }
            }
        });
        assert!(before.iter().all(|count| *count > 0));
        assert_eq!(found(&recording, "S1").len(), 2, "of each scheme, at the border");
    }

    #[test]
    fn a_refused_commit_changes_nothing() {
        let mut recording = Model::pull_push().recording();
        let mut committed = retargeted(Model::pull_push()).recording();
        for step in &mut committed.report.steps[1..3] {
            let file = "0/state".to_owned();
            step.refused = Some(Refusal { errno: "EINVAL".into(), file, value: "commit".into() });
        }
        recording.plan = committed.plan;
        recording.report.steps = committed.report.steps;
        let judged = judge(&recording);
        let ids: Vec<_> = judged.findings.iter().map(Finding::id).collect();
        assert_eq!(ids, ["K2", "K2"], "the kernel had to accept it: {:?}", judged.findings);
        assert_eq!(View::new(&recording).kdamond_runs.len(), 1);
    }

    #[test]
    fn p2_sees_a_kdamond_that_runs_while_it_is_paused() {
        let mut model = Model::pull_push();
        model.turns = 12;
        let mut paused = model.kdamonds.clone();
        paused[0].context.pause = true;
        model.commits.push((10, paused));
        let recording = model.recording();
        assert!(!found(&recording, "P2").is_empty());
        let border = recording.report.steps[1].answered[&0];
        let mut correct = recording.clone();
        let kept = recording.trace.lines.iter().filter(|line| line.time < border).count();
        rewrite(&mut correct, |lines| lines.truncate(kept));
        assert_eq!(found(&correct, "P2"), []);
        assert!(judge(&correct).applied.iter().any(|invariant| invariant.id == "P2"));
    }
}
