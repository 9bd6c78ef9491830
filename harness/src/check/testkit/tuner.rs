//! How the small DAMON tunes its quota.

use damonlab_guest::damon::{GoalTuner, Quota};

/// The effective quota of a window, from goals as (measured, wanted).
pub(super) fn tuned(quota: &Quota, goals: &[(u64, u64)], input: &mut u128) -> u64 {
    if goals.is_empty() {
        return quota.bytes;
    }
    let unlimited = u64::MAX / 10_000;
    let cap = if quota.bytes == 0 { unlimited } else { quota.bytes };
    let reached = goals.iter().any(|(measured, wanted)| measured >= wanted);
    match quota.goal_tuner {
        // What the other tuner would begin with after a commit.
        GoalTuner::Temporal => {
            *input = if reached { 0 } else { u128::from(cap.saturating_mul(10_000)) };
            if reached { 0 } else { cap }
        }
        GoalTuner::Consist => {
            // Percent of a percent of the goal that is reached best.
            let share =
                goals.iter().map(|(measured, wanted)| u128::from(measured * 10_000 / wanted)).max().unwrap();
            let last = (*input).max(10_000);
            *input = if share >= 20_000 { 10_000 } else { last * (20_000 - share) / 10_000 };
            if share > 10_000 && share < 20_000 {
                // The kernel rounds the part that it takes away, not what is left.
                *input = (last - last * (share - 10_000) / 10_000).max(10_000);
            }
            *input = (*input).min(u128::from(u64::MAX));
            u64::try_from(*input / 10_000).unwrap().min(cap)
        }
    }
}
