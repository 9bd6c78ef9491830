//! Migrations that have nowhere to go: M6.

use super::gains::targets;
use super::migration::{Emitted, Migration, emitted, migrates, migrations};
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::recording::{Event, Recording};
use crate::subject::damon::events::BeforeApply;
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Line, Reason, Rule, RuleResult, Source, each_kdamond_run,
};
use crate::subject::damon::view::{KdamondRun, View};
use damonlab_protocol::damon::{Ops, Scheme};
use damonlab_protocol::plan::Step;
use damonlab_protocol::units::{Nanos, NodeId};
use std::collections::BTreeSet;

pub(crate) static NO_MIGRATION_WITHOUT_TARGET: DamonRule = Rule {
    about: About {
        id: "M6",
        name: "no-migration-without-target",
        kind: Kind::Exact,
        statement: "Nothing is migrated, or tried to, while the target node of the scheme has no memory, nor from a region that lies in that node.",
        because: "DAMON puts all pages back before it calls migrate_pages() if the target has no memory, and leaves pages out that are on it.",
        source: &[
            Source::function("mm/damon/ops-common.c", "damon_migrate_pages"),
            Source::function("mm/damon/ops-common.c", "__damon_migrate_folio_list"),
        ],
        file: file!(),
        when: "a scheme's target is or goes offline or does not exist, or its regions lie in it; damos_before_apply and mm_migrate_pages are recorded",
    },
    judge: no_migration_without_target,
};

fn no_migration_without_target(view: &View<'_>) -> RuleResult {
    let all = match migrations(view) {
        Ok(all) => all,
        Err(why) => return RuleResult::NotApplicable(why),
    };
    let Some(absent) = Absent::of(view.recording) else {
        return RuleResult::NotApplicable(
            "a node goes offline or online at once with other steps".to_owned(),
        );
    };
    each_kdamond_run(view, |run| {
        view.need(&[BeforeApply::NAME])?;
        run.need_bytes()?;
        judge(view, run, &all, &absent)
    })
}

fn judge(
    view: &View<'_>,
    run: &KdamondRun<'_>,
    all: &[Migration<'_>],
    absent: &Absent,
) -> Result<Violations, Reason> {
    let context = &run.config.context;
    let mut violations = Violations::default();
    let mut acting: Option<(&Line, &BeforeApply, &Scheme)> = None;
    let mut applies = false;
    for one in emitted(run, all) {
        let time = match &one {
            Emitted::Damon(line) => line.time,
            Emitted::Migration(one) => one.line.time,
        };
        if let Emitted::Damon(line) = one
            && let Event::BeforeApply(event) = &line.event
        {
            let scheme = context.schemes.get(event.scheme_idx as usize);
            acting = scheme.map(|scheme| (line, event, scheme));
        }
        let Some((line, region, scheme)) = acting.filter(|(_, _, scheme)| migrates(scheme)) else { continue };
        let nodes = targets(&context.ops, scheme);
        let has_memory = nodes.iter().any(|node| !absent.at(*node, time));
        let inside = context.ops == Ops::Paddr && nodes.iter().all(|node| lies_in(view, region, *node));
        if has_memory && !inside {
            continue;
        }
        applies = true;
        if let Emitted::Migration(one) = one {
            violations.push(|| {
                let why = if has_memory { "it is in the target already" } else { "no target has memory" };
                let expected = format!("no migration for this region: {why}");
                Violation::new(expected, format!("{} pages moved, {} failed", one.succeeded, one.failed))
                    .at([line, one.line])
            });
        }
    }
    match applies {
        true => Ok(violations),
        false => Err("no scheme acted without a target to move to".to_owned()),
    }
}

fn lies_in(view: &View<'_>, region: &BeforeApply, node: NodeId) -> bool {
    let ranges = view.recording.report.node_ranges.get(&node).into_iter().flatten();
    ranges.into_iter().any(|(start, end)| start.0 <= region.start && region.end <= end.0)
}

/// When nodes have no memory.
struct Absent {
    /// The nodes that have some at one time.
    present: BTreeSet<NodeId>,
    /// From when until when a node is offline.
    offline: Vec<(NodeId, Nanos, Nanos)>,
}

impl Absent {
    /// None where it is not known when a node goes offline.
    fn of(recording: &Recording) -> Option<Absent> {
        let moves = |step: &Step| matches!(step, Step::Offline { .. } | Step::Online { .. });
        let (mut offline, mut present) = (Vec::new(), BTreeSet::new());
        for (step, one) in recording.plan.steps.iter().zip(&recording.report.steps) {
            match step {
                Step::Offline { node } => offline.push((*node, one.end, Nanos(u64::MAX))),
                Step::Online { node } => {
                    let last = offline.iter_mut().rfind(|(other, _, _)| other == node);
                    last.into_iter().for_each(|(_, _, until)| *until = one.begin);
                }
                step if step.parts().any(moves) => return None,
                _ => {}
            }
        }
        for (node, fields) in recording.samples.iter().flat_map(|sample| &sample.nodes) {
            if fields.get("MemTotal").is_some_and(|bytes| bytes.0 > 0) {
                present.insert(*node);
            }
        }
        Some(Absent { present, offline })
    }

    fn at(&self, node: NodeId, time: Nanos) -> bool {
        let is_off =
            |(other, from, until): &(NodeId, Nanos, Nanos)| *other == node && *from <= time && time < *until;
        !self.present.contains(&node) || self.offline.iter().any(is_off)
    }
}

#[cfg(test)]
mod tests {
    use crate::subject::damon::testing::{found, of_event, rewrite, stored, tampered};
    use damonlab_protocol::units::NodeId;

    #[test]
    fn m6_sees_a_migration_to_a_node_that_has_no_memory() {
        let mut recording = stored("truth");
        for scheme in &mut recording.plan.kdamonds[0].context.schemes {
            scheme.target_nid = 7;
        }
        let findings = found(&recording, "M6");
        assert!(findings[0].expected.ends_with("no target has memory"), "{findings:?}");
        rewrite(&mut recording, |lines| {
            for at in of_event(lines, "mm_migrate_pages").into_iter().rev() {
                lines.remove(at);
            }
        });
        assert_eq!(found(&recording, "M6"), []);
    }

    #[test]
    fn m6_sees_a_migration_from_the_target_itself() {
        let seen = tampered("M6", |recording| {
            let ranges = &mut recording.report.node_ranges;
            let all: Vec<_> = ranges.values().flatten().copied().collect();
            ranges.insert(NodeId(0), all.clone());
            ranges.insert(NodeId(1), all);
        });
        assert!(seen.iter().any(|seen| seen.contains("it is in the target already")), "{seen:?}");
    }
}
