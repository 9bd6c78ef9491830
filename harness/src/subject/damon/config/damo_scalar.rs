//! damo's own amounts: a bare number has the unit of its key, and `min` and `max` are the ends.

use crate::grammar::{Definitions, Described, Leaf, amount, bounded, leaf, or_null, text, text_or};
use serde::de::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// The units of accesses and of ages.
const SAMPLES: &[&str] = &["samples", "sample"];
const AGGREGATIONS: &[&str] = &["aggr_intervals", "aggregations"];

leaf!(
    /// damo's sizes and addresses: a bare number is bytes, `min` and `max` are the ends.
    DamoSize(u64), "a size or an address, for instance 4096, 4 KiB or max",
    text_or("integer", &format!("(min|max|{}|{})", amount::number_form(), amount::size_form())), |text| {
        bounded(text).or_else(|| amount::number(text)).or_else(|| amount::size(text))
    }
);

leaf!(
    /// damo's times in keys that end in `_us`: a bare number is microseconds.
    Micros(u64), "a time, for instance 5 ms (a bare number is microseconds)", text_or("number", &time_form()), |text| {
        bare(text).or_else(|| amount::time(text).map(|ns| ns / 1_000))
    }
);

leaf!(
    /// damo's times in keys that end in `_ms`: a bare number is milliseconds.
    Millis(u64), "a time, for instance 400 ms (a bare number is milliseconds)", text_or("number", &time_form()), |text| {
        bare(text).or_else(|| amount::time(text).map(|ns| ns / 1_000_000))
    }
);

/// A time with or without a unit, as a regular expression.
fn time_form() -> String {
    format!("(min|max|{}|{})", amount::cut_off_form(), amount::time_form())
}

/// A time without a unit. damo computes with floating point and cuts off what is smaller than the unit of the key; what it
/// prints for `max` can be more than 64 bits.
fn bare(text: &str) -> Option<u64> {
    bounded(text).or_else(|| amount::number(text)).or_else(|| amount::cut_off(text))
}

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
        match amount::percent_or_max(text, 10_000) {
            // damo prints `max` as a percentage.
            Some(u64::MAX) => return Some(Accesses::Max),
            Some(bp) => return Some(Accesses::Bp(bp)),
            None => {}
        }
        let (count, unit) = amount::counted(text)?;
        SAMPLES.contains(&unit).then_some(Accesses::Samples(count))
    }

    fn accepted() -> Value {
        let form = format!("(0|min|max|{}|{})", amount::percent_form(), amount::counted_form(SAMPLES));
        json!({"anyOf": [{"const": 0}, text(&form)]})
    }
}

leaf!(Accesses);

/// One end of `age`. damo reads a bare number as microseconds, the kernel as aggregations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// Aggregation intervals.
    Aggregations(u64),
    /// Microseconds.
    Micros(u64),
    /// Microseconds, if it is damo's.
    Bare(u64),
    /// No limit.
    Max,
}

impl Leaf for Age {
    const WANTED: &'static str =
        "an age, for instance '30 s' or '5 aggr_intervals' (a bare number is microseconds)";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "min" | "0" => return Some(Age::Aggregations(0)),
            "max" => return Some(Age::Max),
            _ => {}
        }
        if let Some(ns) = amount::time(text) {
            return Some(Age::Micros(ns / 1_000));
        }
        match bare(text) {
            Some(u64::MAX) => return Some(Age::Max),
            Some(us) => return Some(Age::Bare(us)),
            None => {}
        }
        let (count, unit) = amount::counted(text)?;
        AGGREGATIONS.contains(&unit).then_some(Age::Aggregations(count))
    }

    fn accepted() -> Value {
        text_or("number", &format!("({}|{})", time_form(), amount::counted_form(AGGREGATIONS)))
    }
}

leaf!(Age);

/// A key that may be missing, or null: damo writes null for what it does not have.
#[derive(Debug, Clone, Default)]
pub(crate) enum OrNull<T> {
    /// The key is not there.
    #[default]
    Missing,
    /// It is null.
    Null,
    /// It has a value.
    Value(T),
}

impl<T: Described> Described for OrNull<T> {
    const OPTIONAL: bool = true;

    fn schema(all: &mut Definitions) -> Value {
        or_null(T::schema(all))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OrNull<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(OrNull::Null, OrNull::Value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_of_accesses_is_refused_because_it_means_two_things() {
        assert_eq!(Accesses::parse("5"), None);
        assert_eq!(Age::parse("5"), Some(Age::Bare(5)));
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
        assert_eq!(Millis::parse("1000.0"), Some(Millis(1_000)), "damo computes with floating point");
        assert_eq!(Millis::parse("1.5"), Some(Millis(1)));
    }

    #[test]
    fn what_damo_prints_for_max_is_max() {
        assert_eq!(Accesses::parse("18,446,744,073,709,551,615 %"), Some(Accesses::Max));
        assert_eq!(Accesses::parse("18446744073709551615 %"), Some(Accesses::Max));
        assert_eq!(Age::parse("18446744073709551615000"), Some(Age::Max), "damo args damon --raw");
        assert_eq!(Millis::parse("18446744073709551615000000"), Some(Millis(u64::MAX)));
    }

    #[test]
    fn the_schema_accepts_the_texts_that_are_read() {
        fn agrees<T: Leaf>(text: &str) {
            let schema = jsonschema::validator_for(&T::accepted()).unwrap();
            assert_eq!(schema.is_valid(&text.into()), T::parse(text).is_some(), "'{text}' as {}", T::WANTED);
        }
        for number in ["", "0", "5", "1,000", "1.5", "4.000", "min", "max", "x", "-1", "0x10"] {
            for unit in [
                "",
                "s",
                " ms",
                " samples",
                "sample",
                " %",
                "%",
                " KiB",
                " aggr_intervals",
                "aggregations",
                " aeons",
            ] {
                let text = format!("{number}{unit}");
                agrees::<DamoSize>(&text);
                agrees::<Micros>(&text);
                agrees::<Millis>(&text);
                agrees::<Accesses>(&text);
                agrees::<Age>(&text);
            }
        }
    }
}
