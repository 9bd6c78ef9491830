//! Each goal that the trace measures: its value window by window, the mean of the last windows, and its target.

use crate::figure::{Content, Level, Lines, Plot, Point, Section, Series, Shape, Unit};
use crate::subject::damon::measures::{Goal, TOLERANCE, goal_series, second_half, time_to_target};
use crate::subject::damon::view::View;
use crate::subject::{Measure, Quantity, Unit as Measured, WINDOWS_IN_A_ROW, windowed_means};

pub(super) fn plots(view: &View<'_>) -> Vec<Plot> {
    goal_series(view).iter().map(|(goal, series)| plot(goal, series)).collect()
}

fn plot(goal: &Goal, series: &[Point]) -> Plot {
    let target = goal.target as f64;
    let near = format!("target {target:.0} bp (near: within {TOLERANCE:.0} bp)");
    let each = Series { name: "each window".to_owned(), shape: Shape::Steps, points: series.to_vec() };
    let mean = Series {
        name: format!("mean of {WINDOWS_IN_A_ROW} windows"),
        shape: Shape::Mean,
        points: windowed_means(series).collect(),
    };
    let series_of_means = Some(mean).filter(|mean| !mean.points.is_empty());
    let lines = Lines {
        unit: Unit::BasisPoints,
        series: std::iter::once(each).chain(series_of_means).collect(),
        levels: vec![Level { name: near, value: target, near: Some(TOLERANCE) }],
    };
    let title = format!("kdamond {}, scheme {}: share of node {}", goal.kdamond, goal.scheme, goal.nid);
    let about = format!("The current value of the goal in each charge window ({}).", goal.event);
    Plot {
        section: Section::Goals,
        title,
        about,
        facts: facts(target, series),
        content: Content::Lines(lines),
    }
}

fn facts(target: f64, series: &[Point]) -> Vec<(&'static str, String)> {
    let mut facts = vec![("target", format!("{target:.0} bp"))];
    if let Some(half) = second_half(series) {
        let bp = |value| Quantity::new("", Measured::BasisPoints).amount(value);
        let swing = half.spread.map(|spread| format!(", swing {}", bp(spread))).unwrap_or_default();
        facts.push(("mean of the second half", format!("{}{swing}", bp(half.mean))));
        let Measure { value, never } = time_to_target(target, series);
        let time = Quantity::new("", Measured::Seconds).amount(value);
        facts.push(("time to target", if never { format!("not reached in {time}") } else { time }));
    }
    facts.push(("windows", series.len().to_string()));
    facts
}
