//! What a paused kdamond does: nothing (P2).

use crate::check::finding::Finding;
use crate::check::findings::Findings;
use crate::subject::damon::rule::RuleResult;
use crate::subject::damon::view::View;
use damonlab_protocol::damon::Kdamond;

pub(crate) fn p2(view: &View<'_>) -> RuleResult {
    let recording = view.recording;
    let done = recording.plan.steps.iter().zip(&recording.report.steps);
    let committed = done.filter(|(_, outcome)| outcome.refused.is_none());
    let committed = committed.filter_map(|(step, _)| step.configures());
    let pauses = |kdamonds: &[Kdamond]| kdamonds.iter().any(|kdamond| kdamond.context.pause);
    if !committed.chain([&recording.plan.kdamonds[..]]).any(pauses) {
        return RuleResult::NotApplicable("nothing pauses DAMON".to_owned());
    }
    let mut findings = Findings::default();
    for run in view.kdamond_runs.iter().filter(|run| run.config.context.pause) {
        for line in &run.lines {
            findings.push(|| {
                let expected = format!("no event of kdamond {} while it is paused", run.kdamond);
                Finding::new("P2", expected, line.event.name()).at([*line])
            });
        }
    }
    RuleResult::Applied(findings)
}
