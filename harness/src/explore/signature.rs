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

/// The rule about what the kernel refuses, whose findings are about many files.
const REFUSALS: &str = "K2";

impl Signature {
    /// That of a finding.
    pub fn of(finding: &Finding) -> Signature {
        let place = match &finding.origin {
            Origin::Rule(about) if about.id == KERNEL_LOG => place_in_kernel(finding),
            Origin::Rule(about) if about.id == REFUSALS => {
                format!("{}; {}", without_numbers(&finding.expected), without_numbers(&finding.seen))
            }
            Origin::RunEnd(end) if !matches!(end, RunEnd::Clock | RunEnd::Incomplete) => {
                without_numbers(&finding.seen)
            }
            Origin::Test => without_numbers(&finding.seen),
            Origin::Rule(_) | Origin::RunEnd(_) | Origin::Expectation | Origin::Stated(_) => String::new(),
        };
        Signature { id: finding.id().to_owned(), place }
    }

    /// Those of a failed run, once each, the most important first. Where the kernel log says what happened, the end of the
    /// run that follows from it is none of its own.
    pub fn all(verdict: &Verdict) -> Vec<Signature> {
        let Verdict::Fail(findings) = verdict else { return Vec::new() };
        let mut all: Vec<Signature> = Vec::new();
        for finding in findings {
            let signature = Signature::of(finding);
            let follows =
                matches!(finding.origin, Origin::RunEnd(_)) && all.iter().any(|one| one.id == KERNEL_LOG);
            if !follows && !all.contains(&signature) {
                all.push(signature);
            }
        }
        all
    }

    /// A part of a file's name.
    pub fn slug(&self) -> String {
        self.id
            .to_ascii_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect()
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

/// What a splat says, and the function in which it happened where the text itself names none.
fn place_in_kernel(finding: &Finding) -> String {
    let text = without_numbers(&finding.seen);
    let rip = |line: &str| {
        let (_, place) = line.split_once("RIP: ")?;
        let function = place.split_once(':')?.1.split_once("+0x")?.0;
        Some(function.to_owned())
    };
    match finding.evidence.iter().find_map(|line| rip(&line.text)) {
        Some(function) if !text.contains(&function) => format!("{text} in {function}"),
        _ => text,
    }
}

/// The first line without offsets, addresses and numbers; the line in a source file stays.
fn without_numbers(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let words: Vec<String> = line.split_whitespace().map(word_without_numbers).collect();
    words.join(" ").chars().take(LONGEST).collect()
}

fn word_without_numbers(word: &str) -> String {
    if word.contains(".c:") || word.contains(".h:") {
        return word.to_owned();
    }
    let word = word.split_once("+0x").map_or(word, |(function, _)| function);
    let is_address = word.len() >= 8 && word.chars().all(|c| c.is_ascii_hexdigit());
    if is_address {
        return "#".to_owned();
    }
    let mut masked = String::new();
    for c in word.chars() {
        match c.is_ascii_digit() {
            true if masked.ends_with('#') => {}
            true => masked.push('#'),
            false => masked.push(c),
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Evidence;
    use crate::judge;

    fn finding(seen: &str, evidence: &str) -> Finding {
        Finding {
            origin: judge::origin("K1").unwrap(),
            expected: "a clean kernel log".into(),
            seen: seen.into(),
            evidence: vec![Evidence::new("console.txt", 1, evidence)],
            scenario_line: None,
            more: 0,
        }
    }

    #[test]
    fn a_page_fault_is_at_the_function_that_faulted_whatever_the_address() {
        let fault = |address: &str, function: &str| {
            let seen = format!("BUG: unable to handle page fault for address: {address}");
            let rip = format!("[    6.033218] RIP: 0010:{function}+0x15/0x70");
            Signature::of(&finding(&seen, &rip))
        };
        let first = fault("ffd4000004669f08", "damon_get_folio");
        assert_eq!(
            first.to_string(),
            "K1: BUG: unable to handle page fault for address: # in damon_get_folio"
        );
        assert_eq!(first, fault("ffd4000000000008", "damon_get_folio"));
        assert_ne!(first, fault("ffd4000004669f08", "damon_va_mkold"));
    }

    #[test]
    fn a_panic_that_follows_from_a_splat_is_none_of_its_own() {
        let splat = finding("BUG: unable to handle page fault", "");
        let panic = Finding { origin: Origin::RunEnd(RunEnd::Panic), ..splat.clone() };
        assert_eq!(Signature::all(&Verdict::Fail(vec![splat, panic.clone()])).len(), 1);
        assert_eq!(Signature::all(&Verdict::Fail(vec![panic]))[0].id, "panic");
    }

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
