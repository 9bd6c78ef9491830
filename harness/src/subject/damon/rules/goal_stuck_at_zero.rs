//! A goal that reads 0 although its node has eligible memory, so that the control loop runs open (G6).

use super::dumps::{Dump, dumps, size};
use crate::subject::damon::events::{Aggregated, NodeEligible};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Line, Rule, RuleResult, Source, Violation, Violations, each_scheme, in_core,
};
use crate::subject::damon::view::{KdamondRun, View};
use damonlab_protocol::damon::{Ops, Range, Scheme};
use damonlab_protocol::units::{BasisPoints, NodeId};

/// How many measurements in a row must be 0.
const IN_A_ROW: usize = 5;

/// The node must have at least one part in so many of the eligible memory.
const PART: u128 = 10;

pub(crate) static GOAL_IS_NOT_STUCK_AT_ZERO: DamonRule = Rule {
    about: About {
        id: "G6",
        name: "goal-is-not-stuck-at-zero",
        kind: Kind::Windowed,
        statement: "A goal does not read 0 in 5 windows in a row while memory with the scheme's pattern is on its node.",
        because: "DAMON sees accesses to pages on the LRU lists, and the metric counts those pages. With one tenth of the eligible memory on the node, rounding cannot give 0 five times.",
        source: &[
            in_core("damos_calc_eligible_bytes"),
            Source::function("mm/damon/paddr.c", "damon_pa_check_accesses"),
        ],
        file: file!(),
        when: "damon_aggregated shows memory with the pattern on the goal's node; paddr",
    },
    judge: goal_is_not_stuck_at_zero,
};

fn goal_is_not_stuck_at_zero(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need_windows(run, index)?;
        run.need_bytes()?;
        run.need_fixed_intervals()?;
        if run.config.context.ops != Ops::Paddr {
            return Err("the metric is about physical memory".to_owned());
        }
        let dumps = dumps(view, run)?;
        let mut violations = Violations::default();
        let mut applies = false;
        // What is traced of a complement depends on the kernel.
        let goals = &run.charge_windows[index].goals;
        for place in (0..goals.len()).filter(|place| !goals[*place].complement) {
            let mut empty: Vec<&Line> = Vec::new();
            for window in &run.charge_windows[index].windows {
                let (line, goal) = window.goals[place];
                if goal.event != NodeEligible::NAME {
                    continue;
                }
                // The aggregation of the same pass, where schemes are applied when an aggregation ends.
                let Some(dump) = dumps.iter().find(|dump| dump.at() > window.at) else { break };
                let there = goal.node().is_some_and(|node| is_there(view, scheme, dump, node));
                applies |= there;
                if !there || goal.current != BasisPoints(0) {
                    empty.clear();
                    continue;
                }
                empty.push(line);
                if empty.len() == IN_A_ROW {
                    violations.push(|| open(run, index, scheme, dump, &empty, goal.nid));
                    empty.clear();
                }
            }
        }
        match applies {
            true => Ok(violations),
            false => Err("damon_aggregated shows no memory with the pattern on the goal's node".to_owned()),
        }
    })
}

fn open<'a>(
    run: &KdamondRun<'_>,
    index: usize,
    scheme: &Scheme,
    dump: &Dump<'a>,
    empty: &[&'a Line],
    nid: i32,
) -> Violation {
    let region = dump.regions().find(|(_, region)| eligible(region, scheme)).map(|(line, _)| *line);
    let name = run.scheme_name(index);
    let expected = format!(
        "a share above 0 for {name}: damon_aggregated shows memory with its pattern on node {nid} all the time"
    );
    let seen = format!("current_value=0 in {IN_A_ROW} measurements in a row");
    let ends = [empty.first().copied(), empty.last().copied(), region];
    Violation::new(expected, seen).at(ends.into_iter().flatten())
}

/// Whether at least one part in [`PART`] of the memory with the pattern is on the node. DAMON sees accesses only where
/// pages are, and fewer accesses the fewer pages of a region are accessed: accesses times size is a rough lower bound
/// on how much memory there is.
fn is_there(view: &View<'_>, scheme: &Scheme, dump: &Dump<'_>, node: NodeId) -> bool {
    let Some(ranges) = view.recording.report.node_ranges.get(&node) else { return false };
    let on_node = |region: &Aggregated| {
        ranges.iter().any(|(start, end)| start.0 <= region.start && region.end <= end.0)
    };
    let mass = |region: &Aggregated| u128::from(size(region)) * u128::from(region.nr_accesses);
    let (mut there, mut all) = (0u128, 0u128);
    for (_, region) in dump.regions().filter(|(_, region)| eligible(region, scheme)) {
        all += mass(region);
        there += if on_node(region) { mass(region) } else { 0 };
    }
    there > 0 && there * PART >= all
}

fn eligible(region: &Aggregated, scheme: &Scheme) -> bool {
    let within = |range: Range, value: u64| (range.min..=range.max).contains(&value);
    region.nr_accesses > 0
        && within(scheme.sz, size(region))
        && within(scheme.nr_accesses, region.nr_accesses.into())
        && within(scheme.age, region.age.into())
}
