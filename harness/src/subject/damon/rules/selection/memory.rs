//! The memory of one pass as the kernel saw it: pieces with their accesses and their age.
//!
//! At the end of an aggregation the kernel prints every region after schemes were applied: the accesses are those of the
//! pass, and so is the age, but for memory on which a scheme acted, which `damos_before_apply` shows with the age before.
//! Between two aggregations only a `stat` scheme that acts on all memory shows it.

use super::super::dumps::Dump;
use super::super::filters::CoreFilters;
use crate::subject::damon::events::{Aggregated, BeforeApply};
use crate::subject::damon::rule::{Line, Reason, Violation};
use damonlab_protocol::damon::Scheme;
use std::collections::BTreeSet;

/// The most actions of a pass that is replayed: a small quota in front of a filter makes hundreds of thousands
/// (docs/findings.md).
const MOST_ACTIONS: usize = 4096;

/// An address in a target.
pub(super) type Place = (u64, u64);

/// An action with its line.
pub(super) type Action<'a> = (&'a Line, &'a BeforeApply);

/// Memory that no border divides.
pub(super) struct Piece<'a> {
    pub(super) target: u64,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) accesses: u32,
    /// The line that shows the accesses.
    pub(super) line: &'a Line,
    /// The age when the pass began.
    pub(super) age: u32,
    /// The action of the scheme in question.
    pub(super) action: Option<Action<'a>>,
    /// Whether a scheme before it acted first, and reset the age.
    pub(super) is_reset: bool,
    /// The last scheme whose action reset the age, and whether any scheme acted.
    reset_by: Option<usize>,
    is_shown: bool,
}

impl Piece<'_> {
    pub(super) fn size(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    pub(super) fn place(&self) -> Place {
        (self.target, self.start)
    }

    /// The age when the walk came to it.
    pub(super) fn age_at_visit(&self) -> u32 {
        if self.is_reset { 0 } else { self.age }
    }
}

/// A region as the trace shows it.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) line: &'a Line,
    pub(super) target: u64,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) accesses: u32,
    pub(super) age: u32,
}

/// The regions of an aggregation.
pub(super) fn of_dump<'a>(dump: &Dump<'a>) -> Vec<Shown<'a>> {
    let shown = |&(line, region): &(&'a Line, &'a Aggregated)| Shown {
        line,
        target: region.target_id,
        start: region.start,
        end: region.end,
        accesses: region.nr_accesses,
        age: region.age,
    };
    dump.regions().map(shown).collect()
}

/// The regions on which a scheme acted that acts on all; of what was split off and came again, the first.
pub(super) fn of_witness<'a>(actions: &[Action<'a>], witness: usize) -> Vec<Shown<'a>> {
    let mut shown: Vec<Shown<'a>> = Vec::new();
    for &(line, event) in actions.iter().filter(|(_, event)| event.scheme_idx as usize == witness) {
        let reached = shown.last().map(|last| (last.target, last.end));
        if reached.is_none_or(|reached| reached <= (event.target_idx, event.start)) {
            shown.push(Shown {
                line,
                target: event.target_idx,
                start: event.start,
                end: event.end,
                accesses: event.nr_accesses,
                age: event.age,
            });
        }
    }
    shown
}

/// Why a pass cannot be replayed, or what is wrong with it.
pub(super) enum Obstacle {
    Unknown(Reason),
    Wrong(Violation),
}

impl From<Reason> for Obstacle {
    fn from(reason: Reason) -> Obstacle {
        Obstacle::Unknown(reason)
    }
}

/// The memory of a pass for one scheme.
pub(super) struct Memory<'a> {
    /// Upwards and disjoint.
    pub(super) pieces: Vec<Piece<'a>>,
}

impl<'a> Memory<'a> {
    /// The pieces between all borders: of regions, actions, filters and of the place where the scheme continues.
    ///
    /// # Errors
    /// The regions are not sorted, or an action is on other memory, or on memory that came twice.
    pub(super) fn new(
        shown: &[Shown<'a>],
        actions: &[Action<'a>],
        filters: &CoreFilters<'_>,
        resume: &[Place],
        (index, schemes): (usize, &[Scheme]),
    ) -> Result<Memory<'a>, Obstacle> {
        let sorted =
            shown.windows(2).all(|pair| (pair[0].target, pair[0].end) <= (pair[1].target, pair[1].start));
        if !sorted || shown.is_empty() {
            return Err("the regions of a pass are not there, or not sorted (see R1)".to_owned().into());
        }
        if actions.len() > MOST_ACTIONS {
            return Err(format!("a pass with more than {MOST_ACTIONS} actions is not replayed").into());
        }
        let cuts = cuts(shown, actions, filters, resume);
        let pieces = shown.iter().flat_map(|region| divided(region, &cuts)).collect();
        let mut memory = Memory { pieces };
        for action in actions {
            memory.act(*action, index, schemes)?;
        }
        Ok(memory)
    }

    /// The pieces of an action, which must have all of it.
    fn pieces_of(&mut self, event: &BeforeApply) -> Option<&mut [Piece<'a>]> {
        let from = self.pieces.partition_point(|piece| piece.place() < (event.target_idx, event.start));
        let mut end = event.start;
        let own = self.pieces[from..].iter().take_while(|piece| {
            let continues = piece.place() == (event.target_idx, end) && piece.end <= event.end;
            end = if continues { piece.end } else { end };
            continues
        });
        let count = own.count();
        (end == event.end).then(|| &mut self.pieces[from..from + count])
    }

    /// Notes an action on its memory.
    fn act(&mut self, action: Action<'a>, index: usize, schemes: &[Scheme]) -> Result<(), Obstacle> {
        let (line, event) = action;
        let scheme = event.scheme_idx as usize;
        let resets = schemes.get(scheme).is_none_or(|scheme| scheme.action != "stat");
        let pieces = self.pieces_of(event);
        let pieces =
            pieces.ok_or_else(|| "an action is on memory that no region shows (see R2)".to_owned())?;
        for piece in pieces {
            if piece.accesses != event.nr_accesses {
                let expected = format!("nr_accesses {} of the same memory in this pass", piece.accesses);
                let seen = event.nr_accesses.to_string();
                return Err(Obstacle::Wrong(Violation::new(expected, seen).at([piece.line, line])));
            }
            let counts = scheme == index || (resets && scheme < index);
            let twice = scheme == index && piece.action.is_some();
            if twice || (counts && piece.reset_by.is_some_and(|last| last >= scheme)) {
                return Err("a rest of a region came again (see A7)".to_owned().into());
            }
            if !piece.is_shown {
                (piece.is_shown, piece.age) = (true, event.age);
            }
            if scheme == index {
                piece.action = Some(action);
            }
            if resets {
                piece.is_reset |= scheme < index;
                piece.reset_by = piece.reset_by.max(Some(scheme));
            }
        }
        Ok(())
    }

    /// Where a scheme has made so many snapshots: at the end of a target, or before all memory. None where it goes on. Targets
    /// before the place where it continues are skipped, and make none.
    pub(super) fn end_of_snapshots(&self, resume: Option<Place>, snapshots: u64) -> Option<Place> {
        let Some(last) = snapshots.checked_sub(1) else { return Some((0, 0)) };
        let mut ends = self.ends().into_iter().filter(|end| resume.is_none_or(|resume| resume < *end));
        ends.nth(usize::try_from(last).ok()?)
    }

    /// The end of the last region of each target.
    pub(super) fn ends(&self) -> Vec<Place> {
        let by_target = self.pieces.chunk_by(|one, next| one.target == next.target);
        by_target.filter_map(|pieces| pieces.last()).map(|last| (last.target, last.end)).collect()
    }
}

/// Every place at which memory may have to be divided.
fn cuts(
    shown: &[Shown<'_>],
    actions: &[Action<'_>],
    filters: &CoreFilters<'_>,
    resume: &[Place],
) -> BTreeSet<Place> {
    let mut cuts: BTreeSet<Place> = resume.iter().copied().collect();
    for (_, event) in actions {
        cuts.extend([(event.target_idx, event.start), (event.target_idx, event.end)]);
    }
    let targets: BTreeSet<u64> = shown.iter().map(|region| region.target).collect();
    for border in filters.borders() {
        cuts.extend(targets.iter().map(|target| (*target, border)));
    }
    cuts
}

fn divided<'a>(region: &Shown<'a>, cuts: &BTreeSet<Place>) -> Vec<Piece<'a>> {
    let inside =
        cuts.range((region.target, region.start + 1)..(region.target, region.end.max(region.start + 1)));
    let ends = inside.map(|(_, at)| *at).chain([region.end]);
    let piece = |start: &mut u64, end: u64| {
        let start = std::mem::replace(start, end);
        Some(Piece {
            target: region.target,
            start,
            end,
            accesses: region.accesses,
            line: region.line,
            age: region.age,
            action: None,
            is_reset: false,
            reset_by: None,
            is_shown: false,
        })
    };
    ends.scan(region.start, piece).collect()
}
