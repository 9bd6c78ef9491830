//! Which configuration was in force for which of a kdamond's events.
//!
//! A command that changes it runs in `kdamond_call` (`damon_sysfs_damon_call`), of which `kdamond_fn` has one in an
//! iteration: after the regions are merged, before schemes are applied. All events of an iteration come after
//! it, and before the next one the kdamond sleeps `sample_us` at least (`kdamond_usleep`). The agent comes first at the
//! CPU when the kdamond has answered, and reads the clock. So the border lies half a sample before that moment:
//! what is older belongs to the iteration before, whose last event is a whole sample old.

use crate::recording::Recording;
use crate::trace::Line;
use damonlab_guest::damon::Kdamond;
use damonlab_guest::plan::Step;
use damonlab_guest::units::Nanos;

/// A stretch of a kdamond's life in which one configuration was in force.
pub(super) struct Era<'a> {
    pub(super) config: &'a Kdamond,
    /// The step that brought it; none for the one that was started.
    pub(super) since: Option<usize>,
    /// How many schemes are still those of the era before that is listed: a commit matches them by their number.
    pub(super) kept: usize,
    pub(super) lines: Vec<&'a Line>,
}

/// A configuration and the first moment at which it can have been in force.
struct Change<'a> {
    step: usize,
    config: &'a Kdamond,
    answered: Nanos,
}

/// The eras of the kdamond `index` that left `lines`; those without an event are left out.
pub(super) fn eras<'a>(recording: &'a Recording, index: usize, lines: &[&'a Line]) -> Vec<Era<'a>> {
    let Some((first, started)) = lines.first().zip(recording.plan.kdamonds.get(index)) else {
        return Vec::new();
    };
    let mut eras: Vec<Era<'a>> = Vec::new();
    let mut rest = lines;
    let (mut config, mut since, mut kept) = (started, None, 0);
    for change in changes(recording, index, first.time) {
        let border = border(change.answered, config);
        let (old, new) = rest.split_at(rest.partition_point(|line| line.time < border));
        if !old.is_empty() {
            eras.push(Era { config, since, kept, lines: old.to_vec() });
            kept = config.context.schemes.len();
        }
        config = change.config;
        kept = kept.min(config.context.schemes.len());
        since = Some(change.step);
        rest = new;
    }
    if !rest.is_empty() {
        eras.push(Era { config, since, kept, lines: rest.to_vec() });
    }
    eras
}

/// Half a sample before the answer.
fn border(answered: Nanos, config: &Kdamond) -> Nanos {
    let sample = Nanos::from_micros(config.context.intervals.sample_us);
    Nanos(answered.0.saturating_sub(sample.0 / 2))
}

/// What was taken by the kdamond that was started last before its first event, until the next start.
fn changes(recording: &Recording, index: usize, first: Nanos) -> impl Iterator<Item = Change<'_>> {
    let steps: Vec<_> = recording.plan.steps.iter().zip(&recording.report.steps).enumerate().collect();
    let is_start = |step: &Step| matches!(step, Step::Start { .. });
    let start = steps.iter().rposition(|(_, (step, outcome))| is_start(step) && outcome.begin <= first);
    let after = steps.into_iter().skip(start.map_or(0, |start| start + 1));
    let until_next = after.take_while(move |(_, (step, _))| !is_start(step));
    until_next.filter_map(move |(number, (step, outcome))| {
        let answered = *outcome.answered.get(&index).filter(|_| outcome.refused.is_none())?;
        let config = step.configures()?.get(index)?;
        Some(Change { step: number, config, answered })
    })
}
