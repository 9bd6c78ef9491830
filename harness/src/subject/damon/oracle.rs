//! The replay of the quota controller, which computes every `damos_esz` from the measurements before it (Q1, Q2).
//!
//! [`Controller`] is `damos_set_effective_quota` of Linux 7.3 with the same integer arithmetic, for goals whose values
//! are in the trace or the plan, and without a time quota. The kernel emits the event in the first charge window, and
//! later whenever the value changes. Where kernels differ in a formula, the replay takes the one that the recorded kernel's
//! source has ([`super::formulas`]).

use super::events::{Esz, Measurement};
use super::formulas::{self, Complement, FeedLoop};
use super::rule::{
    About, DamonRule, Kind, Reason, Rule, RuleResult, Violation, Violations, each_scheme, in_core,
};
use super::view::{KdamondRun, View, goals};
use super::windows::Window;
use crate::host::text::foreign;
use damonlab_protocol::damon::{Goal, GoalTuner, Keyword, Scheme};

/// The score of a goal that is just reached, and the unit of `esz_bp`.
pub(crate) const GOAL: u64 = 10_000;

/// How the quota of a scheme follows from the scores of its windows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tuning {
    pub(crate) feed_loop: FeedLoop,
    pub(crate) tuner: GoalTuner,
    /// The size quota; 0 is none.
    pub(crate) bytes: u64,
}

impl Tuning {
    /// `esz_bp` of a window with this score, after one with `last`.
    pub(crate) fn next(&self, last: u64, score: u64) -> u64 {
        match self.tuner {
            GoalTuner::Consist => next_input(self.feed_loop, last.max(GOAL), score),
            GoalTuner::Temporal if score >= GOAL => 0,
            GoalTuner::Temporal if self.bytes != 0 => self.bytes.saturating_mul(GOAL),
            GoalTuner::Temporal => u64::MAX,
        }
    }

    /// The effective quota of an `esz_bp`.
    pub(crate) fn quota(&self, esz_bp: u64) -> u64 {
        let goal_esz = esz_bp / GOAL;
        if self.bytes != 0 { goal_esz.min(self.bytes) } else { goal_esz }
    }
}

/// What the kernel keeps of a scheme's quota from window to window.
#[derive(Debug, Clone)]
pub(crate) struct Controller {
    tuning: Tuning,
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
    pub(crate) fn new(feed_loop: FeedLoop, tuner: GoalTuner, bytes: u64) -> Controller {
        Controller { tuning: Tuning { feed_loop, tuner, bytes }, esz_bp: 0, esz: None }
    }

    /// Another tuner and size quota, by a commit. The state of the loop stays (`damos_commit_quota`).
    pub fn commit(&mut self, tuner: GoalTuner, bytes: u64) {
        self.tuning = Tuning { tuner, bytes, ..self.tuning };
    }

    /// The quota of windows without goals, in which the loop does not run.
    fn set(&mut self, esz: u64) {
        self.esz = Some(esz);
    }

    /// Starts a window with the highest score of the goals.
    pub fn window(&mut self, score: u64) -> Quota {
        self.esz_bp = self.tuning.next(self.esz_bp, score);
        let esz = self.tuning.quota(self.esz_bp);
        let emitted = self.esz != Some(esz);
        self.esz = Some(esz);
        Quota { esz, emitted }
    }
}

/// `damon_feed_loop_next_input`, in one of its variants.
pub(crate) fn next_input(variant: FeedLoop, last: u64, score: u64) -> u64 {
    if score == GOAL {
        return last;
    }
    if score >= GOAL * 2 {
        return GOAL;
    }
    let over = score > GOAL;
    let difference = score.abs_diff(GOAL);
    let compensation = match variant {
        FeedLoop::MultFrac => mult_frac(last, difference, GOAL),
        FeedLoop::DividesFirst if last < u64::MAX / difference => last * difference / GOAL,
        FeedLoop::DividesFirst => last / GOAL * difference,
    };
    if over { last.wrapping_sub(compensation).max(GOAL) } else { last.saturating_add(compensation) }
}

/// The kernel's `mult_frac`, which wraps where that does.
pub(crate) fn mult_frac(value: u64, numerator: u64, denominator: u64) -> u64 {
    let (whole, rest) = (value / denominator, value % denominator);
    whole.wrapping_mul(numerator).wrapping_add(rest.wrapping_mul(numerator) / denominator)
}

/// One goal's score: `mult_frac(current, 10000, target)`.
/// `target` is never 0: neither sysfs nor a commit accepts that.
pub fn score(current: u64, target: u64) -> u64 {
    mult_frac(current, GOAL, target.max(1))
}

pub(crate) static TEMPORAL_QUOTA_IS_ALL_OR_NOTHING: DamonRule = Rule {
    about: About {
        id: "Q1",
        name: "temporal-quota-is-all-or-nothing",
        kind: Kind::Exact,
        statement: "With the temporal tuner the quota is 0 once a goal is reached, otherwise the full size quota. The kernel emits damos_esz whenever it changes.",
        because: "The tuner has two states, and the score follows from the measurements in the trace.",
        source: &[
            in_core("damos_goal_tune_esz_bp_temporal"),
            in_core(formulas::QUOTA_SCORE),
            in_core("damos_set_effective_quota"),
        ],
        file: file!(),
        when: "every goal is traced (node_eligible_mem_bp) or user_input, how the kernel takes a complement is known, there is no time quota, damos_esz is recorded",
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
        because: "The loop is integer arithmetic on the score and on its own last value; the trace has both from the first window on. Kernels have the loop in two variants, with mult_frac() and without: the rule takes the one that the source of the recorded kernel has, and a note says which.",
        source: &[
            in_core("damos_goal_tune_esz_bp_consist"),
            in_core(formulas::FEED_LOOP),
            in_core(formulas::QUOTA_SCORE),
            in_core("damos_set_effective_quota"),
        ],
        file: file!(),
        when: "every goal is traced (node_eligible_mem_bp) or user_input, how the kernel takes a complement is known, the loop is a known variant, there is no time quota, damos_esz is recorded",
    },
    judge: consist_quota_follows_feedback,
};

fn consist_quota_follows_feedback(view: &View<'_>) -> RuleResult {
    let result = each_scheme(view, |run, index, scheme| replay(view, run, index, scheme, GoalTuner::Consist));
    match (result, formulas::feed_loop(view.recording)) {
        (RuleResult::Applied(mut violations), Ok((_, sentence))) => {
            violations.note(sentence);
            RuleResult::Applied(violations)
        }
        (result, _) => result,
    }
}

fn replay(
    view: &View<'_>,
    run: &KdamondRun<'_>,
    index: usize,
    scheme: &Scheme,
    tuner: GoalTuner,
) -> Result<Violations, Reason> {
    if scheme.quota.goal_tuner != tuner {
        let own = known_tuner(view, scheme)?;
        return Err(format!("the scheme has the goal_tuner {}", Keyword::from(own).as_str()));
    }
    view.need(&[Esz::NAME])?;
    view.need_windows(run, index)?;
    known_tuner(view, scheme)?;
    let scores = Scores::of(view, run, index)?;
    let mut controller = before(view, run, index)?;
    controller.commit(tuner, scheme.quota.bytes);
    for window in &run.charge_windows[index].windows {
        let score = scores.of_window(window);
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
    // Where it is none of the known variants, no consist tuner gets this far.
    let feed_loop = formulas::feed_loop(view.recording).map(|(variant, _)| variant).unwrap_or_default();
    let mut controller = Controller::new(feed_loop, GoalTuner::Consist, 0);
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
        let scores = Scores::of(view, earlier, index).map_err(unknown)?;
        let charge = &earlier.charge_windows[index];
        if charge.broken.is_some() {
            return Err(unknown("the charge windows are not distinct (see G3)".to_owned()));
        }
        controller.commit(known_tuner(view, scheme).map_err(unknown)?, scheme.quota.bytes);
        for window in &charge.windows {
            let quota = controller.window(scores.of_window(window));
            if differs(earlier, index, window, 0, quota).is_some() {
                return Err(unknown("it was wrong before".to_owned()));
            }
        }
    }
    Ok(controller)
}

/// An error where it is not known how the tuner computes the quota: the scenario introduces it, or the kernel's loop is none of
/// the known variants.
pub(crate) fn known_tuner(view: &View<'_>, scheme: &Scheme) -> Result<GoalTuner, Reason> {
    let tuner = &scheme.quota.goal_tuner;
    let known = tuner.known();
    if known == Some(GoalTuner::Consist) {
        formulas::feed_loop(view.recording)?;
    }
    known.ok_or_else(|| format!("how the goal_tuner {} works is not known", foreign(tuner.as_str())))
}

/// How the scores of a scheme's goals follow from what was measured.
struct Scores<'a> {
    /// The goals that are traced, in order.
    traced: &'a [&'a Goal],
    /// The highest score of the goals whose value is constant.
    constant: u64,
    complement: Option<Complement>,
}

impl<'a> Scores<'a> {
    /// An error where a goal is neither constant nor traced, or where its score is not known.
    fn of(view: &View<'_>, run: &'a KdamondRun<'_>, index: usize) -> Result<Scores<'a>, Reason> {
        let scheme = &run.config.context.schemes[index];
        let traced = &run.charge_windows[index].goals;
        if scheme.quota.ms != 0 {
            return Err("a time quota depends on how long actions take".to_owned());
        }
        let complement = formulas::complement(view.recording);
        let mut constant = 0;
        for goal in goals(scheme) {
            match goal.metric.as_str() {
                "user_input" if goal.complement => {
                    return Err("what the complement of a user_input goal is, is not known".to_owned());
                }
                "user_input" => constant = constant.max(score(goal.current_value, goal.target_value)),
                _ if traced.contains(&goal) => {}
                metric => return Err(format!("the value of a {metric} goal is not traced")),
            }
            if goal.complement && matches!(complement, None | Some(Complement::None)) {
                return Err("how this kernel takes the complement of a goal is not known".to_owned());
            }
        }
        Ok(Scores { traced, constant, complement })
    }

    /// The highest score of the goals when a window starts.
    fn of_window(&self, window: &Window<'_>) -> u64 {
        let measured = self.traced.iter().zip(&window.goals).map(|(goal, (_, measured))| {
            let left = goal.complement && self.complement == Some(Complement::OfScore);
            let current = if left { GOAL.wrapping_sub(measured.current.0) } else { measured.current.0 };
            score(current, measured.target.0)
        });
        measured.max().unwrap_or_default().max(self.constant)
    }
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
mod tests;
