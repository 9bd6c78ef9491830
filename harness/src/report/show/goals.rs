//! The goals over the charge windows, and the effective quotas.

use super::super::plot::{Chart, Curve, Look, goal_chart, heading, seconds, table};
use super::section::{Contents, ShowArgs};
use crate::subject::{Series, SeriesOf, Unit};
use std::collections::BTreeMap;

/// The lines of a goal's plot.
const GOAL_HEIGHT: u16 = 12;

/// The lines of a quota's plot.
const QUOTA_HEIGHT: u16 = 8;

pub(super) fn section(contents: &Contents<'_>, arguments: &ShowArgs) -> String {
    let range = contents.range();
    let mut text = String::new();
    for one in &contents.series {
        let (heading, chart) = match &one.of {
            SeriesOf::Goal { .. } => (heading(one), goal_chart(one, GOAL_HEIGHT)),
            SeriesOf::Quota { .. } => {
                (one.of.to_string(), bytes_chart(&[(one, String::new())], QUOTA_HEIGHT))
            }
            _ => continue,
        };
        let lines = chart.draw(range, arguments.style);
        if !lines.is_empty() {
            text.push_str(&format!("{heading}\n{}\n\n", lines.join("\n")));
        }
    }
    text.truncate(text.trim_end().len());
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Sizes over time, each of which holds until the next.
pub(super) fn bytes_chart(series: &[(&Series, String)], height: u16) -> Chart {
    let points = |one: &Series| one.points.iter().map(|point| (seconds(point.time), point.value)).collect();
    let values = series.iter().flat_map(|(one, _)| &one.points).map(|point| point.value);
    let highest = values.fold(1.0, f64::max);
    let curves = series
        .iter()
        .map(|(one, name)| Curve { name: name.clone(), points: points(one), look: Look::Steps })
        .collect();
    let labels = vec!["0".to_owned(), size(highest)];
    Chart { curves, values: (0.0, highest), labels, height }
}

/// A size in the unit that gives it digits.
pub(super) fn size(bytes: f64) -> String {
    match bytes {
        small if small < 1_048_576.0 => format!("{:.1} KiB", small / 1024.0),
        large => Unit::Bytes.number(large) + " MiB",
    }
}

/// A table for each scheme with goals: a row for each charge window.
pub(super) fn windows(contents: &Contents<'_>, arguments: &ShowArgs) -> String {
    let mut schemes: BTreeMap<(usize, usize), Vec<&Series>> = BTreeMap::new();
    for one in &contents.series {
        if let SeriesOf::Goal { kdamond, scheme, .. } = one.of {
            schemes.entry((kdamond, scheme)).or_default().push(one);
        }
    }
    let mut text = String::new();
    for ((kdamond, scheme), goals) in schemes {
        let of = SeriesOf::Quota { kdamond, scheme };
        let quota = contents.series.iter().find(|one| one.of == of);
        let most = goals.iter().map(|goal| goal.points.len()).max().unwrap_or(0);
        let rows: Vec<Vec<String>> = (0..most).map(|window| row(window, &goals, quota)).collect();
        let names: Vec<String> = goals.iter().map(|goal| name(goal)).collect();
        let mut heads = vec!["window", "time s"];
        heads.extend(names.iter().map(String::as_str));
        heads.push("quota KiB");
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("charge windows of kdamond {kdamond} scheme {scheme}\n"));
        text.push_str(&table(&heads, &rows, arguments.rows));
    }
    text
}

/// `node 0: bp of 7000`.
fn name(goal: &Series) -> String {
    let target = goal.target.last().map_or(0.0, |point| point.value);
    match goal.of {
        SeriesOf::Goal { nid, .. } => format!("node {nid}: bp of {target:.0}"),
        _ => goal.of.to_string(),
    }
}

fn row(window: usize, goals: &[&Series], quota: Option<&Series>) -> Vec<String> {
    let points: Vec<_> = goals.iter().map(|goal| goal.points.get(window)).collect();
    let time = points.iter().flatten().map(|point| point.time).max();
    let next = goals.iter().filter_map(|goal| goal.points.get(window + 1)).map(|point| point.time).min();
    // The quota is emitted right after the measurements, where it changes.
    let quota = quota.and_then(|quota| {
        let later = quota.points.partition_point(|point| next.is_none_or(|next| point.time < next));
        Some(quota.points[later.checked_sub(1)?].value)
    });
    let mut cells = vec![window.to_string(), time.map(|time| time.seconds()).unwrap_or_default()];
    cells.extend(
        points.iter().map(|point| point.map_or(String::new(), |point| format!("{:.0}", point.value))),
    );
    cells.push(quota.map(|value| format!("{:.1}", value / 1024.0)).unwrap_or_default());
    cells
}
