//! All plots of DAMON, and the steps that are marked on them.

use super::{accesses, cost, goals, migrations, quotas, schemes};
use crate::figure::{Plot, Span, Step};
use crate::recording::Recording;
use crate::subject::damon::behaviour::step_name;
use crate::subject::damon::view::View;

/// The plots, in the order of a page.
pub(crate) fn plots(recording: &Recording) -> Vec<Plot> {
    let view = View::new(recording);
    let mut all = goals::plots(&view);
    all.extend(quotas::plots(&view));
    all.extend(migrations::plot(&view));
    all.extend(accesses::plots(&view));
    all.extend(schemes::plots(&view));
    all.extend(cost::plot(recording));
    all
}

/// The steps that the guest carried out, each with its time.
pub(crate) fn steps(recording: &Recording) -> Vec<Step> {
    let both = recording.plan.steps.iter().zip(&recording.report.steps);
    both.map(|(step, done)| Step { name: step_name(step), span: Span { begin: done.begin, end: done.end } })
        .collect()
}
