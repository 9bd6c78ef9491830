//! The priority of memory within a quota: `damon_hot_score()` and `damon_cold_score()`, in the kernel's arithmetic.

use crate::subject::damon::oracle::mult_frac;
use damonlab_protocol::damon::{Context, Ops, Scheme};

/// The highest priority (`DAMOS_MAX_SCORE`).
pub(super) const MOST: i32 = 99;

/// The highest value of what a priority is made of (`DAMON_MAX_SUBSCORE`).
const MOST_OF_A_PART: i32 = 100;

/// `DAMON_MAX_AGE_IN_LOG`.
const MOST_AGE_IN_LOG: i32 = 32;

/// Whether an action is for memory with many accesses, or for memory with few; none where all memory has the same
/// priority (`damon_pa_scheme_score`, `damon_va_scheme_score`).
pub(crate) fn prefers_hot(ops: Ops, action: &str) -> Option<bool> {
    match (ops, action) {
        (_, "migrate_hot") | (Ops::Paddr, "lru_prio") => Some(true),
        (_, "migrate_cold" | "pageout") | (Ops::Paddr, "lru_deprio") => Some(false),
        _ => None,
    }
}

/// Whether accesses and age are those of a scheme's pattern. The kernel keeps both in an unsigned int
/// (`struct damos_access_pattern`).
pub(crate) fn matches(scheme: &Scheme, accesses: u32, age: u32) -> bool {
    (scheme.nr_accesses.min as u32..=scheme.nr_accesses.max as u32).contains(&accesses)
        && (scheme.age.min as u32..=scheme.age.max as u32).contains(&age)
}

/// How the priorities of one scheme are computed.
pub(super) struct Priority {
    prefers_hot: Option<bool>,
    weight_accesses: u32,
    weight_age: u32,
    /// The samples of an aggregation (`damon_nr_samples_per_aggr`).
    samples: u64,
    aggr_us: u64,
}

impl Priority {
    /// `None` where the operations set is not known.
    pub(super) fn new(context: &Context, scheme: &Scheme) -> Option<Priority> {
        let intervals = &context.intervals;
        Some(Priority {
            prefers_hot: prefers_hot(context.ops.known()?, &scheme.action),
            weight_accesses: scheme.quota.weight_nr_accesses,
            weight_age: scheme.quota.weight_age,
            samples: (intervals.aggr_us / intervals.sample_us.max(1)).clamp(1, u32::MAX.into()),
            aggr_us: intervals.aggr_us,
        })
    }

    /// The priority of memory (`get_scheme_score`).
    pub(super) fn of(&self, accesses: u32, age: u32) -> i32 {
        match self.prefers_hot {
            Some(true) => self.hot(accesses, age),
            Some(false) => MOST - self.hot(accesses, age),
            None => MOST,
        }
    }

    /// `damon_hot_score`. Weights are unsigned, and so is what they are multiplied with.
    fn hot(&self, accesses: u32, age: u32) -> i32 {
        let frequency = mult_frac(accesses.into(), MOST_OF_A_PART as u64, self.samples) as u32;
        let seconds = (u64::from(age).wrapping_mul(self.aggr_us) / 1_000_000) as u32;
        let log = seconds.checked_ilog2().map_or(0, |log| (log as i32 + 1).min(MOST_AGE_IN_LOG));
        // Memory without accesses is the colder the older it is.
        let log = if frequency == 0 { -log } else { log };
        let age = (log + MOST_AGE_IN_LOG) * MOST_OF_A_PART / MOST_AGE_IN_LOG / 2;
        let sum = self
            .weight_accesses
            .wrapping_mul(frequency)
            .wrapping_add(self.weight_age.wrapping_mul(age as u32));
        let weights = self.weight_accesses.wrapping_add(self.weight_age);
        let hotness = sum.checked_div(weights).unwrap_or(sum) as i32;
        (hotness.wrapping_mul(MOST) / MOST_OF_A_PART).clamp(0, MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::damon::testing::Model;

    /// The priority of memory for an action with these weights, in a context with 20 samples of 10 ms.
    fn of(action: &str, weights: (u32, u32), accesses: u32, age: u32) -> i32 {
        let mut model = Model::pull_push();
        let scheme = model.scheme(0);
        scheme.action = action.to_owned();
        (scheme.quota.weight_nr_accesses, scheme.quota.weight_age) = weights;
        let context = &model.kdamonds[0].context;
        Priority::new(context, &context.schemes[0]).unwrap().of(accesses, age)
    }

    #[test]
    fn accesses_alone_are_a_share_of_the_samples() {
        let scores = [0, 1, 10, 20].map(|accesses| of("migrate_hot", (1000, 0), accesses, 500));
        assert_eq!(scores, [0, 4, 49, 99]);
        assert_eq!([0, 20].map(|accesses| of("pageout", (1000, 0), accesses, 500)), [99, 0]);
    }

    #[test]
    fn the_age_counts_by_its_logarithm_and_against_memory_without_accesses() {
        // 5 aggregations are a second, 10 are two and 640 are 128.
        let ages = [0, 4, 5, 10, 640];
        assert_eq!(ages.map(|age| of("migrate_hot", (0, 1), 1, age)), [49, 49, 50, 52, 61]);
        assert_eq!(ages.map(|age| of("migrate_hot", (0, 1), 0, age)), [49, 49, 47, 45, 36]);
    }

    #[test]
    fn without_weights_all_memory_has_the_same_priority() {
        assert_eq!(of("migrate_hot", (0, 0), 20, 9), 0);
        assert_eq!(of("migrate_cold", (0, 0), 20, 9), 99);
        assert_eq!(of("stat", (1000, 1000), 3, 9), 99);
    }

    #[test]
    fn virtual_addresses_have_no_priority_for_lru_lists() {
        assert_eq!(prefers_hot(Ops::Paddr, "lru_prio"), Some(true));
        assert_eq!(prefers_hot(Ops::Vaddr, "lru_prio"), None);
        assert_eq!(prefers_hot(Ops::Vaddr, "pageout"), Some(false));
    }
}
