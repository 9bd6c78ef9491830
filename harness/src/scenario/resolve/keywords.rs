//! The words that keys of a scenario take, for its JSON Schema. What checks a key has its list.

use super::boot::OWNED;
use super::choices::SNAPSHOTS;
use super::expect::SEEDS;
use super::machine::ACROSS;
use super::rules::{STEPS, TAKEN};
use super::workload::ACCESSES;
use crate::grammar::{ERRNOS, Keywords};
use crate::scenario::GuestClock;
use serde_json::{Value, json};

/// The keys that are not about the subject.
pub(in crate::scenario) fn keywords() -> Vec<Keywords> {
    vec![
        Keywords::only("Scenario", "clock", GuestClock::NAMES),
        Keywords::only("Scenario", "snapshot", SNAPSHOTS),
        Keywords::only("Touch", "access", ACCESSES),
        Keywords::only("Window", "across", ACROSS),
        Keywords::only("Expectation", "over", &[SEEDS]),
        Keywords::only("Rule", "unchanged_by", STEPS),
        Keywords::none_of("Rule", "name", &TAKEN.lines().collect::<Vec<_>>()),
        Keywords::only("Write", "refused", ERRNOS),
    ]
}

/// What else the lists of the checks refuse: the `DEFINITION.KEY`, and what its schema has besides.
pub(in crate::scenario) fn limits() -> Vec<(&'static str, Value)> {
    // To the kernel '-' and '_' are the same.
    let owned = OWNED.join("|").replace('_', "[-_]");
    let owned = json!({"pattern": format!("^({owned})(=|$)")});
    vec![("Boot.parameters", json!({"allOf": [{"items": {"not": owned}}]}))]
}
