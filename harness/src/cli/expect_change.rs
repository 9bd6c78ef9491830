//! `--expect-change`, and `expect_changes` of a file of `--introduces`: the rules that a kernel means to change.

use super::error::CliError;
use crate::check::Origin;
use crate::grammar;
use crate::judge::{self, ExpectedChange};
use crate::run::ScenarioSource;
use crate::scenario::{IntroducesFile, RuleChange, Scenario, check_reason};
use clap::Args;
use std::sync::Arc;

/// The option.
const OPTION: &str = "--expect-change";

#[derive(Debug, Clone, Default, Args)]
pub(super) struct ExpectChangeArgs {
    /// The kernel means to change this rule, and why: --expect-change Q2="new rounding in the feed loop". What violates the
    /// rule does not count as a failure or a difference; anything else does. May be given more than once.
    #[arg(long = "expect-change", value_name = "RULE=WHY", value_parser = rule_and_why)]
    changes: Vec<(String, String)>,
}

impl ExpectChangeArgs {
    /// Them as they were typed.
    pub(super) fn arguments(&self) -> impl Iterator<Item = String> {
        self.changes.iter().map(|(rule, why)| format!("{rule}={why}"))
    }

    /// The changes of the command line and of the file of `--introduces`: of damonlab's own rules, and of those that these
    /// scenarios are judged by. One that stands in both is an error.
    pub(super) fn changes<'a>(
        &self,
        file: Option<&IntroducesFile>,
        scenarios: impl IntoIterator<Item = &'a Scenario>,
    ) -> Result<Vec<ExpectedChange>, CliError> {
        let stated = stated(scenarios);
        let mut changes = self.typed(&stated)?;
        for change in of_file(file)? {
            let rule = in_file(&change, &stated)?;
            if let Some(known) = changes.iter().find(|known| *known.rule() == rule) {
                let message = format!("{} is expected to change by {} already", known.rule(), known.given());
                return Err(
                    Box::new(change.wrong(message, "give each rule in one place, with one reason")).into()
                );
            }
            changes.push(ExpectedChange::new(rule, change.why.clone(), change.shown_place()));
        }
        Ok(changes)
    }

    /// The changes for runs of these, which were all read with the same file of `--introduces`.
    pub(super) fn of_sources(&self, sources: &[ScenarioSource]) -> Result<Vec<ExpectedChange>, CliError> {
        let scenarios = sources.iter().map(|source| &source.scenario);
        let file = scenarios.clone().find_map(|scenario| scenario.introduces_file.as_ref());
        self.changes(file, scenarios)
    }

    /// The changes of the file that a recording keeps. One of the command line stands for it.
    pub(super) fn kept(&self, scenario: &Scenario) -> Result<Vec<ExpectedChange>, CliError> {
        let stated = stated([scenario]);
        let typed =
            |rule: &Origin| self.changes.iter().any(|(word, _)| origin(word, &stated).as_ref() == Some(rule));
        let mut changes = Vec::new();
        for change in of_file(scenario.introduces_file.as_ref())? {
            let rule = in_file(&change, &stated)?;
            if !typed(&rule) {
                changes.push(ExpectedChange::new(rule, change.why.clone(), change.shown_place()));
            }
        }
        Ok(changes)
    }

    fn typed(&self, stated: &[Arc<str>]) -> Result<Vec<ExpectedChange>, CliError> {
        let change = |(rule, why): &(String, String)| {
            let origin = origin(rule, stated).ok_or_else(|| CliError::Unknown {
                kind: "rule",
                name: rule.clone(),
                help: nearest(rule, stated),
            })?;
            Ok(ExpectedChange::new(origin, why.clone(), OPTION.to_owned()))
        };
        self.changes.iter().map(change).collect()
    }
}

/// The names of the rules that the scenarios, and files of `--rules`, state.
fn stated<'a>(scenarios: impl IntoIterator<Item = &'a Scenario>) -> Vec<Arc<str>> {
    let rules = scenarios.into_iter().flat_map(|scenario| &scenario.rules);
    let mut names: Vec<Arc<str>> = rules.map(|rule| Arc::clone(&rule.name)).collect();
    names.sort();
    names.dedup();
    names
}

fn of_file(file: Option<&IntroducesFile>) -> Result<Vec<RuleChange>, CliError> {
    Ok(file.map_or(Ok(Vec::new()), IntroducesFile::changes).map_err(Box::new)?)
}

/// The rule of this id or name.
fn origin(word: &str, stated: &[Arc<str>]) -> Option<Origin> {
    let of_file = || stated.iter().find(|name| ***name == *word).cloned().map(Origin::Stated);
    judge::rule(word).map(Origin::Rule).or_else(of_file)
}

/// The rule of a change in a file.
fn in_file(change: &RuleChange, stated: &[Arc<str>]) -> Result<Origin, CliError> {
    let unknown = || {
        let message = format!("there is no rule named '{}'", change.rule);
        CliError::from(Box::new(change.wrong(message, &nearest(&change.rule, stated))))
    };
    origin(&change.rule, stated).ok_or_else(unknown)
}

fn nearest(word: &str, stated: &[Arc<str>]) -> String {
    let own = judge::rules().flat_map(|about| [about.id, about.name]);
    let all = own.chain(stated.iter().map(|name| &**name));
    grammar::or_list(word, all, "damonlab explain")
        + "; a rule that a file states is known where a scenario is judged by it"
}

/// `Q2=new rounding in the feed loop`
fn rule_and_why(text: &str) -> Result<(String, String), String> {
    let shape = || "a change is a rule and why it changes: Q2=\"new rounding in the feed loop\"".to_owned();
    let (rule, why) = text.split_once('=').ok_or_else(shape)?;
    let (rule, why) = (rule.trim(), why.trim());
    if rule.is_empty() || why.is_empty() {
        return Err(shape());
    }
    check_reason(why)?;
    Ok((rule.to_owned(), why.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::scenarios;
    use super::*;
    use crate::host::fault::{Fault, Faulty};
    use crate::scenario::RuleFile;
    use miette::Diagnostic;

    fn arguments(changes: &[(&str, &str)]) -> ExpectChangeArgs {
        let owned = |(rule, why): &(&str, &str)| ((*rule).to_owned(), (*why).to_owned());
        ExpectChangeArgs { changes: changes.iter().map(owned).collect() }
    }

    fn file(changes: &str) -> IntroducesFile {
        IntroducesFile::of("words.yaml", format!("version: 1\nexpect_changes:\n  {changes}\n"))
    }

    /// The scenario `idle`, judged by a rule of a file too.
    fn idle() -> Scenario {
        let mut scenario = Scenario::load(&scenarios::by_name("idle")).unwrap();
        let text =
            "version: 1\nsummary: A.\nrules: [{name: share-in-range, event: damos_esz, always: 'true'}]\n";
        scenario.add_rules(&[RuleFile::of("r.yaml", text.to_owned()).unwrap()]).unwrap();
        scenario
    }

    fn ids(changes: Result<Vec<ExpectedChange>, CliError>) -> Vec<String> {
        changes.unwrap().iter().map(|change| change.id().to_owned()).collect()
    }

    #[test]
    fn a_change_has_a_rule_that_exists_and_a_reason() {
        assert_eq!(rule_and_why("Q2= new rounding "), Ok(("Q2".to_owned(), "new rounding".to_owned())));
        assert!(
            rule_and_why("Q2").is_err() && rule_and_why("Q2= ").is_err() && rule_and_why("=why").is_err()
        );
        let changes = |rule: &str| arguments(&[(rule, "why")]).changes(None, []);
        assert_eq!(changes("consist-quota-follows-feedback").unwrap().len(), 1);
        for word in ["Q99", "guest-lost", "expect"] {
            assert_eq!(changes(word).unwrap_err().fault(), Fault::BadInput, "{word}");
        }
    }

    #[test]
    fn a_reason_is_one_bounded_line_that_a_command_can_repeat() {
        for bad in ["Q2=a\nb", "Q2=a\u{1b}[31mb"] {
            assert!(rule_and_why(bad).unwrap_err().contains("control character"), "{bad:?}");
        }
        assert!(rule_and_why(&format!("Q2={}", "ä".repeat(200))).is_ok());
        let error = rule_and_why(&format!("Q2={}", "ä".repeat(201))).unwrap_err();
        assert_eq!(error, "the reason has 201 characters, and may have 200");
    }

    #[test]
    fn a_rule_that_a_file_states_may_change_where_a_scenario_is_judged_by_it() {
        let change = arguments(&[("share-in-range", "wider")]);
        assert_eq!(ids(change.changes(None, [&idle()])), ["share-in-range"]);
        let by_file = arguments(&[]).changes(Some(&file("share-in-range: wider")), [&idle()]);
        assert_eq!(ids(by_file), ["share-in-range"]);
        assert!(change.changes(None, []).is_err());
        let help = arguments(&[("share-in-rage", "x")]).changes(None, [&idle()]).unwrap_err();
        let help = help.help().unwrap().to_string();
        assert!(help.starts_with("did you mean 'share-in-range'?"), "{help}");
    }

    #[test]
    fn a_file_of_words_brings_its_changes_with_it() {
        let both = arguments(&[("S1", "why")]).changes(Some(&file("Q2: new rounding")), [&idle()]);
        assert_eq!(ids(both), ["S1", "Q2"]);
        let mut recorded = idle();
        recorded.introduces_file = Some(file("Q2: new rounding"));
        assert_eq!(ids(arguments(&[]).kept(&recorded)), ["Q2"]);
        let typed = arguments(&[("consist-quota-follows-feedback", "why")]).kept(&recorded);
        assert_eq!(ids(typed), [""; 0], "the command line's stands for it");
    }

    #[test]
    fn a_change_that_is_wrong_in_a_file_is_shown_at_its_line() {
        let error = |changes: &str, typed: &[(&str, &str)]| {
            let error = arguments(typed).changes(Some(&file(changes)), [&idle()]).unwrap_err();
            assert_eq!(error.exit_status(), 2);
            error.to_string()
        };
        assert_eq!(error("Q99: why", &[]), "there is no rule named 'Q99'");
        assert_eq!(error("Q2: ' '", &[]), "Q2: the reason is empty");
        assert!(error("Q2: \"a\\eb\"", &[]).contains("control character"));
        let twice = "consist-quota-follows-feedback (Q2) is expected to change by";
        assert_eq!(error("Q2: why", &[("q2", "x")]), format!("{twice} --expect-change already"));
        let named = "Q2: why\n  consist-quota-follows-feedback: why";
        assert_eq!(error(named, &[]), format!("{twice} words.yaml:3 already"));
    }
}
