//! Which pages of a workload are hot, and when its passes begin, by seed.
//!
//! Seed 0 is the plain case: the hot part begins at the first page and passes begin at whole multiples of
//! the period. Any other seed moves the hot part inside the mapping and shifts the passes, differently for
//! each workload. Pure.

use crate::plan::Workload;
use crate::units::{BasisPoints, Nanos};
use std::ops::Range;

/// Where and when a workload touches its memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Page numbers inside the mapping that every pass touches.
    pub hot: Range<u64>,
    /// A pass begins whenever `(CLOCK_MONOTONIC - phase) % every == 0`. Less than `every`.
    pub phase: Nanos,
}

impl Pattern {
    /// The hot part with another size, of a mapping of `pages`: inside what it was, or around it.
    pub fn resized(&self, pages: u64, hot_bp: BasisPoints) -> Pattern {
        let hot = hot_pages(pages, hot_bp);
        let first = self.hot.start.min(pages - hot);
        Pattern { hot: first..first + hot, phase: self.phase }
    }
}

fn hot_pages(pages: u64, hot_bp: BasisPoints) -> u64 {
    hot_bp.min(BasisPoints::WHOLE).of(pages)
}

/// The pattern of one workload of a plan with this seed.
pub fn pattern(workload: &Workload, seed: u64) -> Pattern {
    let pages = workload.size.pages();
    let hot = hot_pages(pages, workload.hot_bp);
    if seed == 0 {
        return Pattern { hot: 0..hot, phase: Nanos(0) };
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(workload.name.as_bytes());
    let mut choices = hasher.finalize_xof();
    let mut choose = |below: u64| {
        let mut bytes = [0; 8];
        choices.fill(&mut bytes);
        u64::from_le_bytes(bytes) % below.max(1)
    };
    let first = choose(pages - hot + 1);
    let phase = Nanos(choose(workload.every.0));
    Pattern { hot: first..first + hot, phase }
}

/// The first moment after `now` at which a pass begins.
pub fn next_pass(now: Nanos, every: Nanos, phase: Nanos) -> Nanos {
    let every = every.0.max(1);
    if now.0 < phase.0 {
        return phase;
    }
    Nanos(phase.0 + ((now.0 - phase.0) / every + 1) * every)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Access;
    use crate::units::{Bytes, NodeId};
    use proptest::prelude::*;

    fn workload(name: &str, pages: u64, hot_bp: u64) -> Workload {
        Workload {
            name: name.to_owned(),
            size: Bytes(pages * 4096),
            node: NodeId(1),
            every: Nanos::from_millis(25),
            hot_bp: BasisPoints(hot_bp),
            access: Access::Write,
            memcg: None,
            huge_pages: false,
        }
    }

    #[test]
    fn seed_zero_is_the_plain_case() {
        assert_eq!(pattern(&workload("hot", 4096, 2_500), 0), Pattern { hot: 0..1024, phase: Nanos(0) });
    }

    #[test]
    fn two_workloads_of_one_plan_differ_under_a_seed() {
        let (a, b) = (pattern(&workload("a", 4096, 5_000), 7), pattern(&workload("b", 4096, 5_000), 7));
        assert_ne!(a, b);
        assert_eq!(a, pattern(&workload("a", 4096, 5_000), 7));
    }

    proptest! {
        #[test]
        fn the_hot_part_lies_inside_and_has_its_size(seed: u64, pages in 1u64..1 << 20, bp in 0u64..=10_000) {
            let got = pattern(&workload("hot", pages, bp), seed);
            prop_assert!(got.hot.end <= pages);
            prop_assert_eq!(got.hot.end - got.hot.start, pages * bp / 10_000);
            prop_assert!(got.phase < Nanos::from_millis(25));
        }

        #[test]
        fn a_hot_part_that_changes_its_size_lies_inside_the_old_one_or_around_it(
            seed: u64, pages in 1u64..1 << 20, old in 0u64..=10_000, new in 0u64..=10_000,
        ) {
            let before = pattern(&workload("hot", pages, old), seed);
            let after = before.resized(pages, BasisPoints(new));
            prop_assert!(after.hot.end <= pages);
            prop_assert_eq!(after.hot.end - after.hot.start, pages * new / 10_000);
            let (outer, inner) = if new > old { (&after, &before) } else { (&before, &after) };
            prop_assert!(outer.hot.start <= inner.hot.start && inner.hot.end <= outer.hot.end);
        }

        #[test]
        fn passes_come_later_than_now_and_one_period_apart(now in 0u64..1 << 50, every in 1u64..1 << 40, phase: u64) {
            let (every, phase) = (Nanos(every), Nanos(phase % every));
            let next = next_pass(Nanos(now), every, phase);
            prop_assert!(next.0 > now && next.0 <= now + every.0 + phase.0);
            prop_assert_eq!((next.0 - phase.0) % every.0, 0);
            prop_assert_eq!(next_pass(next, every, phase).0, next.0 + every.0);
        }
    }
}
