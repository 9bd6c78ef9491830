//! The measurements of a `node_eligible_mem_bp` goal against the regions that match its scheme (G9).
//!
//! The kernel measures right before a pass, and where a pass is at an aggregation, `damon_aggregated` shows the same regions
//! right after it: schemes split them, and reset ages, and change neither their accesses nor where they are. How much of a
//! region counts is not known, but of a node without any that matches nothing does.

use super::dumps::{Dump, dumps, need_passes_at_aggregations, size};
use super::goal_vs_pages::eligible_goals;
use super::pattern::{age_does_not_matter, size_does_not_matter};
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::subject::damon::events::{Measurement, NodeEligible};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Line, Reason, Rule, RuleResult, each_scheme, in_core,
};
use crate::subject::damon::view::{KdamondRun, View};
use damonlab_protocol::damon::{Ops, Scheme};
use damonlab_protocol::units::NodeId;

/// A whole share, in basis points.
const WHOLE: u64 = 10_000;

pub(crate) static GOAL_COUNTS_REGIONS_THAT_MATCH: DamonRule = Rule {
    about: About {
        id: "G9",
        name: "goal-counts-regions-that-match",
        kind: Kind::Exact,
        statement: "A node_eligible_mem_bp goal is 0 if no region on its node matches the scheme, and 0 or 10000 if none on another node does.",
        because: "Only regions that match the scheme's pattern are counted, each page for its own node.",
        source: &[in_core("damos_get_node_eligible_mem_bp"), in_core("damos_calc_eligible_bytes")],
        file: file!(),
        when: "paddr, the pattern limits accesses alone, and the scheme is applied when an aggregation ends",
    },
    judge: goal_counts_regions_that_match,
};

fn goal_counts_regions_that_match(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need(&[NodeEligible::NAME])?;
        let places = eligible_goals(run, index);
        if places.is_empty() {
            return Err("no scheme has a node_eligible_mem_bp goal".to_owned());
        }
        run.need_bytes()?;
        limits_accesses_alone(run, scheme)?;
        need_passes_at_aggregations(run, scheme)?;
        let mut dumps = dumps(view, run)?;
        // It may be cut off.
        dumps.pop();
        let (mut findings, mut judged) = (Violations::default(), 0);
        for window in &run.charge_windows[index].windows {
            let next = dumps.partition_point(|dump| dump.at() <= window.at);
            let Some(dump) = dumps.get(next) else { continue };
            for (line, goal) in places.iter().filter_map(|place| window.goals.get(*place)) {
                judged += 1;
                findings.extend(miscounted(view, run, index, (line, *goal), dump));
            }
        }
        match judged {
            0 => Err("no measurement is followed by an aggregation".to_owned()),
            _ => Ok(findings),
        }
    })
}

/// An error unless a region's accesses alone decide whether it matches.
fn limits_accesses_alone(run: &KdamondRun<'_>, scheme: &Scheme) -> Result<(), Reason> {
    if run.config.context.ops != Ops::Paddr {
        return Err("the context is not paddr".to_owned());
    }
    match size_does_not_matter(scheme) && age_does_not_matter(scheme) {
        true => Ok(()),
        false => Err("the scheme's pattern limits sizes or ages".to_owned()),
    }
}

/// A measurement that counts memory of regions that do not match.
fn miscounted(
    view: &View<'_>,
    run: &KdamondRun<'_>,
    index: usize,
    (line, goal): (&Line, Measurement),
    dump: &Dump<'_>,
) -> Option<Violation> {
    let node = NodeId(u16::try_from(goal.nid).ok()?);
    let own = view.recording.report.node_ranges.get(&node)?;
    let pattern = run.config.context.schemes.get(index)?.nr_accesses;
    let (mut here, mut elsewhere) = (false, false);
    for (_, region) in dump.regions() {
        if !(pattern.min..=pattern.max).contains(&u64::from(region.nr_accesses)) {
            continue;
        }
        let parts =
            own.iter().map(|(from, to)| region.end.min(to.0).saturating_sub(region.start.max(from.0)));
        let on_node: u64 = parts.sum();
        here |= on_node > 0;
        elsewhere |= on_node < size(region);
    }
    let measured = goal.current.0;
    let (is_right, wanted) = match (here, elsewhere) {
        (false, _) => (measured == 0, "0, because no region on the node matches the scheme"),
        (true, false) => {
            (measured == 0 || measured == WHOLE, "0 or 10000, because regions on this node alone match")
        }
        (true, true) => return None,
    };
    (!is_right).then(|| {
        let name = run.scheme_name(index);
        let shown = dump.regions().next().map(|(line, _)| *line);
        let expected = format!("a current_value of {name}, node {} of {wanted}", goal.nid);
        Violation::new(expected, measured.to_string()).at([line].into_iter().chain(shown))
    })
}

#[cfg(test)]
mod tests {
    use crate::judge::judge;
    use crate::recording::Recording;
    use crate::subject::damon::events::NodeEligible;
    use crate::subject::damon::testing::{found, of_event, rewrite, stored, with_accesses};

    #[test]
    fn g9_passes_on_a_real_run_and_sees_shares_of_nodes_without_accesses() {
        let mut recording = stored("picture");
        assert_eq!(found(&recording, "G9"), []);
        with_accesses(&mut recording, 0);
        assert!(!found(&recording, "G9").is_empty());
        rewrite(&mut recording, |lines| {
            for at in of_event(lines, NodeEligible::NAME) {
                let (head, _) = lines[at].rsplit_once('=').unwrap();
                lines[at] = format!("{head}=0");
            }
        });
        assert_eq!(found(&recording, "G9"), []);
    }

    #[test]
    fn g9_does_not_apply_where_ages_decide_too() {
        let why = |tamper: fn(&mut Recording)| {
            let mut recording = stored("picture");
            tamper(&mut recording);
            judge(&recording).skipped.into_iter().find(|(about, _)| about.id == "G9").map(|(_, why)| why)
        };
        assert_eq!(why(|_| ()), None);
        let ages = why(|r| r.plan.kdamonds[0].context.schemes.iter_mut().for_each(|s| s.age.min = 1));
        assert_eq!(ages.as_deref(), Some("the scheme's pattern limits sizes or ages"));
    }
}
