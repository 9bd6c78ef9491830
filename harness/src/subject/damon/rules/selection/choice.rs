//! Which memory a pass selects, compared with that on which it acted.

use super::charge::Charge;
use super::memory::{Action, Memory, Piece, Place};
use super::priority::{MOST, Priority, matches};
use crate::subject::damon::rule::Violation;
use crate::subject::damon::rules::filters::CoreFilters;
use damonlab_protocol::damon::Scheme;

/// What decides about memory.
pub(super) struct Choice<'a> {
    pub(super) scheme: &'a Scheme,
    pub(super) filters: CoreFilters<'a>,
    pub(super) priority: Priority,
    /// For messages.
    pub(super) name: String,
}

/// The bounds of a pass.
struct Bounds {
    /// The priority that memory needs.
    least: Option<i32>,
    /// What comes before is skipped.
    resume: Option<Place>,
    /// What comes from here on is skipped, because the scheme has made all of its snapshots.
    end: Option<Place>,
}

impl Choice<'_> {
    /// Compares the memory of a pass with the actions in it. `charge` is that of the quota when the pass began, if there is
    /// one, and `amounts` has what was charged for each action. The scheme may make so many `snapshots`.
    pub(super) fn check(
        &self,
        memory: &Memory<'_>,
        actions: &[Action<'_>],
        charge: Option<(&Charge, &[u64])>,
        snapshots: Option<u64>,
    ) -> Result<(), Violation> {
        let resume = charge.and_then(|(charge, _)| charge.resume);
        let bounds = Bounds {
            least: charge.map(|(charge, _)| self.least_priority(memory, charge.esz)),
            resume,
            end: snapshots.and_then(|snapshots| memory.end_of_snapshots(resume, snapshots)),
        };
        let mut left_out: Option<&Piece<'_>> = None;
        for piece in &memory.pieces {
            let reason = self.rejection(piece, &bounds);
            match (piece.action, reason) {
                (Some(action), Some(reason)) => return Err(self.unselected(piece, action, &reason)),
                (Some(action), None) => {
                    if let Some(left_out) = left_out {
                        return Err(self.skipped(left_out, Some(action)));
                    }
                }
                (None, None) => left_out = left_out.or(Some(piece)),
                (None, Some(_)) => {}
            }
        }
        let full = charge.map(|(charge, amounts)| self.spend(charge, actions, amounts)).transpose()?;
        match left_out.filter(|_| !full.unwrap_or(false)) {
            Some(left_out) => Err(self.skipped(left_out, None)),
            None => Ok(()),
        }
    }

    /// The priority that memory needs: that with which the quota is reached, from the highest on (`damos_adjust_quota`).
    fn least_priority(&self, memory: &Memory<'_>, esz: u64) -> i32 {
        let mut bytes = [0u64; MOST as usize + 1];
        for piece in memory.pieces.iter().filter(|piece| self.is_eligible(piece, piece.age)) {
            let score = usize::try_from(self.priority.of(piece.accesses, piece.age)).unwrap_or_default();
            bytes[score] = bytes[score].saturating_add(piece.size());
        }
        let highest = bytes.iter().rposition(|bytes| *bytes > 0).unwrap_or_default();
        let mut sum = 0u64;
        for score in (1..=highest).rev() {
            sum = sum.saturating_add(bytes[score]);
            if sum >= esz {
                return score as i32;
            }
        }
        0
    }

    /// Whether the pattern and the core filters allow memory of this age.
    fn is_eligible(&self, piece: &Piece<'_>, age: u32) -> bool {
        matches(self.scheme, piece.accesses, age) && self.filters.allows(piece.target, piece.start, piece.end)
    }

    /// Why the scheme must not act on a piece when the walk comes to it; none if it must, as long as there is quota left.
    fn rejection(&self, piece: &Piece<'_>, bounds: &Bounds) -> Option<String> {
        let age = piece.age_at_visit();
        if let Some((target, from)) = bounds.resume.filter(|resume| (piece.target, piece.end) <= *resume) {
            return Some(format!("before {from} in target {target}, where the last quota was used up"));
        }
        if bounds.end.is_some_and(|end| end <= piece.place()) {
            return Some("after max_nr_snapshots".to_owned());
        }
        if !self.is_eligible(piece, age) {
            return Some("which its pattern or its core filters exclude".to_owned());
        }
        let priority = self.priority.of(piece.accesses, age);
        let least = bounds.least.filter(|least| priority < *least)?;
        Some(format!("with a priority of {priority}, where the quota is for {least} and more"))
    }

    /// Charges the actions, and says whether the quota is full after them.
    fn spend(&self, charge: &Charge, actions: &[Action<'_>], amounts: &[u64]) -> Result<bool, Violation> {
        let mut charge = charge.clone();
        for ((line, event), amount) in actions.iter().zip(amounts) {
            let left = charge.esz.saturating_sub(charge.charged);
            let size = event.end.saturating_sub(event.start);
            if size > left {
                let expected = format!("{} to act on the {left} bytes that are left of its quota", self.name);
                return Err(Violation::new(expected, format!("{size} bytes")).at([*line]));
            }
            charge.charged = charge.charged.saturating_add(*amount);
        }
        Ok(charge.is_full())
    }

    fn unselected(&self, piece: &Piece<'_>, action: Action<'_>, reason: &str) -> Violation {
        let expected = format!("{} to act on what it selects", self.name);
        let seen = format!("an action on {}-{}, {reason}", piece.start, piece.end);
        Violation::new(expected, seen).at(lines(piece, Some(action)))
    }

    fn skipped(&self, piece: &Piece<'_>, next: Option<Action<'_>>) -> Violation {
        let (start, end) = (piece.start, piece.end);
        let expected = format!(
            "{} to act on {start}-{end} of target {} ({} accesses, age {})",
            self.name,
            piece.target,
            piece.accesses,
            piece.age_at_visit()
        );
        let seen = match next {
            Some(_) => "an action on memory after it instead",
            None => "none, with quota left",
        };
        Violation::new(expected, seen).at(lines(piece, next))
    }
}

fn lines<'a>(piece: &Piece<'a>, action: Option<Action<'a>>) -> Vec<&'a crate::recording::Line> {
    [piece.line].into_iter().chain(action.map(|(line, _)| line)).collect()
}
