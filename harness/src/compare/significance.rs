//! When two groups of numbers, one number for each seed, are called different.
//!
//! The only assumption about the numbers is that, between equal kernels, every way to deal them out to the two sides is
//! equally likely. Then all numbers of one side lie beyond all of the other with a probability of 2 / C(2n, n): 1 in 35
//! for 4 seeds, 1 in 126 for 5, 1 in 6435 for 8. A comparison makes some fifty such tests, so with few seeds that is not
//! enough: the gap between the groups must also be wider than (8 - n) / 4 of the wider group. Simulated with normal and
//! with long-tailed numbers, equal kernels are then called different in 1 of 1900 tests with 4 seeds, and less often
//! with more. Last, the difference must be larger than [`crate::subject::Quantity::floor`], because another build of the same
//! source executes other instructions.

use super::Pair;
use serde::Serialize;

/// With fewer seeds, no number is called different.
pub const LEAST_SEEDS: usize = 4;

/// With this many seeds, it is enough that the groups do not overlap.
const APART_IS_ENOUGH: usize = 8;

/// Whether two groups of numbers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Significance {
    /// They differ.
    Differs,
    /// The seeds explain the difference.
    Within,
    /// They lie apart, but by no more than [`crate::subject::Quantity::floor`].
    Small,
    /// There are too few seeds to tell.
    TooFew,
}

/// The range of the numbers of one side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Group {
    /// The smallest number.
    pub min: f64,
    /// The number in the middle, or the mean of the two in the middle.
    pub median: f64,
    /// The largest number.
    pub max: f64,
}

impl Group {
    /// The range of `values`; none if there are no values.
    pub fn of(values: &[f64]) -> Option<Group> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        // The mean of two equal numbers must be exactly that number.
        Some(Group { min, median: low + (high - low) / 2.0, max })
    }

    fn width(&self) -> f64 {
        self.max - self.min
    }
}

/// Whether the two groups differ by more than `floor` and by more than the seeds explain. Both groups have one number for
/// each of the same seeds.
pub fn differs(groups: &Pair<Group>, seeds: usize, floor: f64) -> Significance {
    if seeds < LEAST_SEEDS {
        return Significance::TooFew;
    }
    let Pair { a, b } = groups;
    let gap = (b.min - a.max).max(a.min - b.max);
    let share = APART_IS_ENOUGH.saturating_sub(seeds) as f64 / 4.0;
    if gap <= 0.0 || gap <= share * a.width().max(b.width()) {
        return Significance::Within;
    }
    if (a.median - b.median).abs() <= floor { Significance::Small } else { Significance::Differs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn significance(a: &[f64], b: &[f64], floor: f64) -> Significance {
        let groups = Pair { a: Group::of(a).unwrap(), b: Group::of(b).unwrap() };
        differs(&groups, a.len(), floor)
    }

    #[test]
    fn groups_that_overlap_are_not_called_different() {
        assert_eq!(significance(&[1.0, 2.0, 3.0, 4.0], &[4.0, 50.0, 60.0, 70.0], 0.0), Significance::Within);
    }

    #[test]
    fn with_four_seeds_the_gap_must_be_wider_than_the_wider_group() {
        let a = [0.0, 1.0, 2.0, 10.0];
        assert_eq!(significance(&a, &[19.0, 19.0, 19.0, 19.0], 0.0), Significance::Within);
        assert_eq!(significance(&a, &[21.0, 21.0, 21.0, 21.0], 0.0), Significance::Differs);
        assert_eq!(significance(&[21.0, 21.0, 21.0, 21.0], &a, 0.0), Significance::Differs);
    }

    #[test]
    fn with_eight_seeds_it_is_enough_not_to_overlap() {
        let a: Vec<f64> = (0..8).map(f64::from).collect();
        let b: Vec<f64> = (8..16).map(f64::from).collect();
        assert_eq!(significance(&a, &b, 0.0), Significance::Differs);
        let close: Vec<f64> = (7..14).map(f64::from).collect();
        assert_eq!(significance(&a[..7], &close, 0.0), Significance::Within);
    }

    #[test]
    fn constant_numbers_differ_if_the_difference_exceeds_the_floor() {
        assert_eq!(significance(&[5.0; 4], &[5.0; 4], 0.0), Significance::Within);
        assert_eq!(significance(&[5.0; 4], &[6.0; 4], 1.0), Significance::Small);
        assert_eq!(significance(&[5.0; 4], &[6.1; 4], 1.0), Significance::Differs);
    }

    #[test]
    fn three_seeds_are_too_few() {
        assert_eq!(significance(&[0.0; 3], &[1e9; 3], 0.0), Significance::TooFew);
    }

    proptest! {
        // Numbers of one source, dealt out to two sides, are called different in at most 1 of 1900 tests. Then 4000 tests
        // have 2 false alarms on average, and 15 mean that the rule is wrong.
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn noise_is_not_called_a_difference(seed: u64, seeds in 4usize..10) {
            let mut state = seed | 1;
            let mut noise = || {
                let mut sum = 0.0;
                for _ in 0..4 {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    sum += (state >> 33) as f64 / (1u64 << 31) as f64;
                }
                sum
            };
            let mut wrong = 0;
            for _ in 0..4000 {
                let a: Vec<f64> = (0..seeds).map(|_| noise()).collect();
                let b: Vec<f64> = (0..seeds).map(|_| noise()).collect();
                wrong += usize::from(significance(&a, &b, 0.0) == Significance::Differs);
            }
            prop_assert!(wrong < 15, "{} of 4000", wrong);
        }
    }

    proptest! {
        #[test]
        fn the_sides_may_be_swapped_and_the_seeds_reordered(
            a in prop::collection::vec(-1e6..1e6_f64, 6), b in prop::collection::vec(-1e6..1e6_f64, 6),
        ) {
            let reversed: Vec<f64> = a.iter().rev().copied().collect();
            prop_assert_eq!(significance(&a, &b, 0.0), significance(&b, &reversed, 0.0));
        }

        #[test]
        fn a_shift_beyond_the_spread_is_found(a in prop::collection::vec(0.0..1.0_f64, 4..12)) {
            let b: Vec<f64> = a.iter().map(|value| value + 3.1).collect();
            prop_assert_eq!(significance(&a, &b, 0.0), Significance::Differs);
        }
    }
}
