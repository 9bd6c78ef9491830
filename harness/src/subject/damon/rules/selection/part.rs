//! The passes of a scheme with one configuration, compared one by one.

use super::super::dumps::Dump;
use super::super::filters::CoreFilters;
use super::super::once_a_pass::a_later_scheme_splits;
use super::super::witness::is_witness;
use super::charge::{self, Charge, amounts, distinct};
use super::choice::Choice;
use super::memory::{Action, Memory, Obstacle, Place, of_dump, of_witness};
use super::passes::ApplyPass;
use super::priority::Priority;
use super::progress::State;
use crate::subject::damon::events::{SchemeEvent, Stat};
use crate::subject::damon::replayed::Replay;
use crate::subject::damon::rule::{Reason, Violation};
use crate::subject::damon::view::{KdamondRun, PAGE, View, is_limited};
use damonlab_protocol::damon::{Context, Scheme};

/// Why actions of a scheme are not compared whose pattern depends on how memory is divided into regions.
const ANY_SIZE: &str = "the pattern limits sizes, and the trace does not show the regions before a pass";

/// A scheme with its configuration.
pub(super) struct Part<'p> {
    context: &'p Context,
    scheme: &'p Scheme,
    index: usize,
    choice: Choice<'p>,
    /// The pattern does not depend on how memory is divided into regions.
    any_size: bool,
    /// No later scheme makes a last region come twice.
    counts_once: bool,
}

/// A pass of the scheme, and what led to it.
struct Turn<'p, 'a> {
    pass: &'p ApplyPass<'p, 'a>,
    dumps: &'p [Dump<'a>],
    actions: Vec<Action<'a>>,
    /// Those of the scheme.
    own: Vec<Action<'a>>,
    stat: &'a Stat,
    /// How many snapshots the scheme may still make.
    left: Option<u64>,
    /// By how much the counters grew.
    exceeds: u64,
    snapshots: u64,
    applied: u64,
}

impl Turn<'_, '_> {
    /// Snapshots that the scheme still makes.
    fn at_most(&self, snapshots: u64) -> u64 {
        self.left.map_or(snapshots, |left| left.min(snapshots))
    }
}

impl<'p> Part<'p> {
    /// # Errors
    /// What a filter matches is not known, or how priorities are computed.
    pub(super) fn new(view: &View<'_>, run: &'p KdamondRun<'_>, index: usize) -> Result<Part<'p>, Reason> {
        let context = &run.config.context;
        let scheme = &context.schemes[index];
        let counts_once = !a_later_scheme_splits(context, index);
        if scheme.max_nr_snapshots != 0 && !counts_once {
            return Err(
                "a later scheme splits regions, and snapshots of a limited number count twice".to_owned()
            );
        }
        Ok(Part {
            context,
            scheme,
            index,
            choice: Choice {
                scheme,
                filters: CoreFilters::new(view, scheme).ok_or("what a core filter matches is not known")?,
                priority: Priority::new(context, scheme).ok_or("the operations set is not known")?,
                name: run.scheme_name(index),
            },
            any_size: scheme.sz.min <= PAGE && scheme.sz.max >= u64::MAX / 2,
            counts_once,
        })
    }

    /// Compares one pass, if the scheme was due in it. An obstacle is one for all passes that follow.
    pub(super) fn pass<'a>(
        &self,
        pass: &ApplyPass<'_, 'a>,
        dumps: &[Dump<'a>],
        state: &mut State<'a>,
        replay: &mut Replay,
    ) -> Result<(), Obstacle> {
        let Some(stat) = pass.stat(self.index) else { return Ok(()) };
        if !self.any_size {
            replay.reasons.insert(ANY_SIZE.to_owned());
        }
        let turn = self.turn(pass, dumps, stat, state.stat.replace(stat));
        if is_limited(self.scheme) {
            state.charges = self.limited(&turn, &state.charges, replay)?;
            return Ok(());
        }
        match self.memory(&turn, &[]) {
            Ok(memory) => self.unlimited(&turn, &memory, replay),
            Err(obstacle) => passed_over(obstacle, replay),
        }
    }

    fn turn<'t, 'a>(
        &self,
        pass: &'t ApplyPass<'t, 'a>,
        dumps: &'t [Dump<'a>],
        stat: &'a Stat,
        before: Option<&Stat>,
    ) -> Turn<'t, 'a> {
        let actions = pass.actions();
        let own = actions.iter().filter(|(_, event)| event.scheme() == self.index).copied().collect();
        let most = self.scheme.max_nr_snapshots;
        let grown = |count: fn(&Stat) -> u64| count(stat).saturating_sub(before.map_or(0, count));
        Turn {
            pass,
            dumps,
            actions,
            own,
            stat,
            left: (most > 0).then(|| most.saturating_sub(before.map_or(0, |stat| stat.nr_snapshots))),
            exceeds: grown(|stat| stat.qt_exceeds),
            snapshots: grown(|stat| stat.nr_snapshots),
            applied: grown(|stat| stat.sz_applied),
        }
    }

    /// A pass with a quota. Returns the possible charges after it.
    fn limited(
        &self,
        turn: &Turn<'_, '_>,
        before: &[Charge],
        replay: &mut Replay,
    ) -> Result<Vec<Charge>, Obstacle> {
        let mut possible = charge::begun(self.index, turn.pass, before)?;
        let amounts = amounts(&self.scheme.quota, &turn.own, turn.applied)?;
        let resumes: Vec<Place> = possible.iter().filter_map(|charge| charge.resume).collect();
        let memory = match self.memory(turn, &resumes) {
            Ok(memory) => Some(memory),
            Err(obstacle) => {
                passed_over(obstacle, replay)?;
                None
            }
        };
        if let Some(memory) = memory.as_ref().filter(|_| self.any_size) {
            let check =
                |charge: &Charge| self.choice.check(memory, &turn.own, Some((charge, &amounts)), turn.left);
            possible = agreeing(possible, check)?;
            replay.selected += 1;
        }
        let ends = memory.as_ref().filter(|_| self.counts_once).map(Memory::ends);
        let after = |charge: Charge| {
            let after = charge.clone().after(&turn.own, &amounts);
            let snapshots = ends.as_ref().map(|ends| turn.at_most(snapshots(ends, &charge, &after)));
            (after, snapshots)
        };
        Ok(distinct(self.count(turn, possible.into_iter().map(after).collect(), replay)))
    }

    /// A pass without a quota.
    fn unlimited(
        &self,
        turn: &Turn<'_, '_>,
        memory: &Memory<'_>,
        replay: &mut Replay,
    ) -> Result<(), Obstacle> {
        if self.any_size {
            self.choice.check(memory, &turn.own, None, turn.left).map_err(Obstacle::Wrong)?;
            replay.selected += 1;
        }
        let snapshots = self.counts_once.then(|| turn.at_most(memory.ends().len() as u64));
        replay.counted += 1;
        if turn.exceeds != 0 || snapshots.is_some_and(|snapshots| snapshots != turn.snapshots) {
            replay.counters.push(|| self.miscounted(turn, 0, snapshots));
        }
        Ok(())
    }

    /// Compares the counters with those of each charge after the pass. Returns the charges with which they agree; all where
    /// none does.
    fn count(
        &self,
        turn: &Turn<'_, '_>,
        charges: Vec<(Charge, Option<u64>)>,
        replay: &mut Replay,
    ) -> Vec<Charge> {
        let agrees = |(charge, snapshots): &(Charge, Option<u64>)| {
            charge.exceeds == turn.exceeds && snapshots.is_none_or(|snapshots| snapshots == turn.snapshots)
        };
        replay.counted += 1;
        let any = charges.iter().any(agrees);
        if let Some((charge, snapshots)) = charges.first().filter(|_| !any) {
            replay.counters.push(|| self.miscounted(turn, charge.exceeds, *snapshots));
        }
        charges.into_iter().filter(|one| !any || agrees(one)).map(|(charge, _)| charge).collect()
    }

    fn miscounted(&self, turn: &Turn<'_, '_>, exceeds: u64, snapshots: Option<u64>) -> Violation {
        let name = &self.choice.name;
        let snapshots = snapshots.map(|snapshots| format!(" and nr_snapshots by {snapshots}"));
        let expected =
            format!("qt_exceeds of {name} to grow by {exceeds}{} in a pass", snapshots.unwrap_or_default());
        let seen = format!("{} and {}", turn.exceeds, turn.snapshots);
        let line = turn.pass.stats.iter().find(|(_, stat)| std::ptr::eq(*stat, turn.stat));
        Violation::new(expected, seen).at(line.map(|(line, _)| *line))
    }

    /// The memory of a pass: from the aggregation that follows at once, or from a scheme that shows all of it.
    fn memory<'a>(&self, turn: &Turn<'_, 'a>, resumes: &[Place]) -> Result<Memory<'a>, Obstacle> {
        let schemes = &self.context.schemes;
        let shows = |at: &usize| turn.pass.stat(*at).is_some() && is_witness(self.context, &schemes[*at]);
        let shown = match (turn.pass.aggregation, (0..schemes.len()).find(shows)) {
            (Some(nth), _) => of_dump(&turn.dumps[nth]),
            (None, Some(witness)) => of_witness(&turn.actions, witness),
            (None, None) => {
                let reason = "a pass between aggregations, and no stat scheme shows its memory";
                return Err(reason.to_owned().into());
            }
        };
        let has = |target: &u64| shown.iter().any(|region| region.target == *target);
        if !resumes.iter().all(|(target, _)| has(target)) {
            return Err("the target with which the scheme continues has no memory".to_owned().into());
        }
        Memory::new(&shown, &turn.actions, &self.choice.filters, resumes, (self.index, schemes))
    }
}

/// A pass that is not replayed is no obstacle for those that follow.
fn passed_over(obstacle: Obstacle, replay: &mut Replay) -> Result<(), Obstacle> {
    match obstacle {
        Obstacle::Unknown(reason) => {
            replay.reasons.insert(reason);
            Ok(())
        }
        wrong => Err(wrong),
    }
}

/// The charges with which a pass agrees.
///
/// # Errors
/// It agrees with none: what is wrong with the first.
fn agreeing(
    charges: Vec<Charge>,
    check: impl Fn(&Charge) -> Result<(), Violation>,
) -> Result<Vec<Charge>, Obstacle> {
    let mut wrong = None;
    let mut agreeing = Vec::new();
    for charge in charges {
        match check(&charge) {
            Ok(()) => agreeing.push(charge),
            Err(violation) => wrong = wrong.or(Some(violation)),
        }
    }
    match wrong.filter(|_| agreeing.is_empty()) {
        Some(violation) => Err(Obstacle::Wrong(violation)),
        None => Ok(agreeing),
    }
}

/// How many targets' last regions a pass came to with quota left, beyond where it continued
/// (`damon_do_apply_schemes`).
fn snapshots(ends: &[Place], begun: &Charge, after: &Charge) -> u64 {
    if begun.is_full() {
        return 0;
    }
    let stopped = after.resume.filter(|_| after.is_full());
    let is_skipped = |end: &Place| begun.resume.is_some_and(|resume| *end <= resume);
    let is_reached = |end: &Place| stopped.is_none_or(|stopped| *end <= stopped);
    ends.iter().filter(|end| !is_skipped(end) && is_reached(end)).count() as u64
}
