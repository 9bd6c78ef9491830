//! Between which values the metric of a goal was, by the samples before and after it.
//!
//! The kernel takes these metrics from the counters that a node's `meminfo` and a task's `numa_maps` show, too. A value in
//! between two samples is in between theirs, unless memory went to and fro.

use super::states::Range;
use crate::subject::damon::modules;
use crate::subject::damon::oracle::mult_frac;
use crate::subject::damon::rules::migration::migrates;
use crate::subject::damon::rules::still_memory::{keeps_memory, keeps_pages};
use crate::subject::damon::view::{PAGE, View};
use damonlab_protocol::damon::Goal;
use damonlab_protocol::record::Sample;
use damonlab_protocol::units::{Bytes, Nanos, NodeId};

/// What the kernel and the agent take and give back in between, and what CPUs keep to themselves of a counter.
const NOISE: u64 = 4 << 20;

/// What a CPU keeps to itself of the counters of lists, and of pages that it puts on them later.
const UNLISTED: u64 = 1 << 20;

/// A sample is read so long after the time that it has, at most.
const READ: u64 = 100_000_000;

/// One part of a node in so many must be free: with less the kernel reclaims memory.
const LEAST_FREE: u64 = 16;

/// The whole of a metric in basis points.
const WHOLE: u64 = 10_000;

/// The least and the most that the metric of a goal was at a time; none where the samples do not tell.
pub(in super::super) fn value(view: &View<'_>, goal: &Goal, time: (Nanos, Nanos)) -> Option<Range> {
    let node = u16::try_from(goal.nid).ok().map(NodeId);
    let is_there = |node: &NodeId| view.recording.samples.iter().any(|sample| total(sample, *node) > 0);
    let used = matches!(&*goal.metric, "node_mem_used_bp" | "node_memcg_used_bp");
    match &*goal.metric {
        "active_mem_bp" | "inactive_mem_bp" => {
            let around = Around::of(view, time)?;
            let (active, inactive) = (around.everywhere("Active"), around.everywhere("Inactive"));
            let slack = around.swapped_lists(view).saturating_add(UNLISTED * cpus(view));
            Some(match &*goal.metric {
                "active_mem_bp" => part(widened(active, slack), widened(inactive, slack)),
                _ => part(widened(inactive, slack), widened(active, slack)),
            })
        }
        "node_mem_used_bp" | "node_mem_free_bp" | "node_memcg_used_bp" | "node_memcg_free_bp" => {
            let Some(node) = node.filter(is_there) else {
                return Some(if used { (0, 0) } else { (WHOLE, WHOLE) });
            };
            let around = Around::of(view, time)?;
            let total = around.total(node)?;
            let pages = match goal.metric.contains("memcg") {
                true => around.of_memcg(view, &goal.path, node)?,
                false => {
                    let free = around.field(node, "MemFree")?;
                    (total.saturating_sub(free.1), total.saturating_sub(free.0))
                }
            };
            let (least, most) = widened(pages, around.moved(view)?.saturating_add(NOISE));
            let bp = |bytes: u64| mult_frac(bytes.min(total), WHOLE, total);
            let left = |bytes: u64| mult_frac(total.saturating_sub(bytes), WHOLE, total);
            Some(if used { (bp(least), bp(most)) } else { (left(most), left(least)) })
        }
        _ => None,
    }
}

/// The share that one part has of both, in basis points.
fn part(one: Range, other: Range) -> Range {
    let share = |one: u64, other: u64| mult_frac(one, WHOLE, one.saturating_add(other).max(PAGE));
    (share(one.0, other.1), share(one.1, other.0))
}

fn widened(range: Range, by: u64) -> Range {
    (range.0.saturating_sub(by), range.1.saturating_add(by))
}

/// The samples from before a time until after it.
struct Around<'a> {
    samples: &'a [Sample],
}

impl<'a> Around<'a> {
    /// None where they are missing, or where memory changed in between in another way than by DAMON's actions.
    fn of(view: &View<'a>, (from, until): (Nanos, Nanos)) -> Option<Around<'a>> {
        let samples = &view.recording.samples;
        let first = samples.iter().rposition(|sample| sample.time.0.saturating_add(READ) <= from.0)?;
        let last = samples.iter().position(|sample| sample.time >= until)?;
        let around = Around { samples: samples.get(first..=last)? };
        (moves_only_pages(view) && around.is_steady(view) && around.is_free()).then_some(around)
    }

    /// Whether no step in between changes memory.
    fn is_steady(&self, view: &View<'_>) -> bool {
        let [first, .., last] = self.samples else { return false };
        let steps = view.recording.plan.steps.iter().zip(&view.recording.report.steps);
        let mut between = steps.filter(|(_, one)| one.begin <= last.time && first.time <= one.end);
        let nobody_ends =
            self.samples.iter().all(|sample| sample.workloads.values().all(|on| !on.is_empty()));
        nobody_ends && between.all(|(step, _)| keeps_memory(step))
    }

    /// Whether each node has so much free memory that the kernel reclaims none.
    fn is_free(&self) -> bool {
        let nodes = self.samples.iter().flat_map(|sample| sample.nodes.values());
        let bytes = |fields: &std::collections::BTreeMap<String, Bytes>, name| {
            fields.get(name).map_or(0, |bytes: &Bytes| bytes.0)
        };
        nodes.clone().count() > 0
            && nodes
                .into_iter()
                .all(|fields| bytes(fields, "MemFree") >= bytes(fields, "MemTotal") / LEAST_FREE)
    }

    fn range(&self, value: impl Fn(&Sample) -> Option<u64>) -> Option<Range> {
        let values: Option<Vec<u64>> = self.samples.iter().map(value).collect();
        let values = values?;
        Some((*values.iter().min()?, *values.iter().max()?))
    }

    /// The memory of a node, where it stays as it is.
    fn total(&self, node: NodeId) -> Option<u64> {
        let (least, most) = self.range(|sample| Some(total(sample, node)))?;
        (least == most && least > 0).then_some(least)
    }

    fn field(&self, node: NodeId, name: &str) -> Option<Range> {
        self.range(|sample| Some(sample.nodes.get(&node)?.get(name)?.0))
    }

    /// A field's sum over all nodes.
    fn everywhere(&self, name: &str) -> Range {
        let sum = |sample: &Sample| {
            Some(sample.nodes.values().filter_map(|fields| fields.get(name)).map(|bytes| bytes.0).sum())
        };
        self.range(sum).unwrap_or_default()
    }

    /// What the workloads of a cgroup have on a node. Other tasks are in none but the root.
    fn of_memcg(&self, view: &View<'_>, path: &str, node: NodeId) -> Option<Range> {
        let path = path.trim_matches('/');
        let inside = |memcg: &str| {
            let rest = memcg.trim_matches('/').strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let workloads = &view.recording.plan.workloads;
        let own: Vec<&str> = workloads
            .iter()
            .filter(|one| one.memcg.as_deref().is_some_and(inside))
            .map(|one| &*one.name)
            .collect();
        let on_node = |sample: &Sample| {
            let nodes = own.iter().filter_map(|name| sample.workloads.get(*name));
            Some(nodes.filter_map(|nodes| nodes.get(&node)).map(|bytes| bytes.0).sum())
        };
        (!path.is_empty()).then(|| self.range(on_node)).flatten()
    }

    fn grown(&self, value: impl Fn(&Sample) -> Option<u64>) -> Option<u64> {
        let (first, last) = (self.samples.first()?, self.samples.last()?);
        Some(value(last)?.saturating_sub(value(first)?))
    }

    /// What may have gone to a node and away again: nothing, where one scheme alone moves memory.
    fn moved(&self, view: &View<'_>) -> Option<u64> {
        let movers = view.schemes().filter(|scheme| migrates(scheme)).count();
        let elsewhere = |name: &&String| name.starts_with("pgpromote_") || name.starts_with("pgdemote_");
        let others = self.grown(|sample| {
            Some(sample.vmstat.iter().filter(|(name, _)| elsewhere(name)).map(|(_, value)| value).sum())
        })?;
        let pages = self.grown(|sample| sample.vmstat.get("pgmigrate_success").copied())?;
        Some(if movers <= 1 && others == 0 { 0 } else { pages.saturating_mul(PAGE) })
    }

    /// What may have gone from one list to the other and back.
    fn swapped_lists(&self, view: &View<'_>) -> u64 {
        let by = |action: &str| {
            let applied = |sample: &Sample| {
                let schemes = view.kdamond_runs.iter().flat_map(|run| {
                    let of_run = sample.schemes.get(run.kdamond).into_iter().flatten();
                    run.config.context.schemes.iter().zip(of_run)
                });
                Some(schemes.filter(|(one, _)| one.action == action).map(|(_, stats)| stats.sz_applied).sum())
            };
            self.grown(applied).unwrap_or_default()
        };
        by("lru_prio").min(by("lru_deprio"))
    }
}

fn cpus(view: &View<'_>) -> u64 {
    let nodes = view.recording.report.machine.nodes.values();
    nodes.map(|node| node.cpus.len()).sum::<usize>().max(1) as u64
}

fn total(sample: &Sample, node: NodeId) -> u64 {
    sample.nodes.get(&node).and_then(|fields| fields.get("MemTotal")).map_or(0, |bytes| bytes.0)
}

/// Whether all that is done to memory is to count it, to move it and to sort its lists.
fn moves_only_pages(view: &View<'_>) -> bool {
    let kept = view.schemes().all(keeps_pages);
    kept && view.recording.plan.swap.is_none() && !modules::are_turned_on(view.recording)
}
