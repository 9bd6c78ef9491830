//! The leaves of the YAML: one type per kind of amount, each read from its text.
//!
//! A value that is not of its kind says what was wanted; serde-saphyr adds the place.

use super::amount;
use damonlab_protocol::units::{BasisPoints, Bytes, Nanos, NodeId};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// A leaf that is read from a scalar's text.
pub(super) trait Leaf: Sized {
    /// What is wanted, for the message: `a size, for instance 512M`.
    const WANTED: &'static str;
    /// The value; `None` where the text is something else.
    fn parse(text: &str) -> Option<Self>;
}

struct LeafVisitor<T>(PhantomData<T>);

impl<T: Leaf> Visitor<'_> for LeafVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WANTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::parse(text).ok_or_else(|| E::custom(format_args!("'{text}' is not {}", T::WANTED)))
    }
}

macro_rules! leaf {
    ($(#[$doc:meta])* $name:ident($inner:ty), $wanted:literal, $parse:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(super) struct $name(pub(super) $inner);

        impl Leaf for $name {
            const WANTED: &'static str = $wanted;
            fn parse(text: &str) -> Option<Self> {
                let parse: fn(&str) -> Option<$inner> = $parse;
                parse(text).map($name)
            }
        }

        read!($name);
    };
}

macro_rules! read {
    ($name:ident) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(LeafVisitor(PhantomData))
            }
        }
    };
}

leaf!(
    /// Any text; the resolver checks it.
    Word(String), "a word", |text| Some(text.to_owned())
);
leaf!(
    /// A size of ours: the unit is required, because `memory: 512` is a mistake.
    Size(Bytes), "a size with a unit, for instance 512M or 16MiB", |text| amount::size(text).map(Bytes)
);
leaf!(
    /// Bytes a second.
    Rate(Bytes), "a bandwidth in bytes a second, for instance 5G", |text| amount::size(text).map(Bytes)
);
leaf!(
    /// A time of ours: the unit is required.
    Time(Nanos), "a time with a unit, for instance 300ns, 25ms or 10s", |text| amount::time(text).map(Nanos)
);
leaf!(
    /// A part of the whole.
    Share(BasisPoints), "a share, for instance 30% or 3000bp", |text| {
        let bp = text.trim().strip_suffix("bp").and_then(|number| amount::number(number.trim_end()));
        bp.or_else(|| amount::percent(text, 10_000)).map(BasisPoints)
    }
);
leaf!(
    /// A node id.
    Node(NodeId), "a node id, for instance 0", |text| text.parse().ok().map(NodeId)
);
leaf!(
    /// A plain number.
    Number(u64), "a whole number", |text| bounded(text).or_else(|| amount::number(text))
);
leaf!(
    /// A number that may be below zero.
    Signed(i64), "a whole number", |text| text.parse().ok()
);
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
leaf!(
    /// Parts of 1000.
    Permil(u32), "a share, for instance 10 % (a bare number is permil)", |text| {
        let permil = amount::number(text).or_else(|| amount::percent(text, 1_000));
        permil.and_then(|permil| u32::try_from(permil).ok())
    }
);
leaf!(
    /// Parts of 10000.
    Bp(u64), "a share, for instance 4 % (a bare number is basis points)", |text| {
        amount::number(text).or_else(|| amount::percent(text, 10_000))
    }
);
leaf!(
    /// Yes or no, in every spelling of YAML and damo.
    Flag(bool), "true or false", |text| match text.to_ascii_lowercase().as_str() {
        "y" | "yes" | "true" | "on" => Some(true),
        "n" | "no" | "false" | "off" => Some(false),
        _ => None,
    }
);

/// damo's `min` and `max`.
fn bounded(text: &str) -> Option<u64> {
    match text {
        "min" => Some(0),
        "max" => Some(u64::MAX),
        _ => None,
    }
}

/// One end of `nr_accesses`. A bare number is refused: damo reads it as percent, the kernel as samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accesses {
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

read!(Accesses);

/// One end of `age`. A bare number is refused: damo reads it as microseconds, the kernel as aggregations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
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

read!(Age);

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
        assert_eq!(Permil::parse("10 %"), Some(Permil(100)));
        assert_eq!(Bp::parse("4 %"), Some(Bp(400)));
    }

    #[test]
    fn a_share_has_a_unit() {
        assert_eq!(Share::parse("30%"), Some(Share(BasisPoints(3_000))));
        assert_eq!(Share::parse("25bp"), Some(Share(BasisPoints(25))));
        assert_eq!(Share::parse("30"), None);
    }
}
