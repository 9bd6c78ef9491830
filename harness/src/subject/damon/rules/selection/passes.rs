//! The passes of a run: the iterations of `kdamond_fn` in which schemes are applied.
//!
//! The kernel counts samples, and a scheme is due every so many of them (`damos_set_next_apply_sis`), as an aggregation is.
//! From the start on, the nth statistics of a scheme are therefore those of the sample n times its interval. Those of
//! one sample belong to one pass, which ends with them.

use super::super::dumps::{Dump, dumps};
use super::super::stats::{JIFFY, period};
use crate::subject::damon::events::{Aggregated, BeforeApply, SchemeEvent, Stat};
use crate::subject::damon::rule::{Line, Reason};
use crate::subject::damon::view::{KdamondRun, View, events};
use crate::trace::TypedEvent;
use damonlab_protocol::units::Nanos;

/// One pass.
pub(super) struct ApplyPass<'a> {
    /// Where its events begin among those of the kdamond, which may first have the rest of an aggregation.
    pub(super) begin: usize,
    /// One past its last event.
    pub(super) end: usize,
    /// The statistics of each scheme that was due.
    pub(super) stats: Vec<(&'a Line, &'a Stat)>,
    /// Which aggregation follows in the same iteration, where one does.
    pub(super) aggregation: Option<usize>,
    /// It did not begin before this time.
    pub(super) earliest: Nanos,
    /// It began before this time.
    pub(super) latest: Nanos,
}

impl<'a> ApplyPass<'a> {
    /// The actions, in order.
    pub(super) fn actions(&self, run: &KdamondRun<'a>) -> Vec<(&'a Line, &'a BeforeApply)> {
        events(&run.lines[self.begin..self.end]).collect()
    }

    /// The statistics of a scheme, if it was due.
    pub(super) fn stat(&self, scheme: usize) -> Option<&'a Stat> {
        self.stats.iter().find(|(_, stat)| stat.scheme() == scheme).map(|(_, stat)| *stat)
    }
}

/// The passes of a run, and its aggregations.
pub(super) struct Passes<'a> {
    pub(super) passes: Vec<ApplyPass<'a>>,
    pub(super) dumps: Vec<Dump<'a>>,
}

/// Where the count of samples stands.
struct Counter {
    sample_us: u64,
    /// The interval of each scheme in samples, and how many passes it had.
    schemes: Vec<(u64, u64)>,
    /// The samples of an aggregation.
    aggregation: u64,
}

/// Divides the events of a run.
///
/// # Errors
/// The events do not show the passes, or contradict the intervals.
pub(super) fn passes<'a>(view: &View<'_>, run: &KdamondRun<'a>) -> Result<Passes<'a>, Reason> {
    need_counted_samples(view, run)?;
    let mut counter = Counter::new(run);
    let dumps = if view.traced(Aggregated::NAME) { dumps(view, run)? } else { Vec::new() };
    let mut passes: Vec<ApplyPass<'a>> = Vec::new();
    let mut sample = 0;
    for (at, line) in run.lines.iter().enumerate() {
        let Some(stat) = Stat::of(&line.event) else { continue };
        let due = counter.next(stat.scheme()).ok_or("a scheme of the statistics is not configured")?;
        if due < sample {
            return Err("schemes are not applied in step (see S1)".to_owned());
        }
        let begin = passes.last().map_or(0, |pass| pass.end);
        match passes.last_mut().filter(|_| due == sample) {
            Some(pass) if pass.end == at => {
                pass.stats.push((line, stat));
                pass.end = at + 1;
            }
            Some(_) => return Err("a pass does not end with its statistics".to_owned()),
            None => {
                let (earliest, latest) = counter.times(run, &dumps, (begin, at), (sample, due));
                let aggregation = counter.aggregation_at(due, at, &dumps);
                let stats = vec![(*line, stat)];
                passes.push(ApplyPass { begin, end: at + 1, stats, aggregation, earliest, latest });
                sample = due;
            }
        }
    }
    Ok(Passes { passes, dumps })
}

/// An error where the number of a pass does not say when it was.
fn need_counted_samples(view: &View<'_>, run: &KdamondRun<'_>) -> Result<(), Reason> {
    view.need(&[BeforeApply::NAME, Stat::NAME])?;
    run.need_fixed_intervals()?;
    if !run.is_from_start() {
        return Err("the configuration was changed online".to_owned());
    }
    // A scheme that is not active stays due, and is applied at any sample after it becomes active.
    match run.config.context.schemes.iter().all(|scheme| scheme.watermarks.metric == "none") {
        true => Ok(()),
        false => Err("watermarks decide when schemes are applied".to_owned()),
    }
}

impl Counter {
    fn new(run: &KdamondRun<'_>) -> Counter {
        let context = &run.config.context;
        let intervals = &context.intervals;
        let schemes = context.schemes.iter().map(|scheme| (period(intervals, scheme), 0)).collect();
        let aggregation = (intervals.aggr_us / intervals.sample_us.max(1)).max(1);
        Counter { sample_us: intervals.sample_us, schemes, aggregation }
    }

    /// The sample of a scheme's next pass.
    fn next(&mut self, scheme: usize) -> Option<u64> {
        let (period, passes) = self.schemes.get_mut(scheme)?;
        *passes += 1;
        period.checked_mul(*passes)
    }

    /// The aggregation that ends with the sample of a pass, whose first statistics are at `at`.
    fn aggregation_at(&self, sample: u64, at: usize, dumps: &[Dump<'_>]) -> Option<usize> {
        let nth =
            usize::try_from(sample.is_multiple_of(self.aggregation).then(|| sample / self.aggregation)?);
        let nth = nth.ok()?.checked_sub(1)?;
        let is_after = |nth: usize| dumps.get(nth).map(|dump| dump.at() > at);
        let before = nth.checked_sub(1).and_then(is_after).unwrap_or(false);
        (is_after(nth)? && !before).then_some(nth)
    }

    /// When the pass may have begun whose events begin at `begin` and whose statistics are at `end`. The kdamond slept
    /// once for each sample since the event before.
    fn times(
        &self,
        run: &KdamondRun<'_>,
        dumps: &[Dump<'_>],
        (begin, end): (usize, usize),
        (last, due): (u64, u64),
    ) -> (Nanos, Nanos) {
        let is_dumps = |line: &&Line| !line.name().starts_with("damos_");
        let first = begin + run.lines[begin..end].iter().take_while(|line| is_dumps(line)).count();
        let shown = dumps.partition_point(|dump| dump.at() < first) as u64;
        let slept = due.saturating_sub(last.max(shown.saturating_mul(self.aggregation)));
        let slept = Nanos::from_micros(slept.saturating_mul(self.sample_us));
        let before = first.checked_sub(1).map(|at| run.lines[at].time.0.saturating_add(slept.0));
        let acts = |line: &&&Line| BeforeApply::of(&line.event).is_some();
        let latest = run.lines[begin..end].iter().find(acts).unwrap_or(&run.lines[end]);
        (Nanos(before.map_or(0, |before| before.saturating_sub(JIFFY))), latest.time)
    }
}
