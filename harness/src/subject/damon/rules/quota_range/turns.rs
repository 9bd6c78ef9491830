//! When the charge windows of a scheme may begin: once in each of its passes.

use super::super::stats::{JIFFY, period};
use crate::recording::Event;
use crate::subject::damon::events::{BeforeApply, Esz, SchemeEvent, Stat};
use crate::subject::damon::rule::{Line, Reason};
use crate::subject::damon::view::{KdamondRun, View};
use damonlab_protocol::plan::Step;
use damonlab_protocol::units::Nanos;

/// Whether a window begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Begins {
    /// A new quota or the measurement of a goal shows it.
    Surely,
    /// The trace does not show it.
    Perhaps,
}

/// The beginning of a pass.
pub(in super::super) struct Turn<'a> {
    /// Not before, and not after.
    pub(in super::super) time: (Nanos, Nanos),
    pub(in super::super) begins: Begins,
    /// The `damos_esz` of the window.
    pub(in super::super) esz: Option<(&'a Line, u64)>,
    /// The lines that show the turn.
    pub(in super::super) lines: Vec<&'a Line>,
    /// The highest score of the goals that are traced.
    pub(in super::super) traced: u64,
}

impl Turn<'_> {
    pub(super) fn quota(&self) -> Option<u64> {
        self.esz.map(|(_, esz)| esz)
    }
}

/// The turns of a scheme.
///
/// # Errors
/// The measurements of its goals contradict the configuration.
pub(in super::super) fn turns<'a>(
    view: &View<'a>,
    run: &KdamondRun<'a>,
    index: usize,
) -> Result<Vec<Turn<'a>>, Reason> {
    let charge = &run.charge_windows[index];
    if charge.goals.is_empty() {
        return Ok(of_passes(run, index, begin(view, run)));
    }
    if charge.broken.is_some() {
        return Err("charge windows cannot be distinguished (see G3)".to_owned());
    }
    let complete = charge.windows.iter().filter(|window| window.followed);
    Ok(complete
        .map(|window| {
            let last = window.goals.last().map_or(window.time(), |(line, _)| line.time);
            Turn {
                time: (window.after.unwrap_or(window.time()), last),
                begins: Begins::Surely,
                esz: window.esz,
                lines: window.lines().collect(),
                traced: window.goals.iter().map(|(_, one)| one.score()).max().unwrap_or_default(),
            }
        })
        .collect())
}

/// When the step began that started the kdamond or committed the configuration.
fn begin(view: &View<'_>, run: &KdamondRun<'_>) -> Nanos {
    let steps = view.recording.plan.steps.iter().zip(&view.recording.report.steps);
    let first = run.lines.first().map_or(Nanos(0), |line| line.time);
    let starts = steps.filter(|(step, one)| matches!(step, Step::Start { .. }) && one.begin <= first);
    let step = match run.since {
        Some(since) => view.recording.report.steps.get(since),
        None => starts.map(|(_, one)| one).next_back(),
    };
    step.map_or(Nanos(0), |one| one.begin)
}

/// A turn for each pass, which ends with the scheme's statistics.
fn of_passes<'a>(run: &KdamondRun<'a>, index: usize, begin: Nanos) -> Vec<Turn<'a>> {
    let context = &run.config.context;
    let samples = period(&context.intervals, &context.schemes[index]);
    // A sleep is never shorter than requested.
    let slept = Nanos::from_micros(samples.saturating_mul(context.intervals.sample_us)).0;
    let slept = if run.need_fixed_intervals().is_ok() { slept.saturating_sub(JIFFY) } else { 0 };
    // After a commit the next pass may still come when the configuration before it wanted one.
    let mut earliest = if run.continues() { begin } else { Nanos(begin.0.saturating_add(slept)) };
    let (mut quotas, mut acts) = (Vec::new(), None);
    let mut turns = Vec::new();
    for line in &run.lines {
        match &line.event {
            Event::Esz(esz) if esz.scheme() == index => quotas.push((*line, esz.esz)),
            Event::BeforeApply(one) if one.scheme() == index => acts = acts.or(Some(*line)),
            Event::Stat(stat) if stat.scheme() == index => {
                let shown = acts.take().unwrap_or(line);
                turns.extend(of_pass(earliest, std::mem::take(&mut quotas), shown));
                earliest = Nanos(line.time.0.saturating_add(slept));
            }
            _ => {}
        }
    }
    turns
}

/// The turns of a pass: one for each quota that it emitted, or one without.
fn of_pass<'a>(earliest: Nanos, quotas: Vec<(&'a Line, u64)>, shown: &'a Line) -> Vec<Turn<'a>> {
    let turn = |line: &'a Line, esz: Option<(&'a Line, u64)>| Turn {
        time: (earliest.min(line.time), line.time),
        begins: if esz.is_some() { Begins::Surely } else { Begins::Perhaps },
        esz,
        lines: vec![line],
        traced: 0,
    };
    match quotas.is_empty() {
        true => vec![turn(shown, None)],
        false => quotas.into_iter().map(|esz| turn(esz.0, Some(esz))).collect(),
    }
}

/// The events that show turns.
pub(in super::super) const EVENTS: [&str; 3] = [Esz::NAME, BeforeApply::NAME, Stat::NAME];
