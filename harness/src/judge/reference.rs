//! What earlier runs showed of the rules, stored beside this file: which scenarios apply a rule, and what a violation
//! of it looks like.
//!
//! The tests of the scenarios write `applied.json`, the tests with recordings that must be rejected `violations.json`;
//! `DAMONLAB_BLESS=1` writes them anew.

use crate::check::Finding;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The ids of rules, each with the scenarios to which it applies.
pub type Applied = BTreeMap<String, BTreeSet<String>>;

/// The ids of rules and ends of runs, each with an example.
pub(crate) type Examples = BTreeMap<String, Example>;

/// A violation from a recording that a test tampered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// What a correct kernel does.
    pub expected: String,
    /// What the recording shows.
    pub seen: String,
    /// The first lines that show it, with file and number.
    pub evidence: Vec<String>,
}

/// How many lines of evidence an example has.
const SHOWN: usize = 2;

impl From<&Finding> for Example {
    fn from(finding: &Finding) -> Example {
        let evidence = finding.evidence.iter().take(SHOWN).map(ToString::to_string).collect();
        Example { expected: finding.expected.clone(), seen: finding.seen.clone(), evidence }
    }
}

/// The scenarios to which the rule `id` applies.
pub(super) fn scenarios(id: &str) -> Vec<String> {
    applied().remove(id).unwrap_or_default().into_iter().collect()
}

/// Which scenarios apply each rule, as it is stored. A file that cannot be read counts as an empty one; a test reads it.
pub(super) fn applied() -> Applied {
    serde_json::from_str(include_str!("applied.json")).unwrap_or_default()
}

/// A violation of the rule `id`.
pub(super) fn example(id: &str) -> Option<Example> {
    examples().remove(id)
}

/// All examples, as they are stored.
pub(crate) fn examples() -> Examples {
    serde_json::from_str(include_str!("violations.json")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge;

    #[test]
    fn what_is_stored_is_about_rules_and_scenarios_that_exist() {
        let applied: Applied = serde_json::from_str(include_str!("applied.json")).unwrap();
        assert!(applied.keys().all(|id| judge::rule(id).is_some()), "{applied:?}");
        let scenarios = crate::bundled::home().join("scenarios");
        for name in applied.values().flatten() {
            assert!(scenarios.join(format!("{name}.yaml")).is_file(), "{name}");
        }
    }
}
