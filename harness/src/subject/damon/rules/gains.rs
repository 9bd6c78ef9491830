//! Which nodes the workloads' pages may come to and leave: M5.
//!
//! M3 compares what a node gained in balance, and must allow for pages of others. Pages of workloads that come to a node, or
//! leave it, are never more than all that were moved there or away, whose pages they are: that needs no allowance.

use super::migration::{Emitted, Migration, emitted};
use super::placement::{only_migrations, placed, source, stray, total};
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::recording::Event;
use crate::subject::damon::events::BeforeApply;
use crate::subject::damon::rule::{About, DamonRule, Kind, Reason, Rule, RuleResult, Source};
use crate::subject::damon::view::{KdamondRun, PAGE, View};
use damonlab_protocol::damon::{Keyword, Ops, Scheme};
use damonlab_protocol::record::Sample;
use damonlab_protocol::units::{Bytes, Nanos, NodeId};
use std::collections::BTreeMap;

pub(crate) static ONLY_TARGETS_GAIN_PAGES: DamonRule = Rule {
    about: About {
        id: "M5",
        name: "only-targets-gain-pages",
        kind: Kind::Exact,
        statement: "Between two samples, a node gains no more of the workloads' pages than schemes moved to it, and loses no more than schemes moved away from it.",
        because: "A page goes to the target of the scheme that moves it or stays, and each migration reports how many went; none is where no scheme puts it.",
        source: &[
            Source::function("mm/damon/ops-common.c", "damon_migrate_pages"),
            Source::function("mm/damon/ops-common.c", "__damon_migrate_folio_list"),
            Source::function("mm/migrate.c", "alloc_migration_target"),
        ],
        file: file!(),
        when: "as for M3, with several destinations, too; what a node loses where the trace shows the node of each region",
    },
    judge: only_targets_gain_pages,
};

fn only_targets_gain_pages(view: &View<'_>) -> RuleResult {
    match judge(view) {
        Ok(violations) => RuleResult::Applied(violations),
        Err(why) => RuleResult::NotApplicable(why),
    }
}

fn judge(view: &View<'_>) -> Result<Violations, Reason> {
    let (first, all) = only_migrations(view)?;
    let runs: Vec<Vec<Move>> = view.kdamond_runs.iter().map(|run| moves_of(view, run, &all)).collect();
    let mut violations = Violations::default();
    let samples = &view.recording.samples;
    let size: i128 = view.recording.plan.workloads.iter().map(|one| i128::from(one.size.0)).sum();
    for at in first + 1..samples.len() {
        let pair = (&samples[at - 1], &samples[at]);
        let there = |sample: &Sample| sample.workloads.values().all(|nodes| !nodes.is_empty());
        if !there(pair.0) || !there(pair.1) {
            continue;
        }
        let until = samples.get(at + 1).map_or(Nanos(u64::MAX), |next| next.time);
        let between: Vec<&Move> = runs.iter().flat_map(|moves| moved(moves, pair.0.time, until)).collect();
        for node in pair.1.nodes.keys() {
            if let Some((expected, seen)) = contradiction(*node, pair, &between, size) {
                violations.push(|| violation(at, pair.1, expected, seen));
            }
        }
    }
    Ok(violations)
}

/// Pages that were moved at once.
struct Move {
    time: Nanos,
    /// None where the trace does not show it.
    from: Option<NodeId>,
    /// The possible targets.
    to: Vec<NodeId>,
    bytes: i128,
}

fn moves_of(view: &View<'_>, run: &KdamondRun<'_>, all: &[Migration<'_>]) -> Vec<Move> {
    let context = &run.config.context;
    let mut acting: Option<(&BeforeApply, &Scheme)> = None;
    let mut moves = Vec::new();
    for one in emitted(run, all) {
        match one {
            Emitted::Damon(line) => {
                if let Event::BeforeApply(event) = &line.event {
                    let scheme = context.schemes.get(event.scheme_idx as usize);
                    acting = scheme.map(|scheme| (event, scheme));
                }
            }
            // M1 reports one without a region.
            Emitted::Migration(one) => moves.extend(acting.map(|(region, scheme)| {
                let to = targets(&context.ops, scheme);
                let from = match to.as_slice() {
                    [only] => source(view, &context.ops, region, *only),
                    _ => None,
                };
                Move { time: one.line.time, from, to, bytes: i128::from(one.succeeded) * i128::from(PAGE) }
            })),
        }
    }
    moves
}

pub(super) fn targets(ops: &Keyword<Ops>, scheme: &Scheme) -> Vec<NodeId> {
    let node = |nid: &i64| u16::try_from(*nid).ok().map(NodeId);
    match scheme.dests.is_empty() || *ops == Ops::Paddr {
        true => [i64::from(scheme.target_nid)].iter().filter_map(node).collect(),
        false => scheme.dests.iter().filter_map(|dest| node(&i64::from(dest.id))).collect(),
    }
}

/// The moves since one moment up to another, and the one that was under way then: it is reported when it is over.
fn moved(moves: &[Move], after: Nanos, until: Nanos) -> impl Iterator<Item = &Move> {
    let since = &moves[moves.partition_point(|one| one.time <= after)..];
    let mut under_way = true;
    since.iter().take_while(move |one| one.time <= until || std::mem::take(&mut under_way))
}

/// What a node gained or lost and no move explains. `size` is that of all workloads: what is missing of it was on its way
/// while a sample was taken.
fn contradiction(
    node: NodeId,
    (before, now): (&Sample, &Sample),
    moves: &[&Move],
    size: i128,
) -> Option<(String, i128)> {
    let on = |sample: &Sample| placed(sample).get(&node).copied().unwrap_or_default();
    let on_the_way = |sample: &Sample| (size - sample.workloads.values().map(total).sum::<i128>()).max(0);
    let gain = on(now) - on(before);
    let sum = |which: &dyn Fn(&Move) -> bool| {
        moves.iter().filter(|one| which(one)).map(|one| one.bytes).sum::<i128>()
    };
    let gains = sum(&|one| one.to.contains(&node)) + on_the_way(before);
    let losses =
        sum(&|one| one.from.map_or(one.to.as_slice() != [node], |from| from == node)) + on_the_way(now);
    if gain > gains {
        let expected =
            format!("{node} to gain at most the {gains} bytes of the workloads that were moved there");
        return Some((expected, gain));
    }
    (-gain > losses).then(|| {
        let expected =
            format!("{node} to lose at most the {losses} bytes of the workloads that were moved away");
        (expected, -gain)
    })
}

fn violation(at: usize, sample: &Sample, expected: String, seen: i128) -> Violation {
    let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
    let nodes: BTreeMap<NodeId, Bytes> = placed(sample)
        .into_iter()
        .map(|(node, bytes)| (node, Bytes(u64::try_from(bytes).unwrap_or_default())))
        .collect();
    stray(number, expected, seen.to_string(), &nodes)
}

#[cfg(test)]
mod tests {
    use crate::subject::damon::testing::{of_event, rewrite, stored, tampered};
    use damonlab_protocol::plan::Step;
    use damonlab_protocol::units::{Bytes, NodeId};

    #[test]
    fn m5_sees_one_page_on_a_node_to_which_none_was_moved() {
        let seen = tampered("M5", |recording| {
            let nodes = recording.samples.last_mut().unwrap().workloads.get_mut("hot").unwrap();
            nodes.values_mut().find(|bytes| bytes.0 > 0).unwrap().0 -= 4096;
            nodes.insert(NodeId(2), Bytes(4096));
            let known = recording.samples.last_mut().unwrap();
            let fields = known.nodes[&NodeId(0)].clone();
            known.nodes.insert(NodeId(2), fields);
        });
        assert!(seen.iter().any(|seen| seen.starts_with("node 2 to gain at most the 0 bytes")), "{seen:?}");
    }

    #[test]
    fn m5_sees_pages_that_come_although_no_migration_is_reported() {
        let seen = tampered("M5", |recording| {
            rewrite(recording, |lines| {
                for at in of_event(lines, "mm_migrate_pages") {
                    lines[at] = lines[at].replace("nr_succeeded=", "nr_succeeded=0 was=");
                }
            });
        });
        assert!(seen.iter().any(|seen| seen.contains(" to gain at most the 0 bytes")), "{seen:?}");
    }

    #[test]
    fn m5_does_not_apply_if_a_step_moves_memory() {
        let mut recording = stored("truth");
        recording.plan.steps.insert(1, Step::Offline { node: NodeId(1) });
        let skipped = crate::judge::judge(&recording).skipped;
        assert!(
            skipped.iter().any(|(about, why)| about.id == "M5" && why == "a step moves or changes memory")
        );
    }
}
