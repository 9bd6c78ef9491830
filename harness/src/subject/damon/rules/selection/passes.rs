//! The passes of a kdamond: the iterations of `kdamond_fn` in which schemes are applied.
//!
//! The kernel counts samples, and a scheme is due every so many of them (`damos_set_next_apply_sis`), as an aggregation is.
//! From the start on, the nth statistics of a scheme are therefore those of the sample n times its interval. Those of
//! one sample belong to one pass, which ends with them. A commit leaves this count as it is, unless it changes intervals
//! or numbers of regions (`damon_set_attrs`).

use super::super::dumps::{Dump, dumps};
use super::super::stats::{JIFFY, period};
use crate::subject::damon::events::{Aggregated, BeforeApply, SchemeEvent, Stat};
use crate::subject::damon::rule::{Line, Reason};
use crate::subject::damon::view::{KdamondRun, View, events};
use crate::trace::TypedEvent;
use damonlab_protocol::damon::{Context, Scheme};
use damonlab_protocol::units::Nanos;

/// One pass.
pub(super) struct ApplyPass<'v, 'a> {
    /// The part of the kdamond's run in which it was.
    pub(super) run: &'v KdamondRun<'a>,
    /// Where its events begin among those of `run`, which may first have the rest of an aggregation.
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

impl<'a> ApplyPass<'_, 'a> {
    /// The actions, in order.
    pub(super) fn actions(&self) -> Vec<(&'a Line, &'a BeforeApply)> {
        events(&self.run.lines[self.begin..self.end]).collect()
    }

    /// The statistics of a scheme, if it was due.
    pub(super) fn stat(&self, scheme: usize) -> Option<&'a Stat> {
        self.stats.iter().find(|(_, stat)| stat.scheme() == scheme).map(|(_, stat)| *stat)
    }
}

/// The passes of a kdamond, and its aggregations.
#[derive(Default)]
pub(super) struct Passes<'v, 'a> {
    pub(super) passes: Vec<ApplyPass<'v, 'a>>,
    pub(super) dumps: Vec<Dump<'a>>,
    /// A commit changed when schemes are due, and what follows is not here.
    pub(super) cut: bool,
}

/// Divides the events since a kdamond's start, up to a commit that changes when schemes are due.
///
/// # Errors
/// The events do not show the passes, or contradict the intervals.
pub(super) fn passes<'v, 'a>(
    view: &View<'_>,
    since_start: &'v [KdamondRun<'a>],
) -> Result<Passes<'v, 'a>, Reason> {
    view.need(&[BeforeApply::NAME, Stat::NAME])?;
    let [first, ..] = since_start else {
        return Err("what follows a commit is compared together with what came before".to_owned());
    };
    need_counted_samples(first)?;
    let mut reader = Reader::new(first);
    for run in since_start {
        if !is_in_step(&first.config.context, &run.config.context) {
            reader.found.cut = true;
            break;
        }
        let dumps = if view.traced(Aggregated::NAME) { dumps(view, run)? } else { Vec::new() };
        reader.read(run, dumps)?;
    }
    Ok(reader.found)
}

/// An error where the number of a pass does not say when it was.
fn need_counted_samples(run: &KdamondRun<'_>) -> Result<(), Reason> {
    run.need_fixed_intervals()?;
    // A scheme that is not active stays due, and is applied at any sample after it becomes active.
    match run.config.context.schemes.iter().all(|scheme| scheme.watermarks.metric == "none") {
        true => Ok(()),
        false => Err("watermarks decide when schemes are applied".to_owned()),
    }
}

/// Whether a commit of `new` leaves when schemes are due, and the regions (`damon_commit_ctx`).
fn is_in_step(old: &Context, new: &Context) -> bool {
    let same_attributes = (&old.ops, old.addr_unit, &old.intervals, old.nr_regions)
        == (&new.ops, new.addr_unit, &new.intervals, new.nr_regions);
    let is_due_alike = |(one, other): (&Scheme, &Scheme)| {
        (one.apply_interval_us, &one.watermarks.metric) == (other.apply_interval_us, &other.watermarks.metric)
    };
    same_attributes
        && (&old.probes, &old.targets) == (&new.probes, &new.targets)
        && new.targets.iter().all(|target| !target.obsolete)
        && old.schemes.len() == new.schemes.len()
        && old.schemes.iter().zip(&new.schemes).all(is_due_alike)
}

/// Where the reading and the count of samples stand.
struct Reader<'v, 'a> {
    found: Passes<'v, 'a>,
    sample_us: u64,
    /// The interval of each scheme in samples, and how many passes it had.
    schemes: Vec<(u64, u64)>,
    /// The samples of an aggregation.
    aggregation: u64,
    /// The sample of the last pass.
    sample: u64,
    /// When the last event was, of those that are read.
    read_until: Option<Nanos>,
}

/// The events of a run up to its aggregations, and how many there were before it.
struct Part<'v, 'a> {
    run: &'v KdamondRun<'a>,
    dumps: Vec<Dump<'a>>,
    before: usize,
}

impl<'v, 'a> Reader<'v, 'a> {
    fn new(run: &KdamondRun<'_>) -> Self {
        let context = &run.config.context;
        let intervals = &context.intervals;
        Reader {
            found: Passes::default(),
            sample_us: intervals.sample_us,
            schemes: context.schemes.iter().map(|scheme| (period(intervals, scheme), 0)).collect(),
            aggregation: (intervals.aggr_us / intervals.sample_us.max(1)).max(1),
            sample: 0,
            read_until: None,
        }
    }

    fn read(&mut self, run: &'v KdamondRun<'a>, dumps: Vec<Dump<'a>>) -> Result<(), Reason> {
        let part = Part { run, dumps, before: self.found.dumps.len() };
        let mut end = 0;
        for (at, line) in run.lines.iter().enumerate() {
            let Some(stat) = Stat::of(&line.event) else { continue };
            let due = self.due(stat.scheme()).ok_or("a scheme of the statistics is not configured")?;
            let last = self.found.passes.last_mut().filter(|_| due == self.sample);
            match last {
                _ if due < self.sample => return Err("schemes are not applied in step (see S1)".to_owned()),
                Some(pass) if end == at && end > 0 => {
                    pass.stats.push((line, stat));
                    pass.end = at + 1;
                }
                Some(_) => return Err("a pass does not end with its statistics".to_owned()),
                None => {
                    let pass = self.pass(&part, (end, at), due, (line, stat));
                    self.found.passes.push(pass);
                    self.sample = due;
                }
            }
            end = at + 1;
        }
        self.read_until = run.lines.last().map(|line| line.time).or(self.read_until);
        self.found.dumps.extend(part.dumps);
        Ok(())
    }

    /// The sample of a scheme's next pass.
    fn due(&mut self, scheme: usize) -> Option<u64> {
        let (period, passes) = self.schemes.get_mut(scheme)?;
        *passes += 1;
        period.checked_mul(*passes)
    }

    /// The pass of the sample `due`, whose events begin at `begin` and whose statistics are at `at`.
    fn pass(
        &self,
        part: &Part<'v, 'a>,
        (begin, at): (usize, usize),
        due: u64,
        stat: (&'a Line, &'a Stat),
    ) -> ApplyPass<'v, 'a> {
        let (earliest, latest) = self.times(part, (begin, at), due);
        ApplyPass {
            run: part.run,
            begin,
            end: at + 1,
            stats: vec![stat],
            aggregation: self.aggregation_at(part, due, at),
            earliest,
            latest,
        }
    }

    /// The aggregation that ends with the sample of a pass, whose first statistics are at `at`.
    fn aggregation_at(&self, part: &Part<'v, 'a>, due: u64, at: usize) -> Option<usize> {
        let nth = due.is_multiple_of(self.aggregation).then(|| due / self.aggregation)?;
        let nth = usize::try_from(nth).ok()?.checked_sub(1)?;
        let is_after = |nth: usize| part.dumps.get(nth).map(|dump| dump.at() > at);
        let own = nth.checked_sub(part.before)?;
        let is_before = own.checked_sub(1).and_then(is_after).unwrap_or(false);
        (is_after(own)? && !is_before).then_some(nth)
    }

    /// When the pass may have begun. The kdamond slept once for each sample since the event before.
    fn times(&self, part: &Part<'v, 'a>, (begin, end): (usize, usize), due: u64) -> (Nanos, Nanos) {
        let lines = &part.run.lines;
        let is_dumps = |line: &&&Line| !line.name().starts_with("damos_");
        let first = begin + lines[begin..end].iter().take_while(is_dumps).count();
        let shown = part.before + part.dumps.partition_point(|dump| dump.at() < first);
        let last = self.sample.max((shown as u64).saturating_mul(self.aggregation));
        let slept = due.saturating_sub(last).saturating_mul(self.sample_us);
        let before = first.checked_sub(1).map(|at| lines[at].time).or(self.read_until);
        let earliest = before
            .map_or(0, |before| before.0.saturating_add(Nanos::from_micros(slept).0).saturating_sub(JIFFY));
        let acts = |line: &&&Line| BeforeApply::of(&line.event).is_some();
        let latest = lines[begin..end].iter().find(acts).unwrap_or(&lines[end]);
        (Nanos(earliest), latest.time)
    }
}
