//! The bounds of an expectation, in the unit of its quantity.

use crate::grammar::{At, Checked, Fault, Leaf, Scalar, Size, Time};
use crate::scenario::expect::Bound;
use crate::scenario::raw::RawExpectation;

/// What the numbers of a bound are.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Unit {
    Plain,
    Whole,
    Size,
    Time,
}

impl Unit {
    /// That of a mean or a standard deviation: whole numbers have others.
    pub(super) fn of_means(self) -> Unit {
        if self == Unit::Whole { Unit::Plain } else { self }
    }
}

pub(super) fn bound(raw: &At<RawExpectation>, unit: Unit) -> Checked<Bound> {
    let line = &raw.value;
    let bound = match (&line.within, &line.at_least, &line.at_most, &line.equals) {
        (Some(within), None, None, None) => self::within(within, unit)?,
        (None, None, None, Some(equals)) => {
            let value = number(equals, unit)?;
            Bound { min: Some(value), max: Some(value) }
        }
        // That the order is right is enough.
        (None, None, None, None) if unit == Unit::Time => Bound { min: Some(0.0), max: None },
        (None, None, None, None) => {
            return Err(Fault::at(raw, "an expectation needs a bound")
                .help("within: [MIN, MAX], at_least: MIN, at_most: MAX or equals: VALUE"));
        }
        (None, at_least, at_most, None) => Bound {
            min: at_least.as_ref().map(|text| number(text, unit)).transpose()?,
            max: at_most.as_ref().map(|text| number(text, unit)).transpose()?,
        },
        _ => return Err(Fault::at(raw, "`within` and `equals` go with no other bound")),
    };
    match (bound.min, bound.max) {
        (Some(min), Some(max)) if min > max => {
            Err(Fault::at(raw, format!("the lower bound {min} is above the upper bound {max}")))
        }
        _ => Ok(bound),
    }
}

fn within(raw: &At<Vec<At<Scalar>>>, unit: Unit) -> Checked<Bound> {
    match raw.value.as_slice() {
        [min, max] => Ok(Bound { min: Some(number(min, unit)?), max: Some(number(max, unit)?) }),
        _ => Err(Fault::at(raw, "`within` is [MIN, MAX]")),
    }
}

fn number(raw: &At<Scalar>, unit: Unit) -> Checked<f64> {
    let text = raw.value.0.as_str();
    let value = match unit {
        Unit::Size => Size::parse(text).map(|size| size.0.0 as f64).or_else(|| (text == "0").then_some(0.0)),
        Unit::Whole => text.parse::<i64>().ok().map(|whole| whole as f64),
        Unit::Time => Time::parse(text).map(|time| time.0.0 as f64 / 1e9),
        Unit::Plain => text.parse::<f64>().ok().filter(|value| value.is_finite()),
    };
    let wanted = match unit {
        Unit::Size => Size::WANTED,
        Unit::Whole => "a whole number",
        Unit::Time => Time::WANTED,
        Unit::Plain => "a number",
    };
    value.ok_or_else(|| Fault::at(raw, format!("'{text}' is not {wanted}")))
}

pub(super) fn spread(raw: &At<Scalar>, unit: Unit) -> Checked<f64> {
    let most = number(raw, unit.of_means())?;
    if most < 0.0 {
        return Err(Fault::at(raw, "a spread cannot be below 0")
            .help("the largest standard deviation between the seeds, in the unit of the quantity"));
    }
    Ok(most)
}
