//! The replay of the quota controller, which computes every `damos_esz` from the measurements before it (Q1, Q2).
//!
//! [`Controller`] is `damos_set_effective_quota` of Linux 7.3 with the same integer arithmetic, for goals whose values
//! are in the trace or the plan, and without a time quota. The kernel emits the event in the first charge window, and
//! later whenever the value changes.

use super::events::{Esz, Measurement};
use super::rule::{
    About, DamonRule, Kind, Reason, Rule, RuleResult, Violation, Violations, each_scheme, in_core,
};
use super::view::{KdamondRun, View, goals};
use super::windows::Window;
use crate::host::text::foreign;
use damonlab_protocol::damon::{GoalTuner, Keyword, Scheme};

/// The score of a goal that is just reached, and the unit of `esz_bp`.
const GOAL: u64 = 10_000;

/// What the kernel keeps of a scheme's quota from window to window.
#[derive(Debug, Clone)]
pub struct Controller {
    tuner: GoalTuner,
    bytes: u64,
    esz_bp: u64,
    esz: Option<u64>,
}

/// The quota of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The effective quota, in bytes.
    pub esz: u64,
    /// Whether the kernel emits `damos_esz` for it.
    pub emitted: bool,
}

impl Controller {
    /// A scheme's quota before its first window. `bytes` is the size quota; 0 is none.
    pub fn new(tuner: GoalTuner, bytes: u64) -> Controller {
        Controller { tuner, bytes, esz_bp: 0, esz: None }
    }

    /// Another tuner and size quota, by a commit. The state of the loop stays (`damos_commit_quota`).
    pub fn commit(&mut self, tuner: GoalTuner, bytes: u64) {
        (self.tuner, self.bytes) = (tuner, bytes);
    }

    /// The quota of windows without goals, in which the loop does not run.
    fn set(&mut self, esz: u64) {
        self.esz = Some(esz);
    }

    /// Starts a window with the highest score of the goals.
    pub fn window(&mut self, score: u64) -> Quota {
        self.esz_bp = match self.tuner {
            GoalTuner::Consist => next_input(self.esz_bp.max(GOAL), score),
            GoalTuner::Temporal if score >= GOAL => 0,
            GoalTuner::Temporal if self.bytes != 0 => self.bytes.saturating_mul(GOAL),
            GoalTuner::Temporal => u64::MAX,
        };
        let goal_esz = self.esz_bp / GOAL;
        let esz = if self.bytes != 0 { goal_esz.min(self.bytes) } else { goal_esz };
        let emitted = self.esz != Some(esz);
        self.esz = Some(esz);
        Quota { esz, emitted }
    }
}

/// `damon_feed_loop_next_input`.
pub fn next_input(last: u64, score: u64) -> u64 {
    if score == GOAL {
        return last;
    }
    if score >= GOAL * 2 {
        return GOAL;
    }
    let over = score > GOAL;
    let difference = score.abs_diff(GOAL);
    let compensation =
        if last < u64::MAX / difference { last * difference / GOAL } else { last / GOAL * difference };
    if over { last.wrapping_sub(compensation).max(GOAL) } else { last.saturating_add(compensation) }
}

/// One goal's score: `mult_frac(current, 10000, target)`, which wraps as the kernel's does.
/// `target` is never 0: neither sysfs nor a commit accepts that.
pub fn score(current: u64, target: u64) -> u64 {
    let target = target.max(1);
    let (whole, rest) = (current / target, current % target);
    whole.wrapping_mul(GOAL).wrapping_add(rest.wrapping_mul(GOAL) / target)
}

pub(crate) static TEMPORAL_QUOTA_IS_ALL_OR_NOTHING: DamonRule = Rule {
    about: About {
        id: "Q1",
        name: "temporal-quota-is-all-or-nothing",
        kind: Kind::Exact,
        statement: "With the temporal tuner the quota is 0 once a goal is reached, otherwise the full size quota. The kernel emits damos_esz whenever it changes.",
        because: "The tuner has two states, and the score follows from the measurements in the trace.",
        source: &[in_core("damos_goal_tune_esz_bp_temporal"), in_core("damos_set_effective_quota")],
        file: file!(),
        when: "every goal is traced (node_eligible_mem_bp) or user_input, there is no time quota, damos_esz is recorded",
    },
    judge: temporal_quota_is_all_or_nothing,
};

fn temporal_quota_is_all_or_nothing(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| replay(view, run, index, scheme, GoalTuner::Temporal))
}

pub(crate) static CONSIST_QUOTA_FOLLOWS_FEEDBACK: DamonRule = Rule {
    about: About {
        id: "Q2",
        name: "consist-quota-follows-feedback",
        kind: Kind::Exact,
        statement: "With the consist tuner the quota follows the feedback loop exactly. The kernel emits damos_esz whenever it changes.",
        because: "The loop is integer arithmetic on the score and on its own last value; the trace has both from the first window on.",
        source: &[
            in_core("damos_goal_tune_esz_bp_consist"),
            in_core("damon_feed_loop_next_input"),
            in_core("damos_set_effective_quota"),
        ],
        file: file!(),
        when: "every goal is traced (node_eligible_mem_bp) or user_input, there is no time quota, damos_esz is recorded",
    },
    judge: consist_quota_follows_feedback,
};

fn consist_quota_follows_feedback(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| replay(view, run, index, scheme, GoalTuner::Consist))
}

fn replay(
    view: &View<'_>,
    run: &KdamondRun<'_>,
    index: usize,
    scheme: &Scheme,
    tuner: GoalTuner,
) -> Result<Violations, Reason> {
    if scheme.quota.goal_tuner != tuner {
        let own = known_tuner(scheme)?;
        return Err(format!("the scheme has the goal_tuner {}", Keyword::from(own).as_str()));
    }
    view.need(&[Esz::NAME])?;
    view.need_windows(run, index)?;
    let constant = constant_score(run, index)?;
    let mut controller = before(view, run, index)?;
    controller.commit(tuner, scheme.quota.bytes);
    for window in &run.charge_windows[index].windows {
        let score = measured_score(window).max(constant);
        let quota = controller.window(score);
        if let Some(violation) = differs(run, index, window, score, quota) {
            // What follows depends on a state that is now unknown.
            return Ok([violation].into_iter().collect());
        }
    }
    Ok(Violations::default())
}

/// The state of the controller when this configuration came into force.
fn before(view: &View<'_>, run: &KdamondRun<'_>, index: usize) -> Result<Controller, Reason> {
    let mut controller = Controller::new(GoalTuner::Consist, 0);
    for earlier in view.history(run, index) {
        let unknown = |why: Reason| format!("the quota before the commit is not known: {why}");
        let scheme = &earlier.config.context.schemes[index];
        if goals(scheme).next().is_none() {
            // Without any limit the kernel ignores the quota (`damos_quota_is_set`).
            if let Some((_, esz)) = earlier.last_esz(index) {
                controller.set(esz);
            }
            continue;
        }
        view.need_windows(earlier, index).map_err(unknown)?;
        let constant = constant_score(earlier, index).map_err(unknown)?;
        let charge = &earlier.charge_windows[index];
        if charge.broken.is_some() {
            return Err(unknown("the charge windows are not distinct (see G3)".to_owned()));
        }
        controller.commit(known_tuner(scheme).map_err(unknown)?, scheme.quota.bytes);
        for window in &charge.windows {
            let quota = controller.window(measured_score(window).max(constant));
            if differs(earlier, index, window, 0, quota).is_some() {
                return Err(unknown("it was wrong before".to_owned()));
            }
        }
    }
    Ok(controller)
}

/// An error where the scenario introduces the tuner: how it computes the quota is not known.
fn known_tuner(scheme: &Scheme) -> Result<GoalTuner, Reason> {
    let tuner = &scheme.quota.goal_tuner;
    tuner.known().ok_or_else(|| format!("how the goal_tuner {} works is not known", foreign(tuner.as_str())))
}

/// The highest score of the goals whose value is constant. All others must be traced.
fn constant_score(run: &KdamondRun<'_>, index: usize) -> Result<u64, Reason> {
    let scheme = &run.config.context.schemes[index];
    let traced = &run.charge_windows[index].goals;
    if scheme.quota.ms != 0 {
        return Err("a time quota depends on how long actions take".to_owned());
    }
    let mut highest = 0;
    for goal in goals(scheme) {
        match goal.metric.as_str() {
            "user_input" => highest = highest.max(score(goal.current_value, goal.target_value)),
            _ if traced.contains(&goal) => {}
            metric => return Err(format!("the value of a {metric} goal is not traced")),
        }
    }
    Ok(highest)
}

/// The highest score of the goals that a window measured.
fn measured_score(window: &Window<'_>) -> u64 {
    window.goals.iter().map(|(_, goal)| goal.score()).max().unwrap_or_default()
}

impl Measurement {
    /// The score that the kernel computes from it.
    pub(crate) fn score(&self) -> u64 {
        score(self.current.0, self.target.0)
    }
}

fn differs(
    run: &KdamondRun<'_>,
    index: usize,
    window: &Window<'_>,
    score: u64,
    quota: Quota,
) -> Option<Violation> {
    let name = run.scheme_name(index);
    let Quota { esz, emitted } = quota;
    let event = Esz::NAME;
    let (expected, seen) = match (emitted, window.quota()) {
        (true, Some(seen)) if seen == esz => return None,
        (true, Some(seen)) => (format!("{event} with esz={esz}"), format!("esz={seen}")),
        (true, None) if !window.followed => return None,
        (true, None) => (format!("{event} with esz={esz}"), "none".to_owned()),
        (false, None) => return None,
        (false, Some(seen)) => (format!("no {event}, because the quota stays {esz}"), format!("esz={seen}")),
    };
    let expected = format!("{expected} ({name}, score {score})");
    Some(Violation::new(expected, seen).at(window.lines()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Model, found, of_event, replace, rewrite};
    use super::*;
    use crate::subject::damon::events::NodeEligible;

    /// Computed by hand from the source of the kernel.
    #[test]
    fn the_ramp_of_an_idle_consist_scheme_doubles_until_it_saturates() {
        let mut controller = Controller::new(GoalTuner::Consist, 0);
        let ramp: Vec<u64> = (0..60).map(|_| controller.window(0).esz).collect();
        assert_eq!(ramp[..4], [2, 4, 8, 16]);
        assert_eq!((ramp[11], ramp[19], ramp[25], ramp[28]), (4096, 1 << 20, 64 << 20, 512 << 20));
        assert_eq!(ramp[50..], [u64::MAX / 10000; 10]);
    }

    #[test]
    fn windup_takes_as_many_windows_to_undo_as_computed_by_hand() {
        for (score, windows) in [(15_000, 22), (12_500, 53), (11_000, 143), (20_000, 1)] {
            let mut controller = Controller::new(GoalTuner::Consist, 0);
            for _ in 0..60 {
                controller.window(0);
            }
            let taken = (1..).find(|_| controller.window(score).esz <= 512 << 20).unwrap();
            assert_eq!(taken, windows, "score {score}");
        }
    }

    #[test]
    fn a_size_quota_caps_the_quota_and_not_the_loop() {
        let mut controller = Controller::new(GoalTuner::Consist, 4);
        let quotas: Vec<_> = (0..4).map(|_| controller.window(0)).collect();
        assert_eq!(quotas.iter().map(|q| q.esz).collect::<Vec<_>>(), [2, 4, 4, 4]);
        assert_eq!(quotas.iter().map(|q| q.emitted).collect::<Vec<_>>(), [true, true, false, false]);
        assert_eq!(controller.window(GOAL).esz, 4, "esz_bp has reached 16 bytes");
    }

    #[test]
    fn a_temporal_scheme_without_a_size_quota_has_the_largest_quota() {
        let mut controller = Controller::new(GoalTuner::Temporal, 0);
        assert_eq!(controller.window(9_999), Quota { esz: 1_844_674_407_370_955, emitted: true });
        assert_eq!(controller.window(10_000), Quota { esz: 0, emitted: true });
        assert_eq!(controller.window(20_000), Quota { esz: 0, emitted: false });
        let mut huge = Controller::new(GoalTuner::Temporal, u64::MAX / 2);
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
        let reached = damonlab_protocol::damon::Goal {
            metric: "user_input".into(),
            current_value: 10,
            target_value: 10,
            ..model.goal(0).clone()
        };
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
}
