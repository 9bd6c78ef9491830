//! What a paused kdamond does: nothing (P2).

use crate::check::finding::Finding;
use crate::check::findings::Findings;
use crate::check::invariant::Outcome;
use crate::check::view::View;
use damonlab_guest::damon::Kdamond;

pub(in crate::check) fn p2(view: &View<'_>) -> Outcome {
    let recording = view.recording;
    let done = recording.plan.steps.iter().zip(&recording.report.steps);
    let committed = done.filter(|(_, outcome)| outcome.refused.is_none());
    let committed = committed.filter_map(|(step, _)| step.configures());
    let pauses = |kdamonds: &[Kdamond]| kdamonds.iter().any(|kdamond| kdamond.context.pause);
    if !committed.chain([&recording.plan.kdamonds[..]]).any(pauses) {
        return Outcome::NotApplicable("nothing pauses DAMON".to_owned());
    }
    let mut findings = Findings::default();
    for life in view.lives.iter().filter(|life| life.config.context.pause) {
        for line in &life.lines {
            findings.push(|| {
                let expected = format!("no event of kdamond {} while it is paused", life.kdamond);
                Finding::new("P2", expected, line.event.name()).at([*line])
            });
        }
    }
    Outcome::Applied(findings)
}
