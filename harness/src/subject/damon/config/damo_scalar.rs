//! damo's own amounts: a bare number has the unit of its key, and `min` and `max` are the ends.

use crate::grammar::{Leaf, amount, bounded, leaf};

leaf!(
    /// damo's sizes and addresses: a bare number is bytes, `min` and `max` are the ends.
    DamoSize(u64), "a size or an address, for instance 4096, 4 KiB or max", |text| {
        bounded(text).or_else(|| amount::number(text)).or_else(|| amount::size(text))
    }
);

leaf!(
    /// damo's times in keys that end in `_us`: a bare number is microseconds.
    Micros(u64), "a time, for instance 5 ms (a bare number is microseconds)", |text| {
        bounded(text).or_else(|| amount::number(text)).or_else(|| amount::time(text).map(|ns| ns / 1_000))
    }
);

leaf!(
    /// damo's times in keys that end in `_ms`: a bare number is milliseconds.
    Millis(u64), "a time, for instance 400 ms (a bare number is milliseconds)", |text| {
        bounded(text).or_else(|| amount::number(text)).or_else(|| amount::time(text).map(|ns| ns / 1_000_000))
    }
);

/// One end of `nr_accesses`. A bare number is refused: damo reads it as percent, the kernel as samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accesses {
    /// Samples per aggregation.
    Samples(u64),
    /// Hundredths of a percent of the most there can be.
    Bp(u64),
    /// No limit.
    Max,
}

impl Leaf for Accesses {
    const WANTED: &'static str = "a number of accesses: '5 samples' or '25 %' (damo reads a bare number as percent, the kernel as samples)";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "min" | "0" => return Some(Accesses::Samples(0)),
            "max" => return Some(Accesses::Max),
            _ => {}
        }
        if let Some(bp) = amount::percent(text, 10_000) {
            return Some(Accesses::Bp(bp));
        }
        match amount::counted(text)? {
            (count, "samples" | "sample") => Some(Accesses::Samples(count)),
            _ => None,
        }
    }
}

leaf!(Accesses);

/// One end of `age`. A bare number is refused: damo reads it as microseconds, the kernel as aggregations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// Aggregation intervals.
    Aggregations(u64),
    /// Microseconds.
    Micros(u64),
    /// No limit.
    Max,
}

impl Leaf for Age {
    const WANTED: &'static str = "an age: '30 s' or '5 aggr_intervals' (damo reads a bare number as microseconds, the kernel as aggregations)";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "min" | "0" => return Some(Age::Aggregations(0)),
            "max" => return Some(Age::Max),
            _ => {}
        }
        if let Some(ns) = amount::time(text) {
            return Some(Age::Micros(ns / 1_000));
        }
        match amount::counted(text)? {
            (count, "aggr_intervals" | "aggregations") => Some(Age::Aggregations(count)),
            _ => None,
        }
    }
}

leaf!(Age);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_of_accesses_or_age_is_refused_because_it_means_two_things() {
        assert_eq!(Accesses::parse("5"), None);
        assert_eq!(Age::parse("5"), None);
        assert_eq!(Accesses::parse("5 samples"), Some(Accesses::Samples(5)));
        assert_eq!(Accesses::parse("25 %"), Some(Accesses::Bp(2_500)));
        assert_eq!(Age::parse("5 aggr_intervals"), Some(Age::Aggregations(5)));
        assert_eq!(Age::parse("30 s"), Some(Age::Micros(30_000_000)));
        assert_eq!(Age::parse("max"), Some(Age::Max));
    }

    #[test]
    fn a_bare_number_takes_the_unit_of_its_key() {
        assert_eq!(Micros::parse("5000"), Some(Micros(5_000)));
        assert_eq!(Micros::parse("5 ms"), Some(Micros(5_000)));
        assert_eq!(Millis::parse("400"), Some(Millis(400)));
        assert_eq!(Millis::parse("max"), Some(Millis(u64::MAX)));
    }
}
