//! Which part of a recording an expectation is about: all of it, or one of the plan's runs.

use crate::recording::Recording;
use damonlab_protocol::plan::Step;
use damonlab_protocol::record::Sample;
use damonlab_protocol::units::Nanos;

/// A part of guest time, ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    begin: Nanos,
    end: Nanos,
}

/// The samples of a span, with the one before it: what it began with.
#[derive(Clone, Copy)]
pub(super) struct Samples<'a> {
    all: &'a [Sample],
    from: usize,
}

impl Span {
    /// That of a run, counted from 0; of everything where none is named.
    pub(super) fn of(recording: &Recording, during: Option<usize>) -> Result<Span, String> {
        let Some(nth) = during else { return Ok(Span { begin: Nanos(0), end: Nanos(u64::MAX) }) };
        let steps = recording.plan.steps.iter().zip(&recording.report.steps);
        let mut runs = steps.filter(|(step, _)| matches!(step, Step::Run { .. }));
        match runs.nth(nth) {
            Some((_, outcome)) => Ok(Span { begin: outcome.begin, end: outcome.end }),
            None => Err(format!("run {} was not reached", nth + 1)),
        }
    }

    /// Whether a moment lies in it.
    pub(super) fn has(&self, time: Nanos) -> bool {
        (self.begin..=self.end).contains(&time)
    }

    /// Its samples.
    pub(super) fn samples<'a>(&self, recording: &'a Recording) -> Samples<'a> {
        let samples: &'a [Sample] = &recording.samples;
        let end = samples.iter().take_while(|sample| sample.time <= self.end).count();
        let before = samples.iter().take_while(|sample| sample.time <= self.begin).count();
        let from = before.saturating_sub(1).min(end);
        Samples { all: &samples[from..end], from }
    }
}

impl<'a> Samples<'a> {
    pub(super) fn first(&self) -> Option<&'a Sample> {
        self.all.first()
    }

    pub(super) fn last(&self) -> Option<&'a Sample> {
        self.all.last()
    }

    /// The numbers of the first and the last one in the recording's file, from 1.
    pub(super) fn numbers(&self) -> (u32, u32) {
        let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        (number(self.from + 1), number(self.from + self.all.len()))
    }
}
