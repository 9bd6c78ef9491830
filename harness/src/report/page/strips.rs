//! The quantities of two kernels over each other: a strip for each, with a dot for each seed, A above B.

use crate::host::text::quote;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// More quantities than these are left out, and more seeds of one.
const ROWS: usize = 60;
const DOTS: usize = 64;

/// A row as programs get it ([`crate::compare::Row`]).
#[derive(Deserialize)]
struct Stored {
    quantity: String,
    values: Sides,
    claim: String,
}

#[derive(Deserialize)]
struct Sides {
    a: Vec<f64>,
    b: Vec<f64>,
}

/// One quantity.
#[derive(Debug, Serialize, PartialEq)]
pub(super) struct Strip {
    name: String,
    differs: bool,
    sides: [Side; 2],
}

/// The numbers of one kernel.
#[derive(Debug, Serialize, PartialEq)]
struct Side {
    name: &'static str,
    /// Where each lies, from 0 for the lowest of both sides to 100.
    dots: Vec<f64>,
}

/// The strips of a scenario that was compared.
pub(super) fn all(data: &Value) -> Vec<Strip> {
    let rows = data["rows"].as_array().into_iter().flatten();
    rows.filter_map(|row| Stored::deserialize(row).ok()).filter_map(strip).take(ROWS).collect()
}

fn strip(row: Stored) -> Option<Strip> {
    let Stored { quantity, values: Sides { a, b }, claim } = row;
    let all = || a.iter().chain(&b).copied();
    let (low, high) = (all().reduce(f64::min)?, all().reduce(f64::max)?);
    let place =
        |value: &f64| if high > low { ((value - low) / (high - low) * 1000.0).round() / 10.0 } else { 50.0 };
    let side = |name, values: &[f64]| Side { name, dots: values.iter().take(DOTS).map(place).collect() };
    let sides = [side("A", &a), side("B", &b)];
    Some(Strip { name: quote(&quantity).to_string(), differs: claim == "differs", sides })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dots_of_both_sides_lie_on_one_scale() {
        let data = json!({"rows": [
            {"quantity": "migrated", "values": {"a": [0.0, 50.0], "b": [100.0]}, "claim": "differs"},
            {"quantity": "none", "values": {"a": [], "b": []}, "claim": "too_few"},
        ]});
        let [strip] = <[Strip; 1]>::try_from(all(&data)).unwrap();
        assert!(strip.differs);
        assert_eq!(strip.sides.each_ref().map(|side| side.dots.clone()), [vec![0.0, 50.0], vec![100.0]]);
    }
}
