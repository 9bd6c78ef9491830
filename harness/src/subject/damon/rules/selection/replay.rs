//! Replays the passes of one scheme: what each had to act on, what it charged, and which counters had to grow.

use super::super::filters::CoreFilters;
use super::super::once_a_pass::a_later_scheme_splits;
use super::super::witness::is_witness;
use super::charge::{self, Charge, amounts, distinct};
use super::choice::Choice;
use super::memory::{Action, Memory, Obstacle, Place, of_dump, of_witness};
use super::passes::{ApplyPass, Passes, passes};
use super::priority::Priority;
use crate::check::log::splats::version;
use crate::subject::damon::events::{Esz, SchemeEvent, Stat};
use crate::subject::damon::rule::{Reason, Violation, Violations};
use crate::subject::damon::view::{KdamondRun, PAGE, View, is_limited, need_known_action};
use damonlab_protocol::damon::{Pid, Scheme};
use damonlab_protocol::plan::Step;
use std::collections::BTreeSet;

/// The first series with the arithmetic that is replayed: before it, the access counts of a pass are others
/// (`nr_accesses_bp`).
const FIRST: (u32, u32) = (7, 3);

/// Why actions of a scheme are not compared whose pattern depends on how memory is divided into regions.
const ANY_SIZE: &str = "the pattern limits sizes, and the trace does not show the regions before a pass";

/// What a replay of one scheme shows.
#[derive(Default)]
pub(crate) struct Replay {
    /// In so many passes the actions are compared with what had to be selected.
    pub(crate) selected: u64,
    pub(crate) selection: Violations,
    /// In so many passes the counters are compared.
    pub(crate) counted: u64,
    pub(crate) counters: Violations,
    /// Why other passes are not replayed.
    pub(crate) reasons: BTreeSet<Reason>,
}

/// Replays a scheme from the start of its kdamond.
///
/// # Errors
/// No pass can be replayed.
pub(crate) fn replay(
    view: &View<'_>,
    run: &KdamondRun<'_>,
    index: usize,
    scheme: &Scheme,
) -> Result<Replay, Reason> {
    need_known_configuration(view, run, scheme)?;
    let filters = CoreFilters::new(view, scheme).ok_or("what a core filter matches is not known")?;
    let context = &run.config.context;
    let priority = Priority::new(context, scheme).ok_or("the operations set is not known")?;
    let name = run.scheme_name(index);
    let replayer = Replayer {
        run,
        index,
        scheme,
        passes: passes(view, run)?,
        choice: Choice { scheme, filters: &filters, priority: &priority, name: &name },
        any_size: scheme.sz.min <= PAGE && scheme.sz.max >= u64::MAX / 2,
        counts_once: !a_later_scheme_splits(context, index),
    };
    Ok(replayer.run())
}

/// An error where the kernel computes otherwise, or where the trace lacks what it computes with.
fn need_known_configuration(view: &View<'_>, run: &KdamondRun<'_>, scheme: &Scheme) -> Result<(), Reason> {
    if version(&view.recording.report.kernel).is_none_or(|series| series < FIRST) {
        return Err("before Linux 7.3 a pass has other access counts".to_owned());
    }
    run.need_bytes()?;
    need_known_action(scheme)?;
    if is_limited(scheme) {
        view.need(&[Esz::NAME])?;
    }
    if scheme.max_nr_snapshots != 0 {
        return Err("the scheme stops after max_nr_snapshots".to_owned());
    }
    let ends = |pid: &Pid| !matches!(pid, Pid::Workload(_));
    if run.config.context.targets.iter().any(|target| target.pid.as_ref().is_some_and(ends)) {
        return Err("the process of a target may have ended".to_owned());
    }
    let writes = |step: &Step| match step {
        Step::Write { file, refused: None, .. } => !file.starts_with('/') && !file.starts_with("module/"),
        Step::HostCommand { .. } => true,
        _ => false,
    };
    if !run.config.sysfs.is_empty() || view.recording.plan.steps.iter().any(writes) {
        return Err("the scenario writes to files of DAMON's itself".to_owned());
    }
    Ok(())
}

/// The replay of one scheme.
struct Replayer<'a, 'r> {
    run: &'a KdamondRun<'r>,
    index: usize,
    scheme: &'a Scheme,
    passes: Passes<'r>,
    choice: Choice<'a>,
    /// The pattern does not depend on how memory is divided into regions.
    any_size: bool,
    /// No later scheme makes a last region come twice.
    counts_once: bool,
}

/// A pass of the scheme, and what led to it.
struct Turn<'a, 'r> {
    pass: &'a ApplyPass<'r>,
    actions: Vec<Action<'r>>,
    /// Those of the scheme.
    own: Vec<Action<'r>>,
    stat: &'r Stat,
    /// By how much the counters grew.
    exceeds: u64,
    snapshots: u64,
    applied: u64,
}

impl<'r> Replayer<'_, 'r> {
    fn run(&self) -> Replay {
        let mut replay = Replay::default();
        if !self.any_size {
            replay.reasons.insert(ANY_SIZE.to_owned());
        }
        let mut charges: Vec<Charge> = Vec::new();
        let mut before: Option<&Stat> = None;
        for pass in &self.passes.passes {
            let Some(stat) = pass.stat(self.index) else { continue };
            let turn = self.turn(pass, stat, before.replace(stat));
            match self.step(&turn, charges, &mut replay) {
                Ok(after) => charges = after,
                Err(Obstacle::Unknown(reason)) => {
                    replay.reasons.insert(reason);
                    break;
                }
                Err(Obstacle::Wrong(violation)) => {
                    replay.selection.push(|| violation);
                    break;
                }
            }
        }
        replay
    }

    fn turn<'a>(&self, pass: &'a ApplyPass<'r>, stat: &'r Stat, before: Option<&Stat>) -> Turn<'a, 'r> {
        let actions = pass.actions(self.run);
        let own = actions.iter().filter(|(_, event)| event.scheme() == self.index).copied().collect();
        let grown = |count: fn(&Stat) -> u64| count(stat).saturating_sub(before.map_or(0, count));
        Turn {
            pass,
            actions,
            own,
            stat,
            exceeds: grown(|stat| stat.qt_exceeds),
            snapshots: grown(|stat| stat.nr_snapshots),
            applied: grown(|stat| stat.sz_applied),
        }
    }

    /// One pass. Returns the charges after it; an obstacle is one for all passes that follow.
    fn step(
        &self,
        turn: &Turn<'_, 'r>,
        before: Vec<Charge>,
        replay: &mut Replay,
    ) -> Result<Vec<Charge>, Obstacle> {
        if !is_limited(self.scheme) {
            match self.memory(turn, &[]) {
                Ok(memory) => self.unlimited(turn, &memory, replay)?,
                Err(obstacle) => passed_over(obstacle, replay)?,
            }
            return Ok(Vec::new());
        }
        let begun = charge::begun(self.run, self.index, turn.pass, &before)?;
        let amounts = amounts(&self.scheme.quota, &turn.own, turn.applied)?;
        let resumes: Vec<Place> = begun.iter().filter_map(|charge| charge.resume).collect();
        let memory = match self.memory(turn, &resumes) {
            Ok(memory) => Some(memory),
            Err(obstacle) => {
                passed_over(obstacle, replay)?;
                None
            }
        };
        let mut possible = begun;
        if let Some(memory) = memory.as_ref().filter(|_| self.any_size) {
            let check = |charge: &Charge| self.choice.check(memory, &turn.own, Some((charge, &amounts)));
            possible = agreeing(possible, check)?;
            replay.selected += 1;
        }
        let after: Vec<(Charge, Charge)> =
            possible.into_iter().map(|charge| (charge.clone(), charge.after(&turn.own, &amounts))).collect();
        Ok(distinct(self.count(turn, memory.as_ref(), after, replay)))
    }

    fn unlimited(
        &self,
        turn: &Turn<'_, 'r>,
        memory: &Memory<'_>,
        replay: &mut Replay,
    ) -> Result<(), Obstacle> {
        if self.any_size {
            self.choice.check(memory, &turn.own, None).map_err(Obstacle::Wrong)?;
            replay.selected += 1;
        }
        let snapshots = memory.ends().len() as u64;
        replay.counted += 1;
        if turn.exceeds != 0 || (self.counts_once && turn.snapshots != snapshots) {
            replay.counters.push(|| self.miscounted(turn, 0, self.counts_once.then_some(snapshots)));
        }
        Ok(())
    }

    /// Compares the counters. Returns the charges after the pass with which they agree; all where none does.
    fn count(
        &self,
        turn: &Turn<'_, 'r>,
        memory: Option<&Memory<'_>>,
        charges: Vec<(Charge, Charge)>,
        replay: &mut Replay,
    ) -> Vec<Charge> {
        let ends = memory.filter(|_| self.counts_once).map(Memory::ends);
        let snapshots =
            |(begun, after): &(Charge, Charge)| ends.as_ref().map(|ends| snapshots(ends, begun, after));
        let agrees = |charges: &(Charge, Charge)| {
            charges.0.exceeds == turn.exceeds
                && snapshots(charges).is_none_or(|snapshots| snapshots == turn.snapshots)
        };
        replay.counted += 1;
        if !charges.iter().any(agrees)
            && let Some(first) = charges.first()
        {
            replay.counters.push(|| self.miscounted(turn, first.0.exceeds, snapshots(first)));
            return charges.into_iter().map(|(_, after)| after).collect();
        }
        charges.into_iter().filter(agrees).map(|(_, after)| after).collect()
    }

    fn miscounted(&self, turn: &Turn<'_, 'r>, exceeds: u64, snapshots: Option<u64>) -> Violation {
        let name = self.choice.name;
        let snapshots = snapshots.map(|snapshots| format!(" and nr_snapshots by {snapshots}"));
        let expected =
            format!("qt_exceeds of {name} to grow by {exceeds}{} in a pass", snapshots.unwrap_or_default());
        let seen = format!("{} and {}", turn.exceeds, turn.snapshots);
        let line = turn.pass.stats.iter().find(|(_, stat)| std::ptr::eq(*stat, turn.stat));
        Violation::new(expected, seen).at(line.map(|(line, _)| *line))
    }

    /// The memory of a pass: from the aggregation that follows at once, or from a scheme that shows all of it.
    fn memory(&self, turn: &Turn<'_, 'r>, resumes: &[Place]) -> Result<Memory<'r>, Obstacle> {
        let context = &self.run.config.context;
        let shows = |at: &usize| turn.pass.stat(*at).is_some() && is_witness(context, &context.schemes[*at]);
        let shown = match (turn.pass.aggregation, (0..context.schemes.len()).find(shows)) {
            (Some(nth), _) => of_dump(&self.passes.dumps[nth]),
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
        Memory::new(&shown, &turn.actions, self.choice.filters, resumes, (self.index, &context.schemes))
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
