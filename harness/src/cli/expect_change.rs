//! `--expect-change`: the rules that a kernel means to change.

use super::error::CliError;
use crate::grammar;
use crate::judge::{self, ExpectedChange};
use clap::Args;

#[derive(Debug, Clone, Default, Args)]
pub(super) struct ExpectChangeArgs {
    /// The kernel means to change this rule of damonlab's own, and why: --expect-change Q2="new rounding in the feed loop". What violates the
    /// rule does not count as a failure or a difference; anything else does. May be given more than once.
    #[arg(long = "expect-change", value_name = "RULE=WHY", value_parser = rule_and_why)]
    changes: Vec<(String, String)>,
}

impl ExpectChangeArgs {
    /// Them as they were typed.
    pub(super) fn arguments(&self) -> impl Iterator<Item = String> {
        self.changes.iter().map(|(rule, why)| format!("{rule}={why}"))
    }

    /// The changes, of rules that exist.
    pub(super) fn changes(&self) -> Result<Vec<ExpectedChange>, CliError> {
        let change = |(rule, why): &(String, String)| {
            let about = judge::rule(rule).ok_or_else(|| CliError::Unknown {
                kind: "rule of damonlab's own",
                name: rule.clone(),
                help: grammar::or_list(
                    rule,
                    judge::rules().flat_map(|about| [about.id, about.name]),
                    "damonlab explain",
                ) + "; what a scenario or a file of --rules states is changed there",
            })?;
            Ok(ExpectedChange::new(about, why.clone()))
        };
        self.changes.iter().map(change).collect()
    }
}

/// `Q2=new rounding in the feed loop`
fn rule_and_why(text: &str) -> Result<(String, String), String> {
    match text.split_once('=').map(|(rule, why)| (rule.trim(), why.trim())) {
        Some((rule, why)) if !rule.is_empty() && !why.is_empty() => Ok((rule.to_owned(), why.to_owned())),
        _ => Err("a change is a rule and why it changes: Q2=\"new rounding in the feed loop\"".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fault::{Fault, Faulty};

    #[test]
    fn a_change_has_a_rule_that_exists_and_a_reason() {
        assert_eq!(rule_and_why("Q2= new rounding "), Ok(("Q2".to_owned(), "new rounding".to_owned())));
        assert!(
            rule_and_why("Q2").is_err() && rule_and_why("Q2= ").is_err() && rule_and_why("=why").is_err()
        );
        let arguments = |rule: &str| ExpectChangeArgs { changes: vec![(rule.to_owned(), "why".to_owned())] };
        assert_eq!(arguments("consist-quota-follows-feedback").changes().unwrap().len(), 1);
        for word in ["Q99", "guest-lost", "expect"] {
            assert_eq!(arguments(word).changes().unwrap_err().fault(), Fault::BadInput, "{word}");
        }
    }
}
