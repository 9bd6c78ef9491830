//! Ranges of seeds, in Rust's notation: `A..B` without B, or `A..=B` with B.

use crate::host::text::foreign;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Consecutive seeds, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeedRange {
    first: u64,
    last: u64,
}

/// Why a text is not a [`SeedRange`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeedRangeError {
    /// There is no `..` with a number on either side.
    #[error("a range of seeds is A..B or A..=B: 0..8 are the eight seeds 0 to 7; for one seed use --seed A")]
    NoRange,
    /// An end is not a number.
    #[error("'{}' is not a seed: a seed is a whole number from 0 to {max}", foreign(.0), max = u64::MAX)]
    NoSeed(String),
    /// The range has no seed.
    #[error("{0}..{0} has no seed, because the end is excluded; {0}..={0} is seed {0} alone")]
    Empty(u64),
    /// The larger end comes first.
    #[error("the range is reversed; the smaller seed comes first: {0}")]
    Reversed(String),
}

impl SeedRange {
    /// The range of one seed.
    pub fn one(seed: u64) -> SeedRange {
        SeedRange { first: seed, last: seed }
    }

    /// The seeds, in order.
    pub fn iter(self) -> RangeInclusive<u64> {
        self.first..=self.last
    }
}

impl FromStr for SeedRange {
    type Err = SeedRangeError;

    fn from_str(text: &str) -> Result<Self, SeedRangeError> {
        let (first, end) = text.split_once("..").ok_or(SeedRangeError::NoRange)?;
        let (dots, end) = match end.strip_prefix('=') {
            Some(end) => ("..=", end),
            None => ("..", end),
        };
        if first.is_empty() || end.is_empty() {
            return Err(SeedRangeError::NoRange);
        }
        let (first, end) = (seed(first)?, seed(end)?);
        let last = if dots == ".." { end.checked_sub(1) } else { Some(end) };
        match last {
            Some(last) if first <= last => Ok(SeedRange { first, last }),
            _ if first == end => Err(SeedRangeError::Empty(first)),
            _ => Err(SeedRangeError::Reversed(format!("{end}{dots}{first}"))),
        }
    }
}

fn seed(text: &str) -> Result<u64, SeedRangeError> {
    // `parse` would accept a plus sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let value = if digits { text.parse().ok() } else { None };
    value.ok_or_else(|| SeedRangeError::NoSeed(text.to_owned()))
}

impl fmt::Display for SeedRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..={}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seeds(text: &str) -> Vec<u64> {
        text.parse::<SeedRange>().unwrap().iter().collect()
    }

    fn refusal(text: &str) -> String {
        text.parse::<SeedRange>().unwrap_err().to_string()
    }

    #[test]
    fn the_end_is_included_only_with_an_equals_sign() {
        assert_eq!(seeds("3..6"), [3, 4, 5]);
        assert_eq!(seeds("3..=6"), [3, 4, 5, 6]);
        assert_eq!(seeds("5..=5"), [5]);
        assert_eq!(seeds(&format!("{max}..={max}", max = u64::MAX)), [u64::MAX]);
    }

    #[test]
    fn an_empty_range_is_refused_with_the_range_of_one_seed() {
        assert_eq!(refusal("5..5"), "5..5 has no seed, because the end is excluded; 5..=5 is seed 5 alone");
        assert!(refusal("0..0").contains("0..=0 is seed 0 alone"));
    }

    #[test]
    fn a_reversed_range_is_refused_with_the_right_order() {
        assert_eq!(refusal("8..0"), "the range is reversed; the smaller seed comes first: 0..8");
        assert!(refusal("8..=3").ends_with(": 3..=8"));
    }

    #[test]
    fn a_text_that_is_no_range_is_refused_with_an_example() {
        for text in ["", "8", "..", "..8", "0..", "..=8", "0..="] {
            assert!(refusal(text).starts_with("a range of seeds is A..B"), "{text}");
        }
    }

    #[test]
    fn an_end_that_is_not_a_number_is_named() {
        for (text, wrong) in
            [("a..8", "a"), ("0..-8", "-8"), ("+0..8", "+0"), ("0...8", ".8"), ("0..==8", "=8")]
        {
            assert!(refusal(text).starts_with(&format!("'{wrong}' is not a seed")), "{text}");
        }
        assert!(refusal("0..18446744073709551616").starts_with("'18446744073709551616'"));
    }

    proptest! {
        #[test]
        fn a_displayed_range_parses_to_itself(first: u64, more in 0u64..1000) {
            let range = SeedRange { first, last: first.saturating_add(more) };
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }
    }
}
