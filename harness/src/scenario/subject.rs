//! What the subject of a scenario adds to its grammar. DAMON is the only subject so far, and this is the one file of the
//! folder that knows it: a second one would be another key beside `damon:`, and another variant of the steps.

use crate::grammar::{Checked, Names};
use crate::subject::damon::config as damon;
use damonlab_protocol::damon::Kdamond;
use damonlab_protocol::kernel_feature::KernelFeature;
use damonlab_protocol::plan::Step;

/// The shape of the key `damon`.
pub(super) type RawConfig = damon::RawDamon;

/// The shape of a step that is about the subject.
pub(super) type RawSubjectStep = damon::RawDamonStep;

/// The subject between two steps.
pub(super) type Session<'a> = damon::Session<'a>;

/// The events whose fields are known.
pub(super) const EVENTS: damon::TypedEvents = damon::EVENTS;

/// The configuration that `raw` means; empty where the scenario is about something else.
pub(super) fn config(raw: &RawConfig, names: &Names) -> Checked<Vec<Kdamond>> {
    damon::kdamonds(&raw.kdamonds, names)
}

/// What is recorded although no expectation can name it.
pub(super) fn also_recorded(events: &[String], config: &[Kdamond], steps: &[Step]) -> Option<&'static str> {
    damon::also_recorded(events, config, steps)
}

/// The keywords that go with a kind of feature; none where any may.
pub(super) fn keywords_of(kind: &str) -> Option<Vec<&'static str>> {
    damon::keywords_of(kind)
}

/// All that a scenario may need of a kernel, and that has a name of its own.
pub fn all_needs() -> Vec<KernelFeature> {
    damon::all_features()
}
