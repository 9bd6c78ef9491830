//! What the kernel may keep of a quota: the oracle's tuning, for ranges of scores.
//!
//! Both tuners give a lower quota for a higher score, and the feedback loop a higher one after a higher one. So the ends of
//! a range follow from the ends of the ranges before it.

use super::super::stats::JIFFY;
use super::turns::{Begins, Turn};
use crate::subject::damon::oracle::{GOAL, Tuning};
use damonlab_protocol::damon::GoalTuner;
use damonlab_protocol::units::Nanos;

/// So many states at most are followed apart; more are taken together, as one range.
const MOST_STATES: usize = 16;

/// By how much the times of the trace and jiffies may differ, both ways.
const SLACK: u64 = 3 * JIFFY;

/// From here on the loop may divide first, which can make it smaller by less than [`GOAL`] (`damon_feed_loop_next_input`).
const ROUNDS: u64 = u64::MAX / GOAL / 2;

/// From the least to the most.
pub(in super::super) type Range = (u64, u64);

/// Any value.
pub(in super::super) const ANY: Range = (0, u64::MAX);

/// One state that is possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    esz_bp: Range,
    /// When its window began: not before, and not after.
    since: Range,
}

/// All states that are possible.
#[derive(Debug, Clone)]
pub(in super::super) struct States {
    states: Vec<State>,
    /// The effective quota, where it is known.
    esz: Option<u64>,
}

impl States {
    /// Before the first window of a scheme.
    pub(in super::super) fn fresh() -> States {
        States { states: vec![State { esz_bp: (0, 0), since: ANY }], esz: None }
    }

    /// When nothing is known but the effective quota.
    pub(in super::super) fn unknown(esz: Option<u64>) -> States {
        States { states: vec![State { esz_bp: ANY, since: ANY }], esz }
    }

    pub(in super::super) fn esz(&self) -> Option<u64> {
        self.esz
    }

    /// The states after a turn with a score in `score`. `reset` is the reset interval; none where the time does not tell
    /// when a window begins.
    ///
    /// # Errors
    /// None is possible. The error is the range of quotas that are.
    pub(in super::super) fn after(
        &mut self,
        turn: &Turn<'_>,
        tuning: Tuning,
        score: Range,
        reset: Option<Nanos>,
    ) -> Result<(), Option<Range>> {
        let quota = turn.quota().or(self.esz);
        let begins = |state: &&State| {
            let most = turn.time.1.0.saturating_sub(state.since.0);
            reset.is_none_or(|reset| most.saturating_add(SLACK) >= reset.0)
        };
        let continues = |state: &&State| {
            let least = turn.time.0.0.saturating_sub(state.since.1);
            turn.begins == Begins::Perhaps && reset.is_none_or(|reset| least < reset.0.saturating_add(SLACK))
        };
        let nexts: Vec<Range> =
            self.states.iter().filter(begins).flat_map(|state| next(tuning, state.esz_bp, score)).collect();
        let since = (turn.time.0.0, turn.time.1.0);
        let begun =
            nexts.iter().filter_map(|range| Some(State { esz_bp: narrowed(tuning, *range, quota)?, since }));
        let kept = self.states.iter().filter(continues).copied();
        let states = merged(begun.chain(kept).collect());
        if states.is_empty() {
            let quotas = nexts.iter().map(|range| (tuning.quota(range.0), tuning.quota(range.1)));
            return Err(quotas.reduce(hull));
        }
        (self.states, self.esz) = (states, quota);
        Ok(())
    }
}

/// What follows a range of `esz_bp`.
fn next(tuning: Tuning, last: Range, score: Range) -> Vec<Range> {
    let (least, most) = (tuning.next(last.0, score.1), tuning.next(last.1, score.0));
    match tuning.tuner {
        GoalTuner::Temporal if least != most => vec![(least, least), (most, most)],
        GoalTuner::Temporal => vec![(least, least)],
        GoalTuner::Consist if most >= ROUNDS => vec![(least.saturating_sub(GOAL), most.saturating_add(GOAL))],
        GoalTuner::Consist => vec![(least, most)],
    }
}

/// The part of a range that has this effective quota.
fn narrowed(tuning: Tuning, range: Range, esz: Option<u64>) -> Option<Range> {
    let Some(esz) = esz else { return Some(range) };
    let capped = tuning.bytes != 0 && esz == tuning.bytes;
    let highest = if capped { u64::MAX } else { esz.saturating_mul(GOAL).saturating_add(GOAL - 1) };
    let part = (range.0.max(esz.saturating_mul(GOAL)), range.1.min(highest));
    (part.0 <= part.1 && tuning.quota(part.0) == esz).then_some(part)
}

fn hull(one: Range, other: Range) -> Range {
    (one.0.min(other.0), one.1.max(other.1))
}

/// Each state once, and all in one where there are too many.
fn merged(states: Vec<State>) -> Vec<State> {
    let mut all: Vec<State> = Vec::new();
    for state in states {
        match all.iter_mut().find(|one| one.esz_bp == state.esz_bp) {
            Some(one) => one.since = hull(one.since, state.since),
            None => all.push(state),
        }
    }
    if all.len() <= MOST_STATES {
        return all;
    }
    let together = |one: State, other: State| State {
        esz_bp: hull(one.esz_bp, other.esz_bp),
        since: hull(one.since, other.since),
    };
    all.into_iter().reduce(together).into_iter().collect()
}
