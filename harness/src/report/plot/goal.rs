//! A quota goal: its values window by window, their mean, and its target.

use super::cells::PlotStyle;
use super::chart::{Chart, Curve, Look};
use crate::subject::{Series, SeriesOf, WINDOWS_IN_A_ROW, windowed_means};
use damonlab_protocol::units::Nanos;

/// The narrowest plot that says something.
pub const MINI_WIDTH: u16 = 40;

/// The lines of a plot beside a verdict.
const MINI_HEIGHT: u16 = 6;

/// The plot of a goal with so many lines.
pub(in crate::report) fn goal_chart(series: &Series, height: u16) -> Chart {
    let points: Vec<(f64, f64)> =
        series.points.iter().map(|point| (seconds(point.time), point.value)).collect();
    let mut target: Vec<(f64, f64)> =
        series.target.iter().map(|point| (seconds(point.time), point.value)).collect();
    // A target holds from the start of the kdamond on.
    if let (Some(first), Some(point)) = (target.first_mut(), points.first()) {
        first.0 = first.0.min(point.0);
    }
    let highest = points.iter().chain(&target).map(|(_, value)| *value).fold(10_000.0, f64::max);
    let curve = |name: &str, points, look| Curve { name: name.to_owned(), points, look };
    let mean = windowed_means(&points).collect();
    Chart {
        curves: vec![
            curve("each window", points, Look::Dots),
            curve("mean of 8", mean, Look::Line),
            curve("target", target, Look::Steps),
        ],
        values: (0.0, highest),
        labels: vec!["0 %".to_owned(), percent(highest)],
        height,
    }
}

/// A small plot of each goal, each below what it is about.
pub fn goal_plots(series: &[Series], style: PlotStyle) -> Vec<String> {
    let goals = series.iter().filter(|one| matches!(one.of, SeriesOf::Goal { .. }));
    let plot = |one: &Series| {
        let range = (seconds(one.points.first()?.time), seconds(one.points.last()?.time));
        let lines = goal_chart(one, MINI_HEIGHT).draw(range, style);
        (!lines.is_empty()).then(|| format!("{}\n{}", heading(one), lines.join("\n")))
    };
    goals.filter_map(plot).collect()
}

/// What the goal is, and where it stands.
pub(in crate::report) fn heading(series: &Series) -> String {
    let target = series.target.last().map_or(0.0, |point| point.value);
    let last: Vec<f64> = series.points.iter().rev().take(WINDOWS_IN_A_ROW).map(|point| point.value).collect();
    let mean = last.iter().sum::<f64>() / last.len().max(1) as f64;
    let windows = last.len();
    format!("{}: {} of {} (mean of the last {windows} windows)", series.of, percent(mean), percent(target))
}

fn percent(bp: f64) -> String {
    format!("{:.1} %", bp / 100.0).replace(".0 %", " %")
}

pub(in crate::report) fn seconds(time: Nanos) -> f64 {
    time.0 as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Recording;
    use crate::recording::testing::stored;
    use crate::subject;

    #[test]
    fn each_goal_of_a_run_has_a_plot_below_its_name() {
        let recording = Recording::load(&stored("consist")).unwrap();
        let plots = goal_plots(&subject::series(&recording), PlotStyle { width: 60, unicode: true });
        assert_eq!(plots.len(), 2, "{plots:?}");
        for plot in plots {
            let plain = anstream::adapter::strip_str(&plot).to_string();
            assert!(plain.starts_with("kdamond 0 scheme ") && plain.contains(" % of "), "{plain}");
            assert!(plain.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "{plain}");
            assert_eq!(plain.lines().count(), 2 + usize::from(MINI_HEIGHT), "{plain}");
        }
    }
}
