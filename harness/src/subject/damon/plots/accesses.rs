//! A heat map of each target: the accesses that DAMON saw in its regions, aggregation by aggregation.

use crate::figure::{Content, Grid, Plot, Section};
use crate::subject::Region;
use crate::subject::damon::events::Aggregated;
use crate::subject::damon::series::aggregated;
use crate::subject::damon::view::View;
use damonlab_protocol::damon::Ops;
use std::collections::BTreeMap;

/// More targets than these are not drawn.
const TARGETS: usize = 12;

pub(super) fn plots(view: &View<'_>) -> Vec<Plot> {
    let mut grids: BTreeMap<(usize, u64), (Grid, bool)> = BTreeMap::new();
    let has_plain = view.traced(Aggregated::NAME);
    for run in &view.kdamond_runs {
        let physical =
            run.config.context.ops.known() == Some(Ops::Paddr) && run.config.context.addr_unit == 1;
        for line in &run.lines {
            let Some((target, _, Region { start, end, nr_accesses, .. })) =
                aggregated(&line.event, has_plain)
            else {
                continue;
            };
            if grids.len() < TARGETS || grids.contains_key(&(run.kdamond, target)) {
                let (grid, of_nodes) = grids.entry((run.kdamond, target)).or_default();
                grid.add(line.time, start, end, nr_accesses);
                *of_nodes = physical;
            }
        }
    }
    let plot = |((kdamond, target), (grid, of_nodes)): ((usize, u64), (Grid, bool))| {
        let borders = if of_nodes { borders(view) } else { Vec::new() };
        let heat = grid.map(&borders, "accesses")?;
        let narrow = heat.stretches.iter().any(|stretch| stretch.is_cold);
        let narrow =
            if narrow { " Where nothing was ever seen, addresses are drawn closer together." } else { "" };
        let kind = if of_nodes { "physical" } else { "virtual" };
        Some(Plot {
            section: Section::Accesses,
            title: format!("kdamond {kdamond}, target {target}"),
            about: format!(
                "The highest number of accesses in an aggregation, by {kind} address (up) and time (right).{narrow}"
            ),
            facts: Vec::new(),
            content: Content::Heat(heat),
        })
    };
    grids.into_iter().filter_map(plot).collect()
}

/// Where the memory of each node begins.
fn borders(view: &View<'_>) -> Vec<(u64, String)> {
    let nodes = view.recording.report.node_ranges.iter();
    let mut all: Vec<(u64, String)> = nodes
        .flat_map(|(node, ranges)| ranges.iter().map(move |(start, _)| (start.0, node.to_string())))
        .collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::damon::series::aggregations;
    use crate::subject::damon::testing::stored;

    #[test]
    fn an_aggregation_that_two_events_report_is_drawn_once() {
        let mut recording = stored("tuned");
        recording.trace.lines.truncate(4000);
        let plots = plots(&View::new(&recording));
        let [Plot { content: Content::Heat(map), .. }] = &plots[..] else { panic!("{plots:?}") };
        assert_eq!(map.columns, aggregations(&recording).len());
    }
}
