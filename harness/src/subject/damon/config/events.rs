//! DAMON's events as a scenario names them: which are recorded without being named, and which fields they have.

use crate::subject::damon::events::{Event, MIGRATIONS, TRACED_METRICS};
use crate::trace::{EventSet, EventShape};
use damonlab_protocol::damon::Kdamond;
use damonlab_protocol::plan::Step;

/// The events of a system whose fields are known here.
pub(crate) struct TypedEvents {
    /// The system's name in tracefs.
    pub(crate) system: &'static str,
    /// All of them, as a pattern of `trace.events`.
    pub(crate) all: &'static str,
    /// How their names begin.
    pub(crate) prefixes: &'static [&'static str],
    /// Their names.
    pub(crate) names: &'static [&'static str],
    /// The fields of each.
    pub(crate) fields: &'static [(&'static str, &'static [&'static str])],
    /// The same with the types of the fields.
    pub(crate) shapes: &'static [EventShape],
    /// A field that is no number and has no mean.
    pub(crate) bytes: &'static str,
    /// In a `where`, the thread that emitted the event; no field of the tracepoint.
    pub(crate) emitter: &'static str,
    /// Events of which there is one a charge window and goal.
    pub(crate) once_a_window: &'static [(&'static str, &'static str)],
}

/// DAMON's.
pub(crate) const EVENTS: TypedEvents = TypedEvents {
    system: "damon",
    all: "damon:*",
    prefixes: &["damon_", "damos_"],
    names: Event::KNOWN,
    fields: Event::FIELDS,
    shapes: <Event as EventSet>::SHAPES,
    bytes: "probe_hits",
    emitter: "kdamond",
    once_a_window: TRACED_METRICS,
};

/// What is recorded although no expectation can name it: where a scheme migrates, what the migration core reports is
/// compared with what DAMON reports.
pub(crate) fn also_recorded(events: &[String], kdamonds: &[Kdamond], steps: &[Step]) -> Option<&'static str> {
    let committed = steps.iter().flat_map(Step::parts).flat_map(|step| match step {
        Step::Commit { kdamonds, .. } => kdamonds.as_slice(),
        _ => &[],
    });
    let mut schemes = kdamonds.iter().chain(committed).flat_map(|kdamond| &kdamond.context.schemes);
    let recorded = events.iter().any(|event| event == MIGRATIONS || event == "migrate:*");
    (!recorded && schemes.any(|scheme| scheme.action.starts_with("migrate_"))).then_some(MIGRATIONS)
}
