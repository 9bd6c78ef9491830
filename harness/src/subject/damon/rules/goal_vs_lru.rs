//! The measurements of a `node_eligible_mem_bp` goal whose scheme takes all memory, against the nodes' own counters (G8).
//!
//! Where the pattern matches every region, DAMON's picture of the memory does not matter: what is eligible is every page
//! on an LRU list (`damon_get_folio` takes no others), and each node counts these itself, in `nodeN/meminfo`. So one
//! measurement is enough, and regions that lie across the border of two nodes count, too.

use super::goal_vs_pages::eligible_goals;
use super::migration::{Migration, migrates, migrations};
use super::pattern::{age_does_not_matter, size_does_not_matter};
use super::still_memory::{keeps_memory, keeps_pages};
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::subject::damon::events::{Measurement, NodeEligible};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Line, Reason, Rule, RuleResult, Source, each_scheme, in_core,
};
use crate::subject::damon::view::{KdamondRun, PAGE, View};
use crate::subject::damon::windows::Window;
use damonlab_protocol::damon::{Context, Ops, Scheme};
use damonlab_protocol::record::Sample;
use damonlab_protocol::units::{Nanos, NodeId};
use std::collections::BTreeMap;

/// The counters of the LRU lists in `nodeN/meminfo`: five lists behind three sums.
const LISTS: [&str; 3] = ["Active", "Inactive", "Unevictable"];

/// How much of the five counters the CPU keeps to itself, and how much a batch holds that is not on a list yet
/// (`calculate_normal_threshold` gives up to 24 pages a counter for one CPU and 256 GiB; a `folio_batch` has 31).
const UNSEEN: u64 = (5 * 24 + 31) * PAGE;

/// Where node ranges begin as the guest reports them; below are 640 KiB that no target covers.
const LOW: (u64, u64) = (1 << 20, 640 << 10);

pub(crate) static GOAL_OF_ALL_MEMORY_IS_ITS_SHARE: DamonRule = Rule {
    about: About {
        id: "G8",
        name: "goal-of-all-memory-is-its-share",
        kind: Kind::Conditional,
        statement: "A node_eligible_mem_bp goal of a scheme that takes all memory measures the node's share of the pages on LRU lists.",
        because: "Every region matches, and each folio on a list counts for the node that it is on.",
        source: &[
            in_core("damos_get_node_eligible_mem_bp"),
            in_core("damos_calc_eligible_bytes"),
            Source::function("mm/damon/ops-common.c", "damon_get_folio"),
        ],
        file: file!(),
        when: "paddr over whole nodes, the pattern takes everything, nothing but DAMON moves memory, and samples lie around a measurement",
    },
    judge: goal_of_all_memory_is_its_share,
};

fn goal_of_all_memory_is_its_share(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need(&[NodeEligible::NAME])?;
        let places = eligible_goals(run, index);
        if places.is_empty() {
            return Err("no scheme has a node_eligible_mem_bp goal".to_owned());
        }
        let context = &run.config.context;
        run.need_bytes()?;
        run.need_fixed_intervals()?;
        takes_everything(context, scheme)?;
        let until = memory_stays_until(view)?;
        let monitored = monitored(view, context)?;
        // They are recorded where a scheme migrates; compaction stays within a node.
        let moves = if view.schemes().any(migrates) { migrations(view)? } else { Vec::new() };
        let moved = Moved::new(&moves);
        let (mut findings, mut judged) = (Violations::default(), 0);
        for window in run.charge_windows[index].windows.iter().filter(|window| window.time() < until) {
            let Some(lists) = Lists::around(view, window, &moved) else { continue };
            for place in &places {
                judged += 1;
                findings.extend(apart(run, index, window.goals[*place], &lists, &monitored));
            }
        }
        match judged {
            0 => Err("no measurement lies between two samples, before a step changes memory".to_owned()),
            _ => Ok(findings),
        }
    })
}

/// An error unless every region matches the pattern, whatever its size, accesses and age are.
fn takes_everything(context: &Context, scheme: &Scheme) -> Result<(), Reason> {
    let samples = context.intervals.aggr_us / context.intervals.sample_us.max(1);
    let any_accesses = scheme.nr_accesses.min == 0 && scheme.nr_accesses.max >= samples;
    if any_accesses && size_does_not_matter(scheme) && age_does_not_matter(scheme) {
        Ok(())
    } else {
        Err("the scheme's pattern leaves out memory".to_owned())
    }
}

/// When the first step begins that changes how much is on a node's lists.
///
/// # Errors
/// A scheme does so, by other means than migration.
fn memory_stays_until(view: &View<'_>) -> Result<Nanos, Reason> {
    if !view.schemes().all(keeps_pages) {
        return Err("a scheme does more to memory than to move it".to_owned());
    }
    let first = view.recording.plan.steps.iter().position(|step| !keeps_memory(step));
    let begin = first.and_then(|first| view.recording.report.steps.get(first));
    Ok(begin.map_or(Nanos(u64::MAX), |step| step.begin))
}

/// The nodes that are monitored.
///
/// # Errors
/// A part of one is.
fn monitored(view: &View<'_>, context: &Context) -> Result<Vec<NodeId>, Reason> {
    if context.ops != Ops::Paddr {
        return Err("the context is not paddr".to_owned());
    }
    let ranges = view.all_ranges(context);
    let mut monitored = Vec::new();
    for (node, own) in &view.recording.report.node_ranges {
        let is = |whole: bool, (from, to): (u64, u64)| {
            ranges.iter().any(|(start, end)| match whole {
                true => *start <= from && to <= *end,
                false => *start < to && from < *end,
            })
        };
        let of = |whole| own.iter().filter(|(from, to)| is(whole, (from.0, to.0))).count();
        match (of(true), of(false)) {
            (_, 0) => {}
            (whole, _) if whole == own.len() => monitored.push(*node),
            _ => return Err(format!("DAMON monitors a part of {node}")),
        }
    }
    Ok(monitored)
}

/// How much was migrated until when.
struct Moved {
    /// In the order of time.
    times: Vec<Nanos>,
    /// The bytes of the first so many.
    sums: Vec<u64>,
}

impl Moved {
    fn new(moves: &[Migration<'_>]) -> Moved {
        let mut moves: Vec<(Nanos, u64)> = moves.iter().map(|one| (one.line.time, one.succeeded)).collect();
        moves.sort_by_key(|(time, _)| *time);
        let mut sums = vec![0u64];
        for (_, pages) in &moves {
            sums.push(sums.last().map_or(0, |sum| sum.saturating_add(pages.saturating_mul(PAGE))));
        }
        Moved { times: moves.into_iter().map(|(time, _)| time).collect(), sums }
    }

    /// The bytes that were migrated from one time to another.
    fn between(&self, from: Nanos, until: Nanos) -> u64 {
        let before = self.times.partition_point(|time| *time < from);
        let with = self.times.partition_point(|time| *time <= until).max(before);
        self.sums[with].saturating_sub(self.sums[before])
    }
}

/// The least and the most bytes that are on each node's lists while a window is measured.
struct Lists(BTreeMap<NodeId, (u64, u64)>);

impl Lists {
    /// None unless samples lie before and after, and those before are of the time since DAMON started.
    fn around(view: &View<'_>, window: &Window<'_>, moves: &Moved) -> Option<Lists> {
        let samples = &view.recording.samples;
        let (begin, end) = (window.after?, window.time());
        // A sample's counters are read after its time.
        let first = samples.partition_point(|sample| sample.time <= begin).checked_sub(2)?;
        let last = samples.partition_point(|sample| sample.time < end);
        let around = samples.get(first..=last)?;
        let until = samples.get(last + 1).map_or(Nanos(u64::MAX), |sample| sample.time);
        let moved = moves.between(around[0].time, until);
        let nodes = view.recording.report.node_ranges.iter().map(|(node, ranges)| {
            let is_low = ranges.iter().any(|(from, _)| from.0 == LOW.0);
            let own = || around.iter().map(|sample| on_lists(sample, *node));
            let (least, most) = (own().min().unwrap_or_default(), own().max().unwrap_or_default());
            let below = moved.saturating_add(UNSEEN).saturating_add(if is_low { LOW.1 } else { 0 });
            let bounds = (least.saturating_sub(below), most.saturating_add(moved).saturating_add(UNSEEN));
            (*node, bounds)
        });
        Some(Lists(nodes.collect()))
    }

    /// The least and the largest share of a node, in basis points.
    fn share(&self, node: Option<NodeId>, monitored: &[NodeId]) -> (u64, u64) {
        let (mut here, mut others) = ((0, 0), (0, 0));
        for (one, (least, most)) in self.0.iter().filter(|(one, _)| monitored.contains(one)) {
            let sum = if Some(*one) == node { &mut here } else { &mut others };
            *sum = (sum.0 + u128::from(*least), sum.1 + u128::from(*most));
        }
        let share = |here: u128, others: u128| here * 10_000 / (here + others).max(1);
        // The kernel says 0 where there is nothing.
        let least = share(here.0, others.1);
        (u64::try_from(least).unwrap_or(0), u64::try_from(share(here.1, others.0)).unwrap_or(10_000))
    }
}

fn on_lists(sample: &Sample, node: NodeId) -> u64 {
    let of = |counters: &BTreeMap<String, damonlab_protocol::units::Bytes>| -> u64 {
        LISTS.iter().filter_map(|list| counters.get(*list)).map(|bytes| bytes.0).sum()
    };
    sample.nodes.get(&node).map_or(0, of)
}

/// A measurement that lies outside of what the counters allow.
fn apart(
    run: &KdamondRun<'_>,
    index: usize,
    (line, goal): (&Line, Measurement),
    lists: &Lists,
    monitored: &[NodeId],
) -> Option<Violation> {
    let node = u16::try_from(goal.nid).ok().map(NodeId);
    let (least, most) = lists.share(node, monitored);
    let measured = goal.current.0;
    // The kernel rounds down.
    (measured + 1 < least || measured > most).then(|| {
        let expected = format!(
            "a current_value of {}, node {} from {least} to {most}, the node's share of the memory on LRU lists",
            run.scheme_name(index),
            goal.nid
        );
        Violation::new(expected, measured.to_string()).at([line])
    })
}

#[cfg(test)]
mod tests {
    use crate::judge::judge;
    use crate::recording::Recording;
    use crate::subject::damon::events::NodeEligible;
    use crate::subject::damon::testing::{edit, found, rewrite, stored};
    use damonlab_protocol::damon::AddrRange;
    use damonlab_protocol::plan::Step;
    use damonlab_protocol::units::{Addr, Bytes, NodeId};

    #[test]
    fn g8_passes_on_a_real_run_and_sees_one_measurement_that_is_two_points_off() {
        let mut recording = stored("gauge");
        assert_eq!(found(&recording, "G8"), []);
        rewrite(&mut recording, |lines| {
            edit(lines, NodeEligible::NAME, 6, |line| {
                let (head, value) = line.rsplit_once('=').unwrap();
                format!("{head}={}", value.parse::<u64>().unwrap() + 200)
            });
        });
        assert_eq!(found(&recording, "G8").len(), 1);
    }

    #[test]
    fn g8_allows_whatever_lies_between_the_samples_around_a_measurement() {
        let mut recording = stored("gauge");
        for sample in recording.samples.iter_mut().skip(3).step_by(2) {
            for (list, bytes) in sample.nodes.values_mut().take(1).flatten() {
                *bytes = Bytes(if list == "Inactive" { bytes.0 / 3 } else { bytes.0 });
            }
        }
        assert_eq!(found(&recording, "G8"), []);
    }

    #[test]
    fn g8_does_not_apply_where_not_all_memory_counts() {
        let why = |tamper: fn(&mut Recording)| {
            let mut recording = stored("gauge");
            tamper(&mut recording);
            judge(&recording).skipped.into_iter().find(|(about, _)| about.id == "G8").map(|(_, why)| why)
        };
        let accesses = why(|r| r.plan.kdamonds[0].context.schemes[0].nr_accesses.min = 1);
        assert_eq!(accesses.as_deref(), Some("the scheme's pattern leaves out memory"));
        let part = why(|r| {
            let region = AddrRange::Fixed { start: Addr(32 << 20), end: Addr(1 << 30) };
            r.plan.kdamonds[0].context.targets[0].regions = vec![region];
        });
        assert_eq!(part.as_deref(), Some("DAMON monitors a part of node 0"));
        let pageout = why(|r| r.plan.kdamonds[0].context.schemes[0].action = "pageout".into());
        assert_eq!(pageout.as_deref(), Some("a scheme does more to memory than to move it"));
        let offline = why(|r| {
            let run = r.plan.steps.iter_mut().find(|step| matches!(step, Step::Run { .. })).unwrap();
            *run = Step::Offline { node: NodeId(1) };
        });
        let expected = "no measurement lies between two samples, before a step changes memory";
        assert_eq!(offline.as_deref(), Some(expected));
    }
}
