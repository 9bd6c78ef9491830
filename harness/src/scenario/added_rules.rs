//! The rules of files, added to those that a scenario states itself.

use super::definition::Scenario;
use super::error::ScenarioError;
use super::rule::ScenarioRule;
use super::rule_file::{MOST_RULE_FILES, RuleFile, same_name};

impl Scenario {
    /// Adds the rules of files, whose text stays with the scenario. A rule of an earlier file gives way to one of its name:
    /// a recording keeps the files that it was judged by, which may have been edited since.
    ///
    /// # Errors
    /// The scenario itself has a rule of the same name, or there are too many files.
    pub fn add_rules(&mut self, files: &[RuleFile]) -> Result<(), ScenarioError> {
        for file in files {
            if self.rule_files.iter().any(|known| known.text == file.text) {
                continue;
            }
            let is_new = |rule: &ScenarioRule| file.rules().iter().any(|new| new.name == rule.name);
            let of_file = |rule: &ScenarioRule| {
                self.rule_files.iter().flat_map(RuleFile::rules).any(|known| known.name == rule.name)
            };
            let replaced: Vec<bool> = self.rules.iter().map(|rule| is_new(rule) && of_file(rule)).collect();
            let mut replaced = replaced.into_iter();
            self.rules.retain(|_| !replaced.next().unwrap_or_default());
            // What an earlier file no longer adds is not kept.
            self.rule_files.retain(|known| !known.rules().iter().all(is_new));
            same_name(self.rules.iter(), file.rules())?;
            self.rules.extend_from_slice(file.rules());
            self.rule_files.push(file.clone());
        }
        match self.rule_files.len() {
            ..=MOST_RULE_FILES => Ok(()),
            many => Err(ScenarioError::TooManyRuleFiles { most: MOST_RULE_FILES, found: many }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, rules: &[(&str, &str)]) -> RuleFile {
        let one = |(rule, event): &(&str, &str)| format!("{{name: {rule}, event: {event}, always: 'true'}}");
        let rules: Vec<String> = rules.iter().map(one).collect();
        let text = format!("version: 1\nsummary: Rules.\nrules: [{}]\n", rules.join(", "));
        RuleFile::of(name, text).unwrap()
    }

    fn scenario() -> Scenario {
        Scenario::load(&crate::bundled::home().join("scenarios/idle.yaml")).unwrap()
    }

    fn names(scenario: &Scenario) -> Vec<String> {
        scenario.rules.iter().map(|rule| format!("{} {}", rule.name, rule.event)).collect()
    }

    #[test]
    fn a_rule_of_a_kept_file_gives_way_to_one_of_its_name() {
        let mut scenario = scenario();
        let kept = file("rules-1.yaml", &[("is-one", "a"), ("is-two", "a")]);
        scenario.add_rules(std::slice::from_ref(&kept)).unwrap();
        scenario.add_rules(&[kept]).unwrap();
        assert_eq!(
            (names(&scenario), scenario.rule_files.len()),
            (vec!["is-one a".into(), "is-two a".into()], 1)
        );
        scenario.add_rules(&[file("new.yaml", &[("is-two", "b")])]).unwrap();
        assert_eq!(
            (names(&scenario), scenario.rule_files.len()),
            (vec!["is-one a".into(), "is-two b".into()], 2)
        );
        scenario.add_rules(&[file("all.yaml", &[("is-one", "c"), ("is-two", "c")])]).unwrap();
        assert_eq!(
            (names(&scenario), scenario.rule_files.len()),
            (vec!["is-one c".into(), "is-two c".into()], 1)
        );
    }

    #[test]
    fn more_files_than_a_recording_keeps_are_refused() {
        let mut scenario = scenario();
        let files: Vec<RuleFile> =
            (0..=MOST_RULE_FILES).map(|nth| file("f.yaml", &[(&format!("rule-{nth}x"), "a")])).collect();
        let error = scenario.add_rules(&files).unwrap_err().to_string();
        assert!(error.contains("9 files"), "{error}");
    }
}
