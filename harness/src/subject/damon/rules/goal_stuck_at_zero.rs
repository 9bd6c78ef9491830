//! A goal that reads 0 though its memory is there: the control loop runs open (G6).

use super::dumps::{Dump, dumps, size};
use super::goals::need_windows;
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::subject::damon::events::Aggregated;
use crate::subject::damon::rule::{About, DamonRule, Kind, Rule, RuleResult, Source, each_scheme, in_core};
use crate::subject::damon::view::{KdamondRun, View};
use crate::trace::{Event, Line};
use damonlab_protocol::damon::{Ops, Scheme};
use damonlab_protocol::units::NodeId;

/// How many measurements in a row must be 0.
const IN_A_ROW: usize = 5;

/// The least part of the eligible memory that must be on the node: one in so many.
const PART: u128 = 10;

pub(crate) static GOAL_IS_NOT_STUCK_AT_ZERO: DamonRule = Rule {
    about: About {
        id: "G6",
        name: "goal-is-not-stuck-at-zero",
        kind: Kind::Windowed,
        statement: "A goal does not read 0 window after window while memory with the scheme's pattern is on its node.",
        because: "A region is seen accessed where a page on the LRU list is; the metric counts those pages. One tenth of the eligible memory in 5 windows in a row leaves no room for rounding.",
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
        need_windows(view, scheme)?;
        run.need_bytes()?;
        run.need_fixed_intervals()?;
        if run.config.context.ops != Ops::Paddr {
            return Err("the metric is of physical memory".to_owned());
        }
        let dumps = dumps(view, run)?;
        let mut findings = Violations::default();
        let mut could = false;
        for place in 0..crate::subject::damon::view::node_goals(scheme).len() {
            let mut empty: Vec<&Line> = Vec::new();
            for window in &run.charge_windows[index].windows {
                let Some(line) = window.goals.get(place) else { continue };
                let Event::NodeEligible(goal) = &line.event else { continue };
                // That of the same pass, where schemes are applied when an aggregation ends.
                let Some(dump) = dumps.iter().find(|dump| dump.at() > window.at) else { break };
                if !is_there(view, scheme, dump, goal.nid) {
                    empty.clear();
                    continue;
                }
                could = true;
                match goal.current_value {
                    0 => empty.push(line),
                    _ => empty.clear(),
                }
                if empty.len() == IN_A_ROW {
                    findings.extend(open(run, index, scheme, dump, &empty, goal.nid));
                    empty.clear();
                }
            }
        }
        match could {
            true => Ok(findings),
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
) -> Option<Violation> {
    let region = dump.regions().find(|(_, region)| eligible(region, scheme)).map(|(line, _)| *line);
    let name = run.scheme_name(index);
    let expected = format!(
        "a share above 0 for {name}: damon_aggregated shows memory with its pattern on node {nid} all the time"
    );
    let seen = format!("current_value=0 in {IN_A_ROW} measurements in a row");
    let ends = [empty.first().copied(), empty.last().copied(), region];
    Some(Violation::new(expected, seen).at(ends.into_iter().flatten()))
}

/// Whether a good part of what has the pattern is on the node. Accesses are seen only where pages are, and
/// the fewer of a region's pages are accessed the fewer are its accesses: their product with the size says
/// how much memory there must be at least, roughly.
fn is_there(view: &View<'_>, scheme: &Scheme, dump: &Dump<'_>, nid: i32) -> bool {
    let Ok(node) = u16::try_from(nid) else { return false };
    let Some(ranges) = view.recording.report.node_ranges.get(&NodeId(node)) else { return false };
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
    let within =
        |range: damonlab_protocol::damon::Range, value: u64| (range.min..=range.max).contains(&value);
    region.nr_accesses > 0
        && within(scheme.sz, size(region))
        && within(scheme.nr_accesses, region.nr_accesses.into())
        && within(scheme.age, region.age.into())
}
