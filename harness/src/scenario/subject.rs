//! What the subject of a scenario adds to its grammar. DAMON is the only subject so far, and this is the one file of the
//! folder that knows it: a second one would be another key beside `damon:`, and another variant of the steps.

use crate::grammar::{At, Checked, Keywords, Scalar};
use crate::subject::damon::config as damon;
use damonlab_protocol::damon::Kdamond;
use damonlab_protocol::inventory::Inventory;
use damonlab_protocol::kernel_feature::KernelFeature;
use damonlab_protocol::plan::Step;
use std::collections::BTreeSet;

/// The shape of the key `damon`.
pub(super) type RawConfig = damon::RawDamon;

/// The shape of the key `introduces`.
pub(super) type RawIntroduces = damon::RawIntroduces;

/// Words that a file introduces.
pub(super) type Introduced = damon::Introduced;

/// What a file may refer to.
pub(super) type Vocabulary<'a> = damon::Vocabulary<'a>;

/// A feature, and where it is needed.
pub(super) type Required = damon::Required;

/// What a scenario needs because it introduces or names it itself.
pub(super) type Needs = damon::Needs;

/// The shape of a step that is about the subject.
pub(super) type RawSubjectStep = damon::RawDamonStep;

/// The subject between two steps.
pub(super) type Session<'a> = damon::Session<'a>;

/// The events whose fields are known.
pub(super) const EVENTS: damon::TypedEvents = damon::EVENTS;

/// The configuration that `raw` means; empty where the scenario is about something else.
pub(super) fn config(raw: &RawConfig, words: &Vocabulary<'_>) -> Checked<Vec<Kdamond>> {
    damon::kdamonds(&raw.kdamonds, words)
}

/// What the kernel must have because the scenario introduces or names it itself.
pub(super) fn required<'a>(
    introduced: &Introduced,
    config: &RawConfig,
    steps: impl Iterator<Item = &'a RawSubjectStep>,
    events: impl Iterator<Item = &'a At<Scalar>>,
) -> Checked<Needs> {
    damon::required(introduced, config, steps, events)
}

/// Whether a file introduces the tracepoint `SYSTEM:EVENT`.
pub(super) fn introduces_event(introduced: &Introduced, event: &str) -> bool {
    introduced.find(damon::WordKind::Tracepoint, event).is_some()
}

/// How a file introduces an event of the subject.
pub(super) fn how_to_introduce_event(name: &str) -> String {
    damon::WordKind::Tracepoint.how(name)
}

/// The tracepoints that a file introduces, as `SYSTEM:EVENT`.
pub(super) fn introduced_events(introduced: &Introduced) -> impl Iterator<Item = &str> {
    introduced.all(damon::WordKind::Tracepoint).map(|word| word.name.as_str())
}

/// The configuration as the document of the program that users have for it, which is damo.
///
/// # Errors
/// What that program's format cannot say.
pub fn export(config: &[Kdamond]) -> Result<serde_json::Value, damon::NotExported> {
    damon::export(config)
}

/// What is noted about the configuration and the steps in `text`.
pub(super) fn notes(raw: &RawConfig, steps: &[&RawSubjectStep], text: &str) -> Vec<String> {
    let mut notes = damon::notes(&raw.kdamonds, text);
    for step in steps {
        notes.extend(damon::step_notes(step, text));
    }
    notes.sort();
    notes.dedup();
    notes.into_iter().map(|(line, note)| format!("line {line}: {note}")).collect()
}

/// What is recorded although no expectation can name it.
pub(super) fn also_recorded(events: &[String], config: &[Kdamond], steps: &[Step]) -> Option<&'static str> {
    damon::also_recorded(events, config, steps)
}

/// The keywords that go with a kind of feature; none where any may.
pub(super) fn keywords_of(kind: &str) -> Option<Vec<&'static str>> {
    damon::keywords_of(kind)
}

/// The words that a kernel's source has for its subjects, `KIND.WORD` each, and [`unknown_words`] knows. `text` is the text of
/// a file of the source.
pub fn source_words(text: impl Fn(&str) -> Option<String>) -> Vec<String> {
    damon::source_words(text)
}

/// What a kernel shows of its subjects that damonlab does not know, named like features.
pub fn unknown_shown(inventory: &Inventory) -> BTreeSet<String> {
    damon::unknown_shown(inventory)
}

/// Those of the words of a kernel's source that damonlab does not know.
pub fn unknown_words(words: &[String]) -> BTreeSet<String> {
    damon::unknown_words(words)
}

/// The words that the subject's keys take.
pub(super) fn schema_keywords() -> Vec<Keywords> {
    damon::schema_keywords()
}

/// What else the lists of the subject's words refuse: a `DEFINITION` or `DEFINITION.KEY`, and what its schema has besides.
pub(super) fn schema_limits() -> Vec<(&'static str, serde_json::Value)> {
    damon::schema_limits()
}

/// The oldest series that is known to have `feature`, if each kernel of `series` has it too.
pub(crate) fn known_since(feature: &KernelFeature, series: damon::Series) -> Option<damon::Series> {
    damon::known_since(feature, series)
}

/// All that a scenario may need of a kernel, and that has a name of its own.
pub fn all_needs() -> Vec<KernelFeature> {
    damon::all_features()
}
