//! The plots of a page as the JSON that its script draws: few bytes a point.
//!
//! Times are whole microseconds since the first step, each but the first as its distance from the one before. Values are
//! whole numbers where they are, and rounded to hundredths where not.

use crate::figure::{Content, HeatMap, Level, Lines, Plot, Point, Series, Span, Step, Unit, thin, ticks};
use damonlab_protocol::units::Nanos;
use serde_json::{Value, json};

/// What draws a number of a heat map in two characters.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// The highest number that two of them can write.
const HIGHEST: u32 = 64 * 64 - 1;

/// A series has at least so many points, and at most so many, as far as it has them.
const FEWEST: usize = 64;
const MOST: usize = 2400;

/// How many points each of `series` series may have, of `budget` for all.
pub(super) fn points_each(budget: usize, series: usize) -> usize {
    (budget / series.max(1)).clamp(FEWEST, MOST)
}

/// How many series plots have.
pub(super) fn count_series(plots: &[Plot]) -> usize {
    let of = |plot: &Plot| match &plot.content {
        Content::Lines(lines) => lines.series.len(),
        Content::Heat(_) => 0,
    };
    plots.iter().map(of).sum()
}

/// A run: the time that it took, its steps, and its plots, each with the id of its place in the page.
pub(super) fn run(span: Span, steps: &[Step], plots: &[(String, &Plot)], most: usize) -> Value {
    let zero = span.begin;
    let step = |step: &Step| json!({"name": step.name, "begin": micros(step.span.begin, zero)});
    json!({
        "span": [0, micros(span.end, zero)],
        "steps": steps.iter().map(step).collect::<Vec<_>>(),
        "plots": plots.iter().map(|(id, plot)| self::plot(id, plot, zero, most)).collect::<Vec<_>>(),
    })
}

fn plot(id: &str, plot: &Plot, zero: Nanos, most: usize) -> Value {
    match &plot.content {
        Content::Lines(one) => lines(id, one, zero, most),
        Content::Heat(one) => heat(id, one, zero),
    }
}

fn lines(id: &str, lines: &Lines, zero: Nanos, most: usize) -> Value {
    let values = lines.series.iter().flat_map(|series| series.points.iter().map(|(_, value)| *value));
    let all = values.chain(lines.levels.iter().map(|level| level.value));
    json!({
        "id": id,
        "kind": "lines",
        "unit": lines.unit,
        "ticks": axis(all, lines.unit),
        "levels": levels(&lines.levels),
        "series": lines.series.iter().map(|one| series(one, zero, most)).collect::<Vec<_>>(),
    })
}

/// The marks of the axis that holds all values.
pub(super) fn axis(values: impl Iterator<Item = f64>, unit: Unit) -> Value {
    let highest = values.fold(0.0, f64::max);
    ticks(highest, unit).into_iter().map(|tick| json!([number(tick.value), tick.label])).collect()
}

pub(super) fn levels(levels: &[Level]) -> Value {
    let one = |level: &Level| json!({"name": level.name, "value": level.value, "near": level.near});
    levels.iter().map(one).collect()
}

fn series(series: &Series, zero: Nanos, most: usize) -> Value {
    let points = thin(&series.points, most);
    json!({
        "name": series.name,
        "shape": series.shape,
        "t": times(points.iter().map(|point| micros(point.0, zero))),
        "v": values(&points),
    })
}

pub(super) fn values(points: &[Point]) -> Value {
    points.iter().map(|(_, value)| number(*value)).collect()
}

/// Times as the distance of each from the one before.
pub(super) fn times(micros: impl Iterator<Item = i64>) -> Value {
    let mut before = 0;
    let distances = micros.map(|time| time.saturating_sub(std::mem::replace(&mut before, time)));
    distances.map(Value::from).collect()
}

pub(super) fn micros(time: Nanos, zero: Nanos) -> i64 {
    let micros = |nanos: u64| i64::try_from(nanos / 1000).unwrap_or(i64::MAX);
    micros(time.0).saturating_sub(micros(zero.0))
}

pub(super) fn number(value: f64) -> Value {
    let rounded = (value * 100.0).round() / 100.0;
    // Every such number is exact in a float.
    let whole = rounded.fract() == 0.0 && rounded.abs() < 9e15;
    if whole { Value::from(rounded as i64) } else { Value::from(rounded) }
}

fn heat(id: &str, heat: &HeatMap, zero: Nanos) -> Value {
    let most = heat.cells.iter().flatten().copied().max().unwrap_or(0);
    let scale = if most > HIGHEST { f64::from(most) / f64::from(HIGHEST) } else { 1.0 };
    let stretches = heat.stretches.iter().map(|stretch| {
        json!({
            // A number of JSON has 53 bits.
            "start": stretch.start.to_string(),
            "end": stretch.end.to_string(),
            "name": stretch.name,
            "short": short(stretch.start),
            "cold": stretch.is_cold,
            "rows": [stretch.rows.start, stretch.rows.end],
        })
    });
    json!({
        "id": id,
        "kind": "heat",
        "counts": heat.counts,
        "stretches": stretches.collect::<Vec<_>>(),
        "time": [micros(heat.time.begin, zero), micros(heat.time.end, zero)],
        "columns": heat.columns,
        "rows": heat.rows,
        "most": most,
        "scale": scale,
        "cells": cells(&heat.cells, scale),
    })
}

/// An address with its last digits left out.
fn short(address: u64) -> String {
    let digits = format!("{address:x}");
    match digits.len() {
        0..=8 => format!("0x{digits}"),
        _ => format!("0x{}…", &digits[..5]),
    }
}

fn cells(cells: &[Option<u32>], scale: f64) -> String {
    let mut out = String::with_capacity(cells.len() * 2);
    for cell in cells {
        match cell {
            None => out.push_str(".."),
            Some(count) => {
                let count = ((f64::from(*count) / scale).ceil() as u32).min(HIGHEST) as usize;
                out.push(char::from(DIGITS[count / 64]));
                out.push(char::from(DIGITS[count % 64]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_distances_and_a_number_has_no_digit_too_many() {
        assert_eq!(times([5, 7, 7, 1_000_000].into_iter()), json!([5, 2, 0, 999_993]));
        assert_eq!(micros(Nanos(1_000), Nanos(3_000)), -2);
        assert_eq!(number(16_777_216.0).to_string(), "16777216");
        assert_eq!(number(1.0 / 3.0).to_string(), "0.33");
    }

    #[test]
    fn a_cell_is_two_characters_and_a_count_beyond_them_is_scaled() {
        assert_eq!(cells(&[None, Some(0), Some(1), Some(64), Some(4095)], 1.0), "..AAABBA//");
        assert_eq!(cells(&[Some(u32::MAX)], f64::from(u32::MAX) / f64::from(HIGHEST)), "//");
    }

    #[test]
    fn all_series_together_keep_within_their_budget_as_far_as_a_picture_allows() {
        assert_eq!(points_each(60_000, 60), 1000);
        assert_eq!(
            (points_each(60_000, 1), points_each(60_000, 100_000), points_each(5, 0)),
            (MOST, FEWEST, FEWEST)
        );
    }
}
