//! The list of all rules, in the order of reports: those about the recording first, since a kernel that crashed or a
//! trace with holes makes the rest doubtful.

use crate::check::log::kernel_log;
use crate::check::{About, Origin, RunEnd, health};
use crate::subject::damon;

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static About> {
    let recording = kernel_log::RULES.iter().chain(health::RULES).map(|rule| &rule.about);
    recording.chain(damon::rules::RULES.iter().map(|rule| &rule.about))
}

/// The rule with this id or name.
pub fn rule(word: &str) -> Option<&'static About> {
    all().find(|about| about.id == word || about.name == word)
}

/// What a finding with this id, or of the rule with this name, says is violated.
pub fn origin(word: &str) -> Option<Origin> {
    let of_rule = rule(word).map(Origin::Rule);
    let ends = RunEnd::ALL.iter().map(|end| Origin::RunEnd(*end));
    of_rule.or_else(|| ends.chain([Origin::Test, Origin::Expectation]).find(|origin| origin.id() == word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{EXPECT, KTAP};
    use std::collections::BTreeSet;

    #[test]
    fn no_two_rules_share_an_id_or_a_name() {
        let words: Vec<&str> = all().flat_map(|about| [about.id, about.name]).collect();
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len());
    }

    #[test]
    fn every_statement_is_a_sentence() {
        assert!(all().all(|about| about.statement.ends_with('.')));
    }

    #[test]
    fn what_is_violated_is_found_by_id_and_a_rule_by_name_too() {
        for word in ["G5", "trace-lost", "panic", KTAP, EXPECT] {
            assert_eq!(origin(word).map(Origin::id), Some(word));
        }
        assert_eq!(origin("goal-share-matches-pages"), origin("G5"));
        assert_eq!(origin("G99"), None);
    }
}
