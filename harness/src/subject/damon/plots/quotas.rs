//! What each scheme was allowed to do, and did: the effective quota, and the bytes that it tried in each charge window.

use crate::figure::{Lines, Plot, Point, Section, Series, Shape, Unit};
use crate::host::text::foreign;
use crate::subject::damon::events::{Esz, Stat};
use crate::subject::damon::view::{KdamondRun, View};
use damonlab_protocol::units::Nanos;
use std::collections::BTreeMap;

#[derive(Default)]
struct Quota {
    action: String,
    effective: Vec<Point>,
    charged: Vec<Point>,
    /// Whether windows are visible in the trace.
    windows: bool,
}

pub(super) fn plots(view: &View<'_>) -> Vec<Plot> {
    let mut all: BTreeMap<(usize, usize), Quota> = BTreeMap::new();
    for run in &view.kdamond_runs {
        for (index, scheme) in run.config.context.schemes.iter().enumerate() {
            let quota = all.entry((run.kdamond, index)).or_default();
            quota.action.clone_from(&scheme.action);
            quota
                .effective
                .extend(run.scheme_events::<Esz>(index).map(|(line, event)| (line.time, event.esz as f64)));
            quota.windows |= !run.charge_windows[index].windows.is_empty();
            quota.charged.extend(charged(run, index));
        }
    }
    all.into_iter()
        .filter(|(_, quota)| !quota.effective.is_empty())
        .map(|(key, quota)| plot(key, quota))
        .collect()
}

fn plot((kdamond, scheme): (usize, usize), quota: Quota) -> Plot {
    let tried = if quota.windows { "tried in the window" } else { "tried in the pass" };
    let lines = Lines {
        unit: Unit::Bytes,
        series: vec![
            Series { name: "effective quota".to_owned(), shape: Shape::Steps, points: quota.effective },
            Series { name: tried.to_owned(), shape: Shape::Area, points: quota.charged },
        ],
        levels: Vec::new(),
    };
    let title = format!("kdamond {kdamond}, scheme {scheme} ({})", foreign(&quota.action));
    let about = "The effective quota as the kernel emits it, and the bytes that are charged against it: what the scheme tried.";
    Plot::lines(Section::Quotas, title, about, lines)
}

/// The growth of `sz_tried` in each charge window, or in each pass where no window is visible.
fn charged(run: &KdamondRun<'_>, scheme: usize) -> Vec<Point> {
    let mut starts = run.charge_windows[scheme].windows.iter().map(|window| window.time()).peekable();
    let (mut points, mut before): (Vec<Point>, u64) = (Vec::new(), 0);
    let (mut window, mut sum): (Option<Nanos>, u64) = (None, 0);
    for (nth, (line, stat)) in run.scheme_events::<Stat>(scheme).enumerate() {
        // A commit keeps the counters, and what was counted until then is not known here.
        let grown = if nth == 0 && run.continues() { 0 } else { stat.sz_tried.saturating_sub(before) };
        before = stat.sz_tried;
        if run.charge_windows[scheme].windows.is_empty() {
            points.push((line.time, grown as f64));
            continue;
        }
        while let Some(start) = starts.next_if(|start| *start <= line.time) {
            points.extend(window.map(|time| (time, sum as f64)));
            (window, sum) = (Some(start), 0);
        }
        sum = sum.saturating_add(grown);
    }
    points.extend(window.map(|time| (time, sum as f64)));
    points
}
