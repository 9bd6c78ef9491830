//! What checks need of the subject of a scenario.

use crate::recording::Line;

/// What the subject of a scenario knows beyond the trace.
pub(crate) trait Subject: Sync {
    /// Whether the event that a scenario names cannot happen on this kernel.
    fn is_missing(&self, event: &str) -> bool;

    /// The names of all properties.
    fn properties(&self) -> &[&str];

    /// A property of an event that is not among its fields, for a `where`: DAMON's `kdamond`. `None` where the
    /// subject has no property of this name.
    fn property(&self, line: &Line, name: &str) -> Option<String>;
}

/// The name without its system.
pub(crate) fn bare(event: &str) -> &str {
    event.split_once(':').map_or(event, |(_, name)| name)
}
