//! What a rule about DAMON is made of: the parts of a recording that it judges, one at a time.

use super::view::{KdamondRun, View};
pub(crate) use crate::check::finding::Violation;
use crate::check::rule::gather;
pub(crate) use crate::check::rule::{About, Kind, Reason, Rule, RuleResult, Source};
pub(crate) use crate::check::violations::Violations;
pub(crate) use crate::recording::Line;
use damonlab_protocol::damon::Scheme;

/// A rule about DAMON.
pub(crate) type DamonRule = Rule<fn(&View<'_>) -> RuleResult>;

/// A function of DAMON's core.
pub(crate) const fn in_core(name: &'static str) -> Source {
    Source::function("mm/damon/core.c", name)
}

/// A violation for each of these items; `describe` is called only for those that are kept.
pub(crate) fn violations<T>(items: impl Iterator<Item = T>, describe: impl Fn(T) -> Violation) -> Violations {
    let mut violations = Violations::default();
    items.for_each(|item| violations.push(|| describe(item)));
    violations
}

/// Checks each run of each kdamond; applies where it applies to one of them.
pub(crate) fn each_kdamond_run(
    view: &View<'_>,
    check: impl Fn(&KdamondRun<'_>) -> Result<Violations, Reason>,
) -> RuleResult {
    gather(view.kdamond_runs.iter().map(check))
}

/// Checks each scheme of each run.
pub(crate) fn each_scheme(
    view: &View<'_>,
    check: impl Fn(&KdamondRun<'_>, usize, &Scheme) -> Result<Violations, Reason>,
) -> RuleResult {
    gather(view.kdamond_runs.iter().flat_map(|run| {
        let schemes = run.config.context.schemes.iter().enumerate();
        schemes.map(|(index, scheme)| check(run, index, scheme)).collect::<Vec<_>>()
    }))
}
