//! What a paused kdamond does: nothing (P2).

use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::subject::damon::rule::{About, DamonRule, Kind, Rule, RuleResult, in_core};
use crate::subject::damon::view::View;
use damonlab_protocol::damon::Kdamond;

pub(crate) static PAUSE_IS_SILENT: DamonRule = Rule {
    about: About {
        id: "P2",
        name: "pause-is-silent",
        kind: Kind::Exact,
        statement: "A paused kdamond emits no event.",
        because: "The loop stops right after it applied the commit, before it applies schemes and emits regions.",
        source: &[in_core("kdamond_fn"), in_core("damon_commit_ctx")],
        file: file!(),
        when: "a step or the configuration pauses DAMON",
    },
    judge: pause_is_silent,
};

fn pause_is_silent(view: &View<'_>) -> RuleResult {
    let recording = view.recording;
    let done = recording.plan.steps.iter().zip(&recording.report.steps);
    let committed = done.filter(|(_, outcome)| outcome.refused.is_none());
    let committed = committed.filter_map(|(step, _)| step.configures());
    let pauses = |kdamonds: &[Kdamond]| kdamonds.iter().any(|kdamond| kdamond.context.pause);
    if !committed.chain([&recording.plan.kdamonds[..]]).any(pauses) {
        return RuleResult::NotApplicable("no step pauses DAMON".to_owned());
    }
    let mut findings = Violations::default();
    for run in view.kdamond_runs.iter().filter(|run| run.config.context.pause) {
        for line in &run.lines {
            findings.push(|| {
                let expected = format!("no event of kdamond {} while it is paused", run.kdamond);
                Violation::new(expected, line.name()).at([*line])
            });
        }
    }
    RuleResult::Applied(findings)
}
