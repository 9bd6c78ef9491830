//! The values of options that are numbers, and what is said about those that are not; and of those that are paths.

use crate::bundled;
use crate::grammar::amount;
use clap::builder::{PathBufValueParser, TypedValueParser};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// A path of a file or a folder that may be one that ships: `examples/rules/goals.yaml`.
pub(super) fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(bundled::given)
}

/// How many guests run at once.
pub(super) fn guests(text: &str) -> Result<NonZeroUsize, String> {
    number(text, "a number of guests", "1 or more")
}

/// How often a scenario runs.
pub(super) fn runs(text: &str) -> Result<NonZeroU32, String> {
    number(text, "a number of runs", "1 or more")
}

/// How many patches of a series are applied.
pub(super) fn patches(text: &str) -> Result<usize, String> {
    number(text, "a number of patches", "0 or more")
}

/// How many scenarios are drawn, or which is the first.
pub(super) fn scenarios(text: &str) -> Result<u64, String> {
    number(text, "a number of scenarios", "0 or more")
}

/// How many generated scenarios run on a kernel.
pub(super) fn generated(text: &str) -> Result<NonZeroU64, String> {
    number(text, "a number of scenarios", "1 or more")
}

/// How many runs a scenario may take to become smaller.
pub(super) fn shrink_runs(text: &str) -> Result<usize, String> {
    number(text, "a number of runs", "0 or more")
}

/// How long a command works.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let time = amount::time(text).filter(|time| *time > 0).map(Duration::from_nanos);
    time.ok_or_else(|| "a time has a unit, for instance 10m or 90s".to_owned())
}

/// The seed of a run.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    number(text, "a seed", &format!("from 0 to {}", u64::MAX))
}

/// Digits alone: `parse` would accept a plus sign.
fn number<T: FromStr>(text: &str, what: &str, wanted: &str) -> Result<T, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let value = digits.then(|| text.parse().ok()).flatten();
    value.ok_or_else(|| format!("{what} is a whole number, {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::super::command::Cli;
    use clap::Parser;

    #[test]
    fn a_number_that_is_none_is_refused_in_plain_words() {
        for (arguments, words) in [
            ("run --jobs 0", "a number of guests is a whole number, 1 or more"),
            ("run --jobs -2", "a number of guests is a whole number, 1 or more"),
            ("run --repeat 0", "a number of runs is a whole number, 1 or more"),
            ("run --repeat 1.5", "a number of runs is a whole number, 1 or more"),
            ("run --seed -1", "a seed is a whole number, from 0 to 18446744073709551615"),
            ("run --seed +1", "a seed is a whole number"),
            ("explore --count -1", "a number of scenarios is a whole number, 0 or more"),
            ("explore --for 10", "a time has a unit, for instance 10m or 90s"),
            ("mutants --seed x", "a seed is a whole number"),
            ("mutants --explore 0", "a number of scenarios is a whole number, 1 or more"),
            ("bisect idle --series x --good -1", "a number of patches is a whole number, 0 or more"),
        ] {
            let error =
                Cli::try_parse_from(["damonlab"].into_iter().chain(arguments.split(' '))).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{arguments}");
            assert!(error.to_string().contains(words), "{arguments}: {error}");
        }
    }
}
