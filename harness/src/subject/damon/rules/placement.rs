//! Where the workloads' pages are, against what was moved: M3; and that no page is left isolated: M4.
//!
//! The kernel counts `numa_maps` from page tables, independently of DAMON and of the migration core.

use super::migration::{Emitted, Migration, emitted, first_sample, migrates, migrations};
use crate::check::finding::{Evidence, Violation};
use crate::check::violations::Violations;
use crate::recording::Event;
use crate::subject::damon::events::BeforeApply;
use crate::subject::damon::rule::{About, DamonRule, Kind, Reason, Rule, RuleResult, Source};
use crate::subject::damon::view::{KdamondRun, PAGE, View};
use damonlab_protocol::damon::Keyword;
use damonlab_protocol::damon::Ops;
use damonlab_protocol::plan::Step;
use damonlab_protocol::record::{Sample, section};
use damonlab_protocol::units::{Addr, Bytes, Nanos, NodeId};
use std::collections::BTreeMap;

/// So many pages are between two nodes at most while a sample is taken (`NR_MAX_BATCHED_MIGRATION`): no page
/// table has them.
const IN_FLIGHT: i128 = 512 * PAGE as i128;

/// A CPU keeps so many pages of a node's counter to itself at most (`MAX_THRESHOLD` of `mm/vmstat.c`).
const UNFOLDED: u64 = 125;

pub(crate) static NODE_PAGES_MATCH_MIGRATIONS: DamonRule = Rule {
    about: About {
        id: "M3",
        name: "node-pages-match-migrations",
        kind: Kind::Windowed,
        statement: "A node gains the workloads' pages that were moved to it less those that were moved away, and none is lost.",
        because: "A moved page is mapped where it went; what is under way while a sample is taken is bounded by the batch.",
        source: &[
            Source::function("mm/damon/ops-common.c", "damon_migrate_pages"),
            Source::function("mm/migrate.c", "alloc_migration_target"),
            Source::function("fs/proc/task_mmu.c", "show_numa_map"),
        ],
        file: file!(),
        when: "schemes only migrate or count, no step changes memory, migrations are recorded and DAMON's",
    },
    judge: node_pages_match_migrations,
};

fn node_pages_match_migrations(view: &View<'_>) -> RuleResult {
    match moved_about(view) {
        Ok(findings) => RuleResult::Applied(findings),
        Err(why) => RuleResult::NotApplicable(why),
    }
}

fn moved_about(view: &View<'_>) -> Result<Violations, Reason> {
    let (first, all) = only_migrations(view)?;
    let mut moves = Vec::new();
    for run in &view.kdamond_runs {
        moves.extend(moves_of(view, run, &all)?);
    }
    moves.sort_by_key(|one| one.time);
    let mut findings = lost(view);
    let samples = &view.recording.samples;
    let (before, moves) = (placed(&samples[first]), Moves::new(&moves));
    let mut most_others = others(&samples[first]);
    for at in first + 1..samples.len() {
        most_others = most_others.max(others(&samples[at]));
        findings.append(strayed(samples, at, &before, most_others + IN_FLIGHT, &moves));
    }
    Ok(findings)
}

/// All migrations and the first sample before them, of a run in which nothing else moves or changes memory.
pub(super) fn only_migrations<'a>(view: &View<'a>) -> Result<(usize, Vec<Migration<'a>>), Reason> {
    let steady = |step: &Step| matches!(step, Step::Start { .. } | Step::Run { .. } | Step::Stop);
    if !view.recording.plan.steps.iter().all(steady) {
        return Err("a step moves or changes memory".to_owned());
    }
    if view.recording.plan.workloads.is_empty() {
        return Err("there is no workload".to_owned());
    }
    let mut schemes = view.schemes().peekable();
    if schemes.peek().is_none() || !schemes.all(|scheme| migrates(scheme) || scheme.action == "stat") {
        return Err("a scheme does more to memory than to move it".to_owned());
    }
    view.need(&[BeforeApply::NAME])?;
    let all = migrations(view)?;
    if let Some(other) = all.iter().find(|one| !matches!(one.reason, "damon" | "compaction")) {
        return Err(format!("pages are moved for another reason too: {}", other.reason));
    }
    let first = first_sample(view).ok_or("no sample was taken before DAMON started")?;
    Ok((first, all))
}

/// Pages that went from one node to another.
struct Move {
    time: Nanos,
    from: NodeId,
    to: NodeId,
    bytes: i128,
}

/// The moves in the order of time, and what each node has gained after so many of them.
struct Moves {
    times: Vec<Nanos>,
    gained: BTreeMap<NodeId, Vec<i128>>,
}

impl Moves {
    /// `moves` are in the order of time.
    fn new(moves: &[Move]) -> Moves {
        let mut gained: BTreeMap<NodeId, Vec<i128>> =
            moves.iter().flat_map(|one| [(one.from, vec![0]), (one.to, vec![0])]).collect();
        for one in moves {
            for (node, sums) in &mut gained {
                let to = if one.to == *node { one.bytes } else { 0 };
                let from = if one.from == *node { one.bytes } else { 0 };
                sums.push(sums.last().copied().unwrap_or_default() + to - from);
            }
        }
        Moves { times: moves.iter().map(|one| one.time).collect(), gained }
    }

    /// The least and the most that a node had gained at any time from one moment to another.
    fn net(&self, node: NodeId, from: Nanos, until: Nanos) -> (i128, i128) {
        let count = |time| self.times.partition_point(|one| *one <= time);
        let (first, last) = (count(from), count(until).max(count(from)));
        let sums = self.gained.get(&node).map_or(&[][..], |sums| &sums[first..=last]);
        (sums.iter().min().copied().unwrap_or_default(), sums.iter().max().copied().unwrap_or_default())
    }
}

/// Where each of a kdamond's migrations went, by the scheme and the region before it.
fn moves_of(view: &View<'_>, run: &KdamondRun<'_>, all: &[Migration<'_>]) -> Result<Vec<Move>, Reason> {
    let context = &run.config.context;
    let mut moves = Vec::new();
    let mut acting: Option<&BeforeApply> = None;
    for one in emitted(run, all) {
        match one {
            Emitted::Damon(line) => {
                if let Event::BeforeApply(event) = &line.event {
                    acting = Some(event);
                }
            }
            Emitted::Migration(one) => {
                let scheme = acting.and_then(|event| context.schemes.get(event.scheme_idx as usize));
                let (Some(region), Some(scheme)) = (acting, scheme) else { continue };
                if !scheme.dests.is_empty() {
                    return Err("a scheme has several destinations".to_owned());
                }
                let to = u16::try_from(scheme.target_nid).map(NodeId).map_err(|_| "target_nid is no node")?;
                let from = source(view, &context.ops, region, to)
                    .ok_or("the trace does not show which node pages left")?;
                let bytes = i128::from(one.succeeded) * i128::from(PAGE);
                moves.push(Move { time: one.line.time, from, to, bytes });
            }
        }
    }
    Ok(moves)
}

/// The node that a region's pages left: the only other one, or the one that the region lies in.
pub(super) fn source(
    view: &View<'_>,
    ops: &Keyword<Ops>,
    region: &BeforeApply,
    to: NodeId,
) -> Option<NodeId> {
    let ranges = &view.recording.report.node_ranges;
    let mut others = ranges.keys().filter(|node| **node != to);
    match (others.next(), others.next()) {
        (Some(only), None) => Some(*only),
        _ if *ops != Ops::Paddr => None,
        _ => {
            let mut nodes = ranges.iter();
            let holds = |(start, end): &(Addr, Addr)| start.0 <= region.start && region.end <= end.0;
            nodes.find(|(_, ranges)| ranges.iter().any(holds)).map(|(node, _)| *node)
        }
    }
}

/// Workloads whose memory is not all on some node.
fn lost(view: &View<'_>) -> Violations {
    let mut findings = Violations::default();
    for (number, sample) in (1..).zip(&view.recording.samples) {
        for workload in &view.recording.plan.workloads {
            let Some(nodes) = sample.workloads.get(&workload.name).filter(|nodes| !nodes.is_empty()) else {
                continue;
            };
            let (size, seen) = (i128::from(workload.size.0), total(nodes));
            if seen > size || seen + IN_FLIGHT < size {
                findings.push(|| {
                    let expected = format!("{} of {} on the nodes, wherever", workload.size, workload.name);
                    stray(number, expected, format!("{seen} bytes"), nodes)
                });
            }
        }
    }
    findings
}

/// Compares each node's gain since `before` with what was moved there less what was moved away.
///
/// Pages that are no workload's are moved too: they can make up the difference, but no more than there are of
/// them. What was moved while the sample was taken may be in it or not.
fn strayed(
    samples: &[Sample],
    at: usize,
    before: &BTreeMap<NodeId, i128>,
    slack: i128,
    moves: &Moves,
) -> Violations {
    let (sample, until) = (&samples[at], samples.get(at + 1).map_or(Nanos(u64::MAX), |next| next.time));
    let now = placed(sample);
    let mut findings = Violations::default();
    for node in sample.nodes.keys() {
        let on = |nodes: &BTreeMap<NodeId, i128>| nodes.get(node).copied().unwrap_or_default();
        let gain = on(&now) - on(before);
        let (least, most) = moves.net(*node, sample.time, until);
        if gain < least - slack || gain > most + slack {
            findings.push(|| {
                let expected = format!(
                    "{node} to gain {least} to {most} bytes of the workloads, as DAMON moved them, or up to {slack} more or less"
                );
                let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
                let nodes = now.iter().map(|(node, bytes)| (*node, Bytes(u64::try_from(*bytes).unwrap_or(0)))).collect();
                stray(number, expected, format!("{gain}"), &nodes)
            });
        }
    }
    findings
}

pub(super) fn stray(
    number: u32,
    expected: String,
    seen: String,
    nodes: &BTreeMap<NodeId, Bytes>,
) -> Violation {
    let mut finding = Violation::new(expected, seen);
    let nodes: Vec<String> = nodes.iter().map(|(node, bytes)| format!("{node}: {bytes}")).collect();
    finding.evidence.push(Evidence::new(section::SAMPLES, number, &nodes.join(", ")));
    finding
}

pub(super) fn total(nodes: &BTreeMap<NodeId, Bytes>) -> i128 {
    nodes.values().map(|bytes| i128::from(bytes.0)).sum()
}

/// The workloads' bytes on each node.
pub(super) fn placed(sample: &Sample) -> BTreeMap<NodeId, i128> {
    let mut nodes = BTreeMap::new();
    for (node, bytes) in sample.workloads.values().flatten() {
        *nodes.entry(*node).or_default() += i128::from(bytes.0);
    }
    nodes
}

/// Bytes that can be moved and are no workload's.
fn others(sample: &Sample) -> i128 {
    let field =
        |fields: &BTreeMap<String, Bytes>, name| fields.get(name).map_or(0, |bytes| i128::from(bytes.0));
    let all: i128 = sample.nodes.values().map(|f| field(f, "AnonPages") + field(f, "FilePages")).sum();
    (all - sample.workloads.values().map(total).sum::<i128>()).max(0)
}

pub(crate) static NO_PAGE_STAYS_ISOLATED: DamonRule = Rule {
    about: About {
        id: "M4",
        name: "no-page-stays-isolated",
        kind: Kind::Exact,
        statement: "No page is left isolated when DAMON has stopped.",
        because: "What is isolated for a migration is put back, moved or not; only what a CPU keeps to itself is not counted.",
        source: &[
            Source::function("mm/damon/paddr.c", "damon_pa_migrate"),
            Source::function("mm/damon/ops-common.c", "damon_migrate_folio_list"),
        ],
        file: file!(),
        when: "the plan ends with a stop",
    },
    judge: no_page_stays_isolated,
};

fn no_page_stays_isolated(view: &View<'_>) -> RuleResult {
    let recording = view.recording;
    let stopped = recording.plan.steps.last() == Some(&Step::Stop)
        && recording.report.steps.len() == recording.plan.steps.len();
    let Some(last) = recording.samples.last().filter(|_| stopped) else {
        return RuleResult::NotApplicable("no sample was taken after DAMON stopped".to_owned());
    };
    let nodes = recording.report.machine.nodes.values();
    let cpus: usize = nodes.map(|node| node.cpus.len()).sum();
    let most = UNFOLDED * (cpus.max(1) * last.nodes.len().max(1)) as u64;
    let number = u32::try_from(recording.samples.len()).unwrap_or(u32::MAX);
    if !last.vmstat.keys().any(|name| name.starts_with("nr_isolated_")) {
        return RuleResult::NotApplicable("the samples have no nr_isolated_ counter".to_owned());
    }
    let counters =
        last.vmstat.iter().filter(|(name, value)| name.starts_with("nr_isolated_") && **value > most);
    RuleResult::Applied(
        counters
            .map(|(name, value)| {
                let expected = format!("{name} to be back at 0 (what CPUs keep to themselves: up to {most})");
                let mut finding = Violation::new(expected, value.to_string());
                finding.evidence.push(Evidence::new(section::SAMPLES, number, &format!("{name} {value}")));
                finding
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use crate::recording::Recording;
    use crate::subject::damon::testing::{of_event, rewrite, stored, tampered};
    use damonlab_protocol::plan::Step;
    use damonlab_protocol::units::{Bytes, NodeId};

    #[test]
    fn m3_sees_a_kernel_that_counts_and_does_not_move() {
        let seen = tampered("M3", |recording| {
            for sample in &mut recording.samples {
                for nodes in sample.workloads.values_mut() {
                    *nodes = [(NodeId(1), Bytes(32 << 20))].into();
                }
            }
        });
        assert!(
            seen.iter().any(|seen| seen.starts_with("node 0 to gain ") && seen.ends_with("; 0")),
            "{seen:?}"
        );
    }

    #[test]
    fn m3_sees_pages_that_went_the_other_way() {
        let seen = tampered("M3", |recording| {
            rewrite(recording, |lines| {
                for at in of_event(lines, "damos_before_apply") {
                    lines[at] = lines[at].replace("scheme_idx=1", "scheme_idx=0");
                }
            });
        });
        assert!(!seen.is_empty());
    }

    #[test]
    fn m3_sees_memory_of_a_workload_that_is_gone() {
        let seen = tampered("M3", |recording| {
            let nodes = recording.samples.last_mut().unwrap().workloads.get_mut("hot").unwrap();
            nodes.get_mut(&NodeId(0)).unwrap().0 -= 3 << 20;
        });
        assert!(seen[0].starts_with("32 MiB of hot on the nodes"), "{seen:?}");
    }

    #[test]
    fn m3_does_not_apply_if_a_step_moves_memory() {
        let mut recording = stored("truth");
        recording.plan.steps.insert(1, Step::Offline { node: NodeId(1) });
        let skipped = crate::judge::judge(&recording).skipped;
        assert!(
            skipped.iter().any(|(about, why)| about.id == "M3" && why == "a step moves or changes memory")
        );
    }

    #[test]
    fn m4_sees_pages_that_stay_isolated() {
        let isolate = |pages| {
            move |recording: &mut Recording| {
                recording.samples.last_mut().unwrap().vmstat.insert("nr_isolated_anon".into(), pages);
            }
        };
        let seen = tampered("M4", isolate(251));
        assert_eq!(seen, ["nr_isolated_anon to be back at 0 (what CPUs keep to themselves: up to 250); 251"]);
        assert_eq!(tampered("M4", isolate(250)), [""; 0]);
    }
}
