//! DAMON's events by type: what a rule iterates over instead of matching lines by hand.

use super::view::KdamondRun;
use crate::trace::Line;
pub(crate) use crate::trace::{
    Aggregated, BeforeApply, Esz, IntervalsTune, NodeEligible, RegionAggregated, Stat, TypedEvent,
};

/// An event that names a scheme.
pub(crate) trait SchemeEvent: TypedEvent {
    /// The scheme's index.
    fn scheme(&self) -> usize;
}

macro_rules! scheme_events {
    ($($event:ty),+) => {
        $(impl SchemeEvent for $event {
            fn scheme(&self) -> usize {
                self.scheme_idx as usize
            }
        })+
    };
}

scheme_events!(NodeEligible, Esz, BeforeApply, Stat);

impl<'a> KdamondRun<'a> {
    /// All events of one type, each with its line.
    pub(crate) fn events<E: TypedEvent>(&self) -> impl DoubleEndedIterator<Item = (&'a Line, &'a E)> {
        self.lines.iter().filter_map(|line| Some((*line, E::of(&line.event)?)))
    }

    /// The events of one type that name a scheme.
    pub(crate) fn scheme_events<E: SchemeEvent>(
        &self,
        scheme: usize,
    ) -> impl DoubleEndedIterator<Item = (&'a Line, &'a E)> {
        self.events::<E>().filter(move |(_, event)| event.scheme() == scheme)
    }
}
