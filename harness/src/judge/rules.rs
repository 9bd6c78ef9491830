//! The list of all rules, in the order of reports: those about the recording first, since a kernel that crashed or a
//! trace with holes makes the rest doubtful.

use crate::check::log::kernel_log;
use crate::check::{About, EXPECT, KTAP, Origin, RunEnd, health};
use crate::subject;

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static About> {
    let recording = kernel_log::RULES.iter().chain(health::RULES).map(|rule| &rule.about);
    recording.chain(subject::rules())
}

/// The rule with this id or name, in any case.
pub fn rule(word: &str) -> Option<&'static About> {
    all().find(|about| [about.id, about.name].iter().any(|known| known.eq_ignore_ascii_case(word)))
}

/// What findings can be about beside rules: ends of the run, the kernel's own tests, expectations.
fn others() -> impl Iterator<Item = (&'static str, Origin)> {
    let ends = RunEnd::ALL.into_iter().map(|end| (end.id(), Origin::RunEnd(end)));
    ends.chain([(KTAP, Origin::Test), (EXPECT, Origin::Expectation)])
}

/// All that can be typed for what a finding is about: ids, and the names of rules.
pub fn words() -> impl Iterator<Item = &'static str> {
    all().flat_map(|about| [about.id, about.name]).chain(others().map(|(id, _)| id))
}

/// The id of everything that findings can be about, with a rule's name, or what the other things mean.
pub fn list() -> Vec<(&'static str, &'static str)> {
    let rules = all().map(|about| (about.id, about.name));
    rules.chain(others().map(|(id, other)| (id, other.statement()))).collect()
}

/// What findings with this id, or of the rule with this name, are about. Case is ignored.
pub fn origin(word: &str) -> Option<Origin> {
    let other = || others().find(|(id, _)| id.eq_ignore_ascii_case(word)).map(|(_, origin)| origin);
    rule(word).map(Origin::Rule).or_else(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_rules_share_an_id_or_a_name() {
        let words: Vec<String> = words().map(str::to_lowercase).collect();
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len());
    }

    #[test]
    fn no_rule_of_a_scenario_may_have_the_name_of_one_of_these() {
        let names: String = words().map(|word| format!("{word}\n")).collect();
        let file =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/scenario/resolve/taken_names.txt");
        if crate::host::variables::is("DAMONLAB_BLESS", "1") {
            std::fs::write(&file, &names).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), names);
    }

    #[test]
    fn every_statement_is_a_sentence() {
        assert!(all().all(|about| about.statement.ends_with('.')));
    }

    #[test]
    fn what_is_violated_is_found_by_id_in_any_case_and_a_rule_by_name_too() {
        assert_eq!(origin("Guest-Lost"), Some(Origin::RunEnd(RunEnd::GuestLost)));
        assert_eq!(origin("g5"), origin("G5"));
        for word in ["G5", "trace-lost", "panic", KTAP, EXPECT] {
            assert_eq!(origin(word).unwrap().id(), word);
        }
        assert_eq!(origin("goal-share-matches-pages"), origin("G5"));
        assert_eq!(origin("G99"), None);
    }
}
