//! Shares of one whole: goals of several schemes that are measured in one pass (G4, X2).
//!
//! `node_eligible_mem_bp` is the share of a scheme's eligible memory that is on one node. Schemes with the
//! same access pattern have the same eligible memory, so the shares of all nodes make one whole. Each is
//! rounded down, and each is a walk of its own: memory that comes or goes between two walks shows.

use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::subject::damon::events::{Esz, NodeEligible, Stat};
use crate::subject::damon::rule::{About, DamonRule, Kind, Rule, RuleResult, each_kdamond_run, in_core};
use crate::subject::damon::view::{KdamondRun, PAGE, View, node_goals};
use crate::trace::{Event, Line};
use damonlab_protocol::damon::{GoalTuner, Ops, Scheme};
use std::collections::{BTreeMap, BTreeSet};

const WHOLE: u64 = 10_000;

/// How far two walks may be from one whole, now and then.
const APART: u64 = 100;

/// How many passes in a row may be further away than that, or away at all.
const FAR_IN_A_ROW: u32 = 2;
const ANY_IN_A_ROW: u32 = 10;

/// What one pass measured for all schemes with one access pattern.
struct Together<'a> {
    /// The first scheme with the pattern.
    pattern: usize,
    goals: Vec<(&'a Line, &'a NodeEligible)>,
    /// The effective quotas after it, one a scheme, as far as they have been told.
    quotas: Vec<Option<u64>>,
}

pub(crate) static GOAL_SHARES_MAKE_A_WHOLE: DamonRule = Rule {
    about: About {
        id: "G4",
        name: "goal-shares-make-a-whole",
        kind: Kind::Conditional,
        statement: "Goals of one access pattern that are measured in one pass are shares of one whole: 10000 over all nodes, or 0.",
        because: "Both walks count the same regions, by node; each share is rounded down. Each walk is a snapshot of its own, so one pass may be off by 100, but not two in a row.",
        source: &[in_core("damos_get_node_eligible_mem_bp"), in_core("damos_calc_eligible_bytes")],
        file: file!(),
        when: "two goals with one access pattern are measured in one pass; paddr",
    },
    judge: goal_shares_make_a_whole,
};

fn goal_shares_make_a_whole(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        let mut judged = false;
        let mut findings = Violations::default();
        let mut streaks: BTreeMap<usize, (u32, u32)> = BTreeMap::new();
        for together in measured_together(view, run)? {
            let nids: BTreeSet<i32> = together.goals.iter().map(|(_, goal)| goal.nid).collect();
            if together.goals.len() < 2 {
                continue;
            }
            judged = true;
            let (far, any) = streaks.entry(together.pattern).or_default();
            let (distance, expected) = distance(view, run, &together, &nids);
            *far = if distance > APART { *far + 1 } else { 0 };
            *any = if distance > 0 { *any + 1 } else { 0 };
            if *far >= FAR_IN_A_ROW || *any >= ANY_IN_A_ROW {
                let count = *any;
                (*far, *any) = (0, 0);
                findings.push(|| {
                    let shares: Vec<String> = together.goals.iter().map(|(_, goal)| share(goal)).collect();
                    let seen = format!("{} ({count} passes in a row)", shares.join(" "));
                    let lines = together.goals.iter().map(|(line, _)| *line);
                    Violation::new(expected, seen).at(lines)
                });
            }
        }
        if judged {
            Ok(findings)
        } else {
            Err("no two goals with one access pattern were measured in one pass".to_owned())
        }
    })
}

fn share(goal: &NodeEligible) -> String {
    format!("node {}: {}", goal.nid, goal.current_value)
}

/// How far the shares of a pass are from what one snapshot can give, and what that is.
fn distance(
    view: &View<'_>,
    run: &KdamondRun<'_>,
    together: &Together<'_>,
    nids: &BTreeSet<i32>,
) -> (u64, String) {
    let of = |nid: i32| together.goals.iter().filter(move |(_, goal)| goal.nid == nid);
    let firsts = nids.iter().filter_map(|nid| of(*nid).next());
    let sum: u64 = firsts.map(|(_, goal)| goal.current_value).fold(0, u64::saturating_add);
    let twice = nids.iter().map(|nid| {
        let values = of(*nid).map(|(_, goal)| goal.current_value);
        values.clone().max().unwrap_or_default() - values.min().unwrap_or_default()
    });
    let twice = twice.max().unwrap_or_default();
    let all = monitored_nodes(view, run).is_some_and(|nodes| nodes.is_subset(nids));
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
    // The statistics part one pass from the next.
    view.need(&[NodeEligible::NAME, Stat::NAME])?;
    let context = &run.config.context;
    if context.ops != Ops::Paddr {
        return Err("the metric is of physical memory".to_owned());
    }
    let mut all = Vec::new();
    let mut quotas = vec![None; context.schemes.len()];
    let mut open: Vec<(&'a Line, &'a NodeEligible)> = Vec::new();
    for line in &run.lines {
        match &line.event {
            Event::NodeEligible(event) => open.push((line, event)),
            Event::Esz(event) => {
                if let Some(quota) = quotas.get_mut(event.scheme_idx as usize) {
                    *quota = Some(event.esz);
                }
            }
            _ if open.is_empty() => {}
            _ => all.extend(by_pattern(&context.schemes, &std::mem::take(&mut open), &quotas)),
        }
    }
    Ok(all)
}

fn by_pattern<'a>(
    schemes: &[Scheme],
    goals: &[(&'a Line, &'a NodeEligible)],
    quotas: &[Option<u64>],
) -> Vec<Together<'a>> {
    let pattern = |scheme: &Scheme| (scheme.sz, scheme.nr_accesses, scheme.age);
    let mut groups: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for (line, goal) in goals {
        let Some(own) = schemes.get(goal.scheme_idx as usize) else { continue };
        // Filters split regions between two walks: what is split must still have the pattern.
        if own.sz.min > PAGE {
            continue;
        }
        let first = schemes.iter().position(|scheme| pattern(scheme) == pattern(own));
        groups.entry(first.unwrap_or_default()).or_default().push((*line, *goal));
    }
    groups.into_iter().map(|(pattern, goals)| Together { pattern, goals, quotas: quotas.to_vec() }).collect()
}

pub(crate) static COMPLEMENTARY_SCHEMES_TAKE_TURNS: DamonRule = Rule {
    about: About {
        id: "X2",
        name: "complementary-schemes-take-turns",
        kind: Kind::Conditional,
        statement: "Two temporal schemes that want shares of one whole never both have a quota from one snapshot.",
        because: "If two shares make 10000 and two targets do not exceed it, at least one share is at its target, and the temporal tuner gives that scheme 0.",
        source: &[in_core("damos_goal_tune_esz_bp_temporal"), in_core("damos_quota_score")],
        file: file!(),
        when: "two schemes have one temporal goal each on different nodes, and their shares make one whole",
    },
    judge: complementary_schemes_take_turns,
};

fn complementary_schemes_take_turns(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        view.need(&[Esz::NAME])?;
        let schemes = &run.config.context.schemes;
        let mut judged = false;
        let mut findings = Violations::default();
        for together in measured_together(view, run)? {
            let alone = together.goals.iter().filter(|(_, goal)| has_one_goal(schemes, goal));
            let goals: Vec<_> = alone.collect();
            for (nth, (first, a)) in goals.iter().enumerate() {
                for (second, b) in goals[nth + 1..].iter().filter(|(_, b)| contrary(a, b)) {
                    judged = true;
                    let quota = |goal: &NodeEligible| together.quotas[goal.scheme_idx as usize].unwrap_or(0);
                    if quota(a) > 0 && quota(b) > 0 {
                        findings.push(|| {
                            let name = run.scheme_name(a.scheme_idx as usize);
                            let expected =
                                format!("{name} or scheme {} to rest: one goal is reached", b.scheme_idx);
                            let seen = format!("quotas of {} and {} bytes", quota(a), quota(b));
                            Violation::new(expected, seen).at([*first, *second])
                        });
                    }
                }
            }
        }
        match judged {
            true => Ok(findings),
            false => Err("no two schemes with the temporal tuner want shares of one whole".to_owned()),
        }
    })
}

/// Whether the measured goal alone decides its scheme's quota, which is 0 once it is reached.
fn has_one_goal(schemes: &[Scheme], goal: &NodeEligible) -> bool {
    schemes.get(goal.scheme_idx as usize).is_some_and(|scheme| {
        scheme.quota.goal_tuner == GoalTuner::Temporal
            && node_goals(scheme).len() == 1
            && crate::subject::damon::view::goals(scheme).count() == 1
    })
}

/// Whether one of two schemes has reached its goal for certain: together they want no more than the whole,
/// and what they have is the whole.
fn contrary(a: &NodeEligible, b: &NodeEligible) -> bool {
    a.scheme_idx != b.scheme_idx
        && a.nid != b.nid
        && a.target_value.saturating_add(b.target_value) <= WHOLE
        && (WHOLE - 1..=WHOLE).contains(&a.current_value.saturating_add(b.current_value))
}
