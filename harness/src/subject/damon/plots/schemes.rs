//! The statistics of each scheme, from the trace where it has them, else from the samples.

use crate::figure::{Lines, Plot, Section, Series, Shape, Unit};
use crate::subject::damon::events::Stat;
use crate::subject::damon::view::View;
use damonlab_protocol::record::SchemeStats;
use damonlab_protocol::units::Nanos;
use std::collections::BTreeMap;

type Counters = [(&'static str, fn(&SchemeStats) -> u64)];

const SIZES: &Counters = &[
    ("tried", |stats| stats.sz_tried),
    ("applied", |stats| stats.sz_applied),
    ("passed the filters", |stats| stats.sz_ops_filter_passed),
];
const NUMBERS: &Counters = &[
    ("regions tried", |stats| stats.nr_tried),
    ("regions applied", |stats| stats.nr_applied),
    ("windows with the quota used up", |stats| stats.qt_exceeds),
    ("complete passes", |stats| stats.nr_snapshots),
];

/// The statistics of each scheme of each kdamond over time.
type History = BTreeMap<(usize, usize), Vec<(Nanos, SchemeStats)>>;

pub(super) fn plots(view: &View<'_>) -> Vec<Plot> {
    let history = match of_trace(view) {
        history if history.is_empty() => of_samples(view),
        history => history,
    };
    let both = |((kdamond, scheme), history): (&(usize, usize), &Vec<(Nanos, SchemeStats)>)| {
        let plot = |what: &str, unit: Unit, counters: &Counters| {
            let title = format!("kdamond {kdamond}, scheme {scheme}: {what}");
            let lines = Lines { unit, series: series(history, counters), levels: Vec::new() };
            Plot::lines(Section::Schemes, title, "Counted since the kdamond started.", lines)
        };
        [plot("bytes", Unit::Bytes, SIZES), plot("numbers", Unit::Count, NUMBERS)]
    };
    history.iter().flat_map(both).filter(|plot| !plot.is_empty()).collect()
}

/// Counters that stay at 0 say nothing.
fn series(history: &[(Nanos, SchemeStats)], counters: &Counters) -> Vec<Series> {
    let one = |(name, value): &(&'static str, fn(&SchemeStats) -> u64)| {
        let points = history.iter().map(|(time, stats)| (*time, value(stats) as f64)).collect();
        Series { name: (*name).to_owned(), shape: Shape::Steps, points }
    };
    let all = counters.iter().map(one);
    all.filter(|series| series.points.iter().any(|(_, value)| *value > 0.0)).collect()
}

fn of_trace(view: &View<'_>) -> History {
    let mut history = History::new();
    for run in &view.kdamond_runs {
        for (line, stat) in run.events::<Stat>() {
            let stats = SchemeStats {
                nr_tried: stat.nr_tried,
                sz_tried: stat.sz_tried,
                nr_applied: stat.nr_applied,
                sz_applied: stat.sz_applied,
                sz_ops_filter_passed: stat.sz_ops_filter_passed,
                qt_exceeds: stat.qt_exceeds,
                nr_snapshots: stat.nr_snapshots,
                effective_bytes: 0,
            };
            history.entry((run.kdamond, stat.scheme_idx as usize)).or_default().push((line.time, stats));
        }
    }
    history
}

fn of_samples(view: &View<'_>) -> History {
    let mut history = History::new();
    for sample in &view.recording.samples {
        for (kdamond, schemes) in sample.schemes.iter().enumerate() {
            for (scheme, stats) in schemes.iter().enumerate() {
                history.entry((kdamond, scheme)).or_default().push((sample.time, stats.clone()));
            }
        }
    }
    history
}
