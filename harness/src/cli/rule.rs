//! Rules, and other things that a finding may be about, by their ids and names on the command line.

use super::error::CliError;
use crate::check::Origin;
use crate::grammar;
use crate::judge;

/// What this id or name of a rule stands for.
pub(super) fn origin(word: &str) -> Result<Origin, CliError> {
    judge::origin(word).ok_or_else(|| CliError::Unknown {
        kind: "rule",
        name: word.to_owned(),
        help: grammar::or_list(word, judge::words(), "damonlab explain"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::EXPECT;
    use miette::Diagnostic;

    #[test]
    fn a_rule_is_known_by_its_id_and_its_name_and_a_mistyped_one_gets_the_nearest() {
        let about = judge::rule("G5").unwrap();
        assert_eq!((origin("G5").unwrap().id(), origin(about.name).unwrap().id()), ("G5", "G5"));
        assert_eq!(origin("expect").unwrap().id(), EXPECT);
        let help = origin("goal-share-match-pages").unwrap_err().help().unwrap().to_string();
        assert!(help.starts_with("did you mean 'goal-share-matches-pages'?"), "{help}");
    }
}
