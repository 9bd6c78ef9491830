//! Sums of the shares that goals of several schemes measure in one pass (G4, X2).
//!
//! `node_eligible_mem_bp` is the share of a scheme's eligible memory that is on one node. Schemes with the same access
//! pattern have the same eligible memory, so the shares of all nodes sum up to 10000. Each share is rounded down, and
//! comes from a walk of its own, so memory that appears or disappears between two walks changes the sum.

use crate::subject::damon::events::{
    BeforeApply, Esz, Measurement, NodeEligible, SchemeEvent, Stat, goal_event,
};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Line, Rule, RuleResult, Violation, Violations, each_kdamond_run, in_core,
};
use crate::subject::damon::view::{KdamondRun, PAGE, View, goals};
use crate::trace::TypedEvent;
use damonlab_protocol::damon::{GoalTuner, Ops, Scheme};
use std::collections::{BTreeMap, BTreeSet};

const WHOLE: u64 = 10_000;

/// How far the sum of two walks may be from the whole in a single pass.
const APART: u64 = 100;

/// The number of passes in a row that are an error: further away than [`APART`], or away at all.
const FAR_IN_A_ROW: u32 = 2;
const ANY_IN_A_ROW: u32 = 10;

/// What one pass measured for all schemes with one access pattern.
struct Together<'a> {
    /// The first scheme with the pattern.
    pattern: usize,
    /// The kdamond's last line before the first walk.
    before: u32,
    goals: Vec<(&'a Line, Measurement)>,
    /// The effective quotas after it, one per scheme, as far as the kernel has emitted them.
    quotas: Vec<Option<u64>>,
}

pub(crate) static GOAL_SHARES_MAKE_A_WHOLE: DamonRule = Rule {
    about: About {
        id: "G4",
        name: "goal-shares-make-a-whole",
        kind: Kind::Conditional,
        statement: "The shares that goals of one access pattern measure in one pass sum up to 10000 over all nodes, or to 0.",
        because: "All walks count the same regions, by node, and round each share down. Each walk is a separate snapshot, so one pass may be off by more than 100, but not two in a row.",
        source: &[in_core("damos_get_node_eligible_mem_bp"), in_core("damos_calc_eligible_bytes")],
        file: file!(),
        when: "two goals with one access pattern are measured in one pass, and no other kdamond acts meanwhile; paddr",
    },
    judge: goal_shares_make_a_whole,
};

fn goal_shares_make_a_whole(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        let mut applies = false;
        let mut violations = Violations::default();
        let mut streaks: BTreeMap<usize, (u32, u32)> = BTreeMap::new();
        let others = OtherKdamonds::of(view, run);
        for together in measured_together(view, run)? {
            if together.goals.len() < 2 {
                continue;
            }
            let (far, any) = streaks.entry(together.pattern).or_default();
            if others.acted(&together) {
                (*far, *any) = (0, 0);
                continue;
            }
            applies = true;
            let (distance, expected) = distance(view, run, &together);
            *far = if distance > APART { *far + 1 } else { 0 };
            *any = if distance > 0 { *any + 1 } else { 0 };
            if *far >= FAR_IN_A_ROW || *any >= ANY_IN_A_ROW {
                let count = *any;
                (*far, *any) = (0, 0);
                violations.push(|| {
                    let shares: Vec<String> = together.goals.iter().map(|(_, goal)| share(goal)).collect();
                    let seen = format!("{} ({count} passes in a row)", shares.join(" "));
                    let lines = together.goals.iter().map(|(line, _)| *line);
                    Violation::new(expected, seen).at(lines)
                });
            }
        }
        match applies {
            true => Ok(violations),
            false => Err("no two goals with one access pattern were measured in one pass during which no other kdamond \
                          acted"
                .to_owned()),
        }
    })
}

/// When other kdamonds act on memory, one entry each: between the lines of each pair, which do not overlap.
///
/// Pages that are being moved are on no list, and a walk counts those on lists alone (`damon_get_folio`). So it takes no
/// more than another kdamond that isolates pages to make two walks differ.
struct OtherKdamonds(Vec<Spans>);

type Spans = Vec<(u32, u32)>;

impl OtherKdamonds {
    fn of(view: &View<'_>, run: &KdamondRun<'_>) -> OtherKdamonds {
        let only_counts = |pid: i32| {
            let mut own = view.kdamond_runs.iter().filter(|other| other.pid == pid).peekable();
            let counts = |other: &KdamondRun<'_>| {
                other.config.context.schemes.iter().all(|scheme| scheme.action == "stat")
            };
            own.peek().is_some() && own.all(counts)
        };
        let mut by_pid: BTreeMap<i32, (Option<u32>, Spans)> = BTreeMap::new();
        let lines = view.recording.trace.lines.iter();
        for line in lines.filter(|line| line.pid != run.pid && line.event.is_damons()) {
            let (acting, spans) = by_pid.entry(line.pid).or_default();
            spans.extend(acting.take().map(|since| (since, line.number)));
            *acting = BeforeApply::of(&line.event).map(|_| line.number);
        }
        by_pid.retain(|pid, _| !only_counts(*pid));
        let whole = |(acting, mut spans): (Option<u32>, Spans)| {
            spans.extend(acting.map(|since| (since, u32::MAX)));
            spans
        };
        OtherKdamonds(by_pid.into_values().map(whole).collect())
    }

    /// Whether one acted between the beginning of a pass's first walk and the end of its last.
    fn acted(&self, together: &Together<'_>) -> bool {
        let last = together.goals.last().map_or(together.before, |(line, _)| line.number);
        self.0.iter().any(|spans| {
            let begun = spans.partition_point(|(since, _)| *since < last);
            begun.checked_sub(1).is_some_and(|latest| together.before < spans[latest].1)
        })
    }
}

fn share(goal: &Measurement) -> String {
    format!("node {}: {}", goal.nid, goal.current.0)
}

/// How far the shares of a pass are from those that one snapshot can give, and what those are.
fn distance(view: &View<'_>, run: &KdamondRun<'_>, together: &Together<'_>) -> (u64, String) {
    let nids: BTreeSet<i32> = together.goals.iter().map(|(_, goal)| goal.nid).collect();
    let of = |nid: i32| together.goals.iter().filter(move |(_, goal)| goal.nid == nid);
    let firsts = nids.iter().filter_map(|nid| of(*nid).next());
    let sum: u64 = firsts.map(|(_, goal)| goal.current.0).fold(0, u64::saturating_add);
    let twice = nids.iter().map(|nid| {
        let values = of(*nid).map(|(_, goal)| goal.current.0);
        values.clone().max().unwrap_or_default() - values.min().unwrap_or_default()
    });
    let twice = twice.max().unwrap_or_default();
    let all = monitored_nodes(view, run).is_some_and(|nodes| nodes.is_subset(&nids));
    let rounding = nids.len() as u64 - 1;
    let least = if all { WHOLE - rounding } else { 0 };
    let off = match sum {
        0 => 0,
        sum => least.saturating_sub(sum).max(sum.saturating_sub(WHOLE)),
    };
    let whose = run.scheme_name(together.pattern);
    let expected = format!(
        "equal shares for equal nodes, and for all nodes a sum of 0 or {least} to {WHOLE} (pattern of {whose})"
    );
    (off.max(twice), expected)
}

/// The nodes that have memory in the monitored ranges.
fn monitored_nodes(view: &View<'_>, run: &KdamondRun<'_>) -> Option<BTreeSet<i32>> {
    let context = &run.config.context;
    let mut nodes = BTreeSet::new();
    for target in 0..context.targets.len() {
        let ranges = view.ranges(context, target)?;
        for (node, own) in &view.recording.report.node_ranges {
            let meets =
                |(start, end): &(u64, u64)| own.iter().any(|(from, to)| from.0 < *end && *start < to.0);
            if ranges.iter().any(meets) {
                nodes.insert(i32::from(node.0));
            }
        }
    }
    Some(nodes)
}

/// The measurements of each pass, by access pattern.
fn measured_together<'a>(view: &View<'_>, run: &KdamondRun<'a>) -> Result<Vec<Together<'a>>, String> {
    // The statistics separate one pass from the next.
    view.need(&[NodeEligible::NAME, Stat::NAME])?;
    let context = &run.config.context;
    if context.ops != Ops::Paddr {
        return Err("the metric is about physical memory".to_owned());
    }
    let mut all = Vec::new();
    let mut quotas = vec![None; context.schemes.len()];
    let mut open: Vec<(&'a Line, Measurement)> = Vec::new();
    let mut before = 0;
    for line in &run.lines {
        if let Some(goal) = line.event.measurement() {
            // What is traced of a complement depends on the kernel.
            let scheme = context.schemes.get(goal.scheme);
            let complement = scheme.is_some_and(|scheme| scheme.quota.goals.iter().any(|one| one.complement));
            let counts = goal.event == NodeEligible::NAME && !complement;
            open.extend(counts.then_some((*line, goal)));
        } else if let Some(esz) = Esz::of(&line.event) {
            if let Some(quota) = quotas.get_mut(esz.scheme()) {
                *quota = Some(esz.esz);
            }
        } else if !open.is_empty() {
            all.extend(by_pattern(&context.schemes, (before, &std::mem::take(&mut open)), &quotas));
        }
        if open.is_empty() {
            before = line.number;
        }
    }
    Ok(all)
}

fn by_pattern<'a>(
    schemes: &[Scheme],
    (before, goals): (u32, &[(&'a Line, Measurement)]),
    quotas: &[Option<u64>],
) -> Vec<Together<'a>> {
    let pattern = |scheme: &Scheme| (scheme.sz, scheme.nr_accesses, scheme.age);
    let mut groups: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for (line, goal) in goals {
        let Some(own) = schemes.get(goal.scheme) else { continue };
        // Filters split regions between two walks, and the parts must still have the pattern.
        if own.sz.min > PAGE {
            continue;
        }
        let first = schemes.iter().position(|scheme| pattern(scheme) == pattern(own));
        groups.entry(first.unwrap_or_default()).or_default().push((*line, *goal));
    }
    let together = |(pattern, goals)| Together { pattern, before, goals, quotas: quotas.to_vec() };
    groups.into_iter().map(together).collect()
}

pub(crate) static COMPLEMENTARY_SCHEMES_TAKE_TURNS: DamonRule = Rule {
    about: About {
        id: "X2",
        name: "complementary-schemes-take-turns",
        kind: Kind::Conditional,
        statement: "Two temporal schemes with complementary goals never both have a quota from one snapshot.",
        because: "If two shares sum up to 10000 and their targets to no more, at least one share is at its target, and the temporal tuner sets that scheme's quota to 0.",
        source: &[in_core("damos_goal_tune_esz_bp_temporal"), in_core("damos_quota_score")],
        file: file!(),
        when: "two schemes have one temporal goal each, on different nodes, and their shares sum up to 10000",
    },
    judge: complementary_schemes_take_turns,
};

fn complementary_schemes_take_turns(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        view.need(&[Esz::NAME])?;
        let schemes = &run.config.context.schemes;
        let mut applies = false;
        let mut violations = Violations::default();
        for together in measured_together(view, run)? {
            let goals: Vec<_> =
                together.goals.iter().filter(|(_, goal)| has_one_goal(schemes, goal.scheme)).collect();
            for (nth, (first, a)) in goals.iter().enumerate() {
                for (second, b) in goals[nth + 1..].iter().filter(|(_, b)| complementary(a, b)) {
                    applies = true;
                    let quota = |goal: &Measurement| together.quotas[goal.scheme].unwrap_or(0);
                    if quota(a) > 0 && quota(b) > 0 {
                        violations.push(|| {
                            let name = run.scheme_name(a.scheme);
                            let expected = format!(
                                "{name} or scheme {} to have a quota of 0, because one goal is reached",
                                b.scheme
                            );
                            let seen = format!("quotas of {} and {} bytes", quota(a), quota(b));
                            Violation::new(expected, seen).at([*first, *second])
                        });
                    }
                }
            }
        }
        match applies {
            true => Ok(violations),
            false => Err("no two schemes with the temporal tuner have complementary goals".to_owned()),
        }
    })
}

/// Whether a measured goal alone decides the quota of its scheme, which is 0 once it is reached.
fn has_one_goal(schemes: &[Scheme], scheme: usize) -> bool {
    schemes.get(scheme).is_some_and(|scheme| {
        scheme.quota.goal_tuner == GoalTuner::Temporal
            && goals(scheme).map(|goal| goal_event(&goal.metric)).eq([Some(NodeEligible::NAME)])
    })
}

/// Whether one of two schemes has certainly reached its goal: their targets sum up to no more than the whole, and
/// their shares sum up to the whole.
fn complementary(a: &Measurement, b: &Measurement) -> bool {
    a.scheme != b.scheme
        && a.nid != b.nid
        && a.target.0.saturating_add(b.target.0) <= WHOLE
        && (WHOLE - 1..=WHOLE).contains(&a.current.0.saturating_add(b.current.0))
}

#[cfg(test)]
mod tests {
    use crate::subject::damon::events::{BeforeApply, NodeEligible, Stat};
    use crate::subject::damon::testing::{Model, edit, found, of_event, rewrite};

    /// Goals of one pass that differ, in three passes in a row.
    fn apart(lines: &mut [String]) {
        for nth in 20..26 {
            edit(lines, NodeEligible::NAME, nth, |line| {
                let (start, _) = line.rsplit_once("current_value=").unwrap();
                format!("{start}current_value={}", 6_000 - 300 * (nth % 2))
            });
        }
    }

    #[test]
    fn g4_says_nothing_of_walks_during_which_another_kdamond_acts() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| apart(lines));
        assert!(!found(&recording, "G4").is_empty());
        rewrite(&mut recording, |lines| {
            // A module's kdamond: the plan does not know it.
            let of_other = |line: &str| line.replacen("kdamond.0-52", "kdamond.9-99", 1);
            let begin = of_event(lines, NodeEligible::NAME)[20] - 1;
            let acts = of_other(&lines[of_event(lines, BeforeApply::NAME)[0]]);
            let ends = of_other(&lines[of_event(lines, Stat::NAME)[0]]);
            let time = |line: &str, of: &str| {
                let at = |line: &str| line.split_whitespace().nth(3).unwrap().to_owned();
                line.replacen(&at(line), &at(of), 1)
            };
            let end = of_event(lines, NodeEligible::NAME)[25];
            lines.insert(end + 1, time(&ends, &lines[end]));
            lines.insert(begin, time(&acts, &lines[begin]));
        });
        assert_eq!(found(&recording, "G4"), []);
    }
}
