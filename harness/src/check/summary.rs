//! The mean and the spread of several values.

/// The range of several values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation (n - 1); none of a single value.
    pub spread: Option<f64>,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

impl Summary {
    /// The summary of `values`; none if there are no values.
    pub fn of(values: &[f64]) -> Option<Summary> {
        let (first, count) = (*values.first()?, values.len() as f64);
        // Relative to the first value, so that equal values have a spread of exactly 0.
        let mean = first + values.iter().map(|value| value - first).sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Summary {
            mean,
            spread: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
            min: values.iter().copied().fold(first, f64::min),
            max: values.iter().copied().fold(first, f64::max),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equal_values_have_no_spread(value in -1e9..1e9_f64, count in 2usize..20) {
            let summary = Summary::of(&vec![value; count]).unwrap();
            prop_assert_eq!((summary.mean, summary.spread), (value, Some(0.0)));
        }

        #[test]
        fn the_order_does_not_matter_and_the_mean_lies_between_the_ends(
            values in prop::collection::vec(-1e6..1e6_f64, 2..20)
        ) {
            let summary = Summary::of(&values).unwrap();
            let reversed: Vec<f64> = values.iter().rev().copied().collect();
            let other = Summary::of(&reversed).unwrap();
            prop_assert!((summary.mean - other.mean).abs() < 1e-6);
            prop_assert!(summary.min - 1e-6 <= summary.mean && summary.mean <= summary.max + 1e-6);
            prop_assert!(summary.spread.unwrap() <= (summary.max - summary.min) + 1e-6);
        }
    }
}
