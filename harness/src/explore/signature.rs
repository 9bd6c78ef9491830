//! When two findings are one: the same rule, or the same place in the kernel.

use crate::check::{Finding, Origin, RunEnd, Verdict};
use std::fmt;

/// What findings that are one have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Signature {
    /// The id of the rule, or of the way in which the run ended.
    pub id: String,
    /// Of a splat, of a test or of an early end: what was seen, without what differs from run to run. Empty otherwise.
    pub place: String,
}

/// The rule about splats in the kernel log, whose findings are about many places.
const KERNEL_LOG: &str = "K1";

/// So much of a text is compared.
const LONGEST: usize = 120;

impl Signature {
    /// Those of a finding.
    pub fn of(finding: &Finding) -> Signature {
        let by_text = match &finding.origin {
            Origin::Rule(about) => about.id == KERNEL_LOG,
            Origin::RunEnd(end) => !matches!(end, RunEnd::Clock | RunEnd::Incomplete),
            Origin::Test => true,
            Origin::Expectation | Origin::Stated(_) => false,
        };
        let place = if by_text { without_numbers(&finding.seen) } else { String::new() };
        Signature { id: finding.id().to_owned(), place }
    }

    /// Those of a failed run, once each, the most important first. Where the kernel log says what happened, the end of the
    /// run that follows from it is none of its own.
    pub fn all(verdict: &Verdict) -> Vec<Signature> {
        let Verdict::Fail(findings) = verdict else { return Vec::new() };
        let mut all: Vec<Signature> = Vec::new();
        for finding in findings {
            let signature = Signature::of(finding);
            let follows = matches!(finding.origin, Origin::RunEnd(_)) && all.iter().any(|one| one.id == KERNEL_LOG);
            if !follows && !all.contains(&signature) {
                all.push(signature);
            }
        }
        all
    }

    /// A part of a file's name.
    pub fn slug(&self) -> String {
        self.id.to_ascii_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => f.write_str(&self.id),
            place => write!(f, "{}: {place}", self.id),
        }
    }
}

/// The first line without offsets, addresses and numbers; the line in a source file stays.
fn without_numbers(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let words = line.split_whitespace().map(|word| {
        let word = word.split_once("+0x").map_or(word, |(function, _)| function);
        let is_source = word.contains(".c:") || word.contains(".h:");
        let is_number = word.chars().any(|c| c.is_ascii_digit()) && !is_source;
        if is_number { word.chars().map(|c| if c.is_ascii_hexdigit() && !c.is_ascii_lowercase() { '#' } else { c }).collect() } else { word.to_owned() }
    });
    let mut text: String = words.collect::<Vec<_>>().join(" ");
    while text.contains("##") {
        text = text.replace("##", "#");
    }
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_same_in_two_runs_and_another_function_is_another_place() {
        let hung = "a hung task: INFO: task init:1 blocked for more than 122 seconds.";
        assert_eq!(without_numbers(hung), without_numbers(&hung.replace("122", "245")));
        let bug = "BUG: KASAN: slab-use-after-free in damos_destroy+0x1/0x2";
        assert_eq!(without_numbers(bug), "BUG: KASAN: slab-use-after-free in damos_destroy");
        let warning = "WARNING: CPU: 0 PID: 44 at mm/damon/core.c:123 damon_merge+0x12/0x30";
        assert!(without_numbers(warning).ends_with("at mm/damon/core.c:123 damon_merge"));
    }
}
