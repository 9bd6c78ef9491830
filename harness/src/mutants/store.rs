//! Results are stored from one invocation to the next, one JSON file a mutant.
//!
//! A record has parts: what the suite comes to, what several seeds do, and what generated scenarios do. Each is used again
//! for the same kernel image, scenarios, agent, rules and seeds. A part that is not as it should be is also repeated by
//! another build of damonlab, whose checks may find more. A part that an invocation does not request stays in the file.

use super::generated::Generated;
use super::mutant::{Kind, Mutant};
use super::result::{MutantResult, Record};
use crate::host::paths;
use crate::host::regular_file::cached_text;
use crate::judge::{self, ExpectedChange};
use crate::recording::agent_digest;
use crate::run::{ScenarioSource, SeedRange};
use std::io;
use std::path::{Path, PathBuf};

/// What a result depends on besides the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteKey {
    /// A digest of the scenarios, their machines, the agent, the rules and the seed.
    pub digest: String,
    /// A digest of this build of damonlab.
    pub program: String,
}

/// The parts of a record that an invocation requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    /// What the suite comes to.
    pub(super) suite: bool,
    /// What these seeds do.
    pub(super) seeds: Option<SeedRange>,
    /// What the generated scenarios of this digest do.
    pub(super) generated: Option<&'a str>,
}

/// A digest of what runs have in common.
#[derive(Clone)]
pub(super) struct Digest(blake3::Hasher);

impl Digest {
    /// That of the rules, the agent and the rules that are meant to change.
    pub(super) fn of(agent: &[u8], changes: &[ExpectedChange]) -> Digest {
        let mut digest = Digest(blake3::Hasher::new());
        for invariant in judge::rules() {
            digest.add(invariant.id);
            digest.add(invariant.statement);
        }
        digest.add(&agent_digest(agent));
        changes.iter().for_each(|change| digest.add(&format!("changed {}", change.id())));
        digest
    }

    pub(super) fn add(&mut self, part: &str) {
        self.0.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }

    /// Adds a scenario with the files that it was read with.
    pub(super) fn add_scenario(&mut self, ScenarioSource { scenario, text }: &ScenarioSource) {
        self.add(&scenario.name);
        self.add(text);
        self.add(scenario.machine_file.as_ref().map_or("", |file| &file.text));
        self.add(scenario.introduces_file.as_ref().map_or("", |file| &file.text));
        scenario.rule_files.iter().for_each(|file| self.add(&file.text));
    }

    pub(super) fn digits(&self) -> String {
        digits(self.0.finalize())
    }
}

impl SuiteKey {
    /// The key of these scenarios, run with this agent and this seed. `all_scenarios`: they also run after a catch. What violates
    /// one of `changes` counts for nothing.
    ///
    /// # Errors
    /// The file of this program cannot be read.
    pub fn of(
        scenarios: &[ScenarioSource],
        agent: &[u8],
        seed: u64,
        all_scenarios: bool,
        changes: &[ExpectedChange],
    ) -> io::Result<SuiteKey> {
        let mut digest = Digest::of(agent, changes);
        scenarios.iter().for_each(|source| digest.add_scenario(source));
        digest.add(&format!("{seed} {all_scenarios}"));
        let program = std::fs::read(std::env::current_exe()?)?;
        Ok(SuiteKey { digest: digest.digits(), program: digits(blake3::hash(&program)) })
    }

    /// The stored record of `mutant` on `image` in the folder `out`, with the `parts` that are requested and still valid.
    pub(super) fn load(&self, out: &Path, mutant: &Mutant, image: &str, parts: Parts<'_>) -> Option<Record> {
        let mut record = read(out, mutant, image)?;
        let seeds = record.seeds.take().filter(|seeds| {
            let wanted = parts.seeds.is_some_and(|range| range.to_string() == seeds.seeds);
            wanted && seeds.suite == self.digest && self.is_final(!seeds.is_weak(), &seeds.program)
        });
        let generated = record.generated.take().filter(|generated| {
            let wanted = parts.generated == Some(&*generated.digest);
            wanted && self.is_final(is_right(generated, mutant.kind), &generated.program)
        });
        // A build may have failed because the disk was full.
        let is_about_the_kernel = matches!(record.result, MutantResult::Noticed(_) | MutantResult::Unnoticed);
        let has_suite = parts.suite
            && record.suite == self.digest
            && is_about_the_kernel
            && self.is_final(record.is_good(), &record.program);
        let record = if has_suite { record } else { record.without_suite() };
        // The header is the same, too: the key of the image covers the complete file.
        Some(Record { seeds, generated, ..record })
    }

    /// Whether a part that is as it should be, or is not, and that was judged by this build of damonlab, need not be
    /// repeated.
    fn is_final(&self, is_good: bool, program: &str) -> bool {
        is_good || program == self.program
    }
}

/// Whether generated scenarios do what they must about a mutant.
fn is_right(generated: &Generated, kind: Kind) -> bool {
    !generated.lacks_results() && generated.catch.is_some() == (kind == Kind::Regression)
}

/// Stores a record. Parts that it does not have stay.
pub(super) fn save(out: &Path, mutant: &Mutant, record: &Record) -> io::Result<()> {
    let record = match read(out, mutant, &record.image) {
        Some(older) => record.clone().joined(older),
        None => record.clone(),
    };
    let text = serde_json::to_vec_pretty(&record)?;
    paths::write_atomic(&file(out, mutant), &text)
}

/// The stored record of `mutant` on `image`, whatever its parts depend on.
pub(super) fn read(out: &Path, mutant: &Mutant, image: &str) -> Option<Record> {
    let record: Record = serde_json::from_str(&cached_text(&file(out, mutant))?).ok()?;
    (record.image == image && record.kind == mutant.kind).then_some(record)
}

fn file(out: &Path, mutant: &Mutant) -> PathBuf {
    out.join(format!("{}.json", mutant.name))
}

fn digits(hash: blake3::Hash) -> String {
    hash.to_hex()[..24].to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::catch::Strength;
    use super::super::generated::tests::after;
    use super::super::mutant::Header;
    use super::super::result::tests::{caught, record};
    use super::super::seed_catches::SeedCatches;
    use super::super::seed_catches::tests::catches;
    use super::*;
    use crate::explore::Focus;

    fn mutant() -> Mutant {
        let header = Header::default();
        Mutant {
            name: "m".into(),
            path: "m.patch".into(),
            kind: Kind::Regression,
            header,
            focus: Focus::default(),
        }
    }

    fn key(digest: &str, program: &str) -> SuiteKey {
        SuiteKey { digest: digest.to_owned(), program: program.to_owned() }
    }

    const SUITE: Parts<'_> = Parts { suite: true, seeds: None, generated: None };

    /// Whether what the suite came to is used again.
    fn is_used(key: &SuiteKey, out: &Path, mutant: &Mutant, image: &str) -> bool {
        let record = key.load(out, mutant, image, SUITE);
        record.is_some_and(|record| record.result != MutantResult::NotRun)
    }

    #[test]
    fn a_result_is_used_again_for_the_same_image_and_suite_only() {
        let out = tempfile::tempdir().unwrap();
        let stored = record(Kind::Regression, MutantResult::Unnoticed);
        save(out.path(), &mutant(), &stored).unwrap();
        let load = |key: SuiteKey, image| key.load(out.path(), &mutant(), image, SUITE);
        assert_eq!(load(key("suite", "program"), "image"), Some(stored));
        assert_eq!(load(key("suite", "program"), "another image"), None);
        assert!(!is_used(&key("another suite", "program"), out.path(), &mutant(), "image"));
    }

    #[test]
    fn another_damonlab_repeats_what_is_not_as_it_should_be_and_nothing_else() {
        let out = tempfile::tempdir().unwrap();
        let equivalent = Mutant { kind: Kind::Equivalent, ..mutant() };
        let newer = key("suite", "a newer program");
        save(out.path(), &equivalent, &record(Kind::Equivalent, MutantResult::Unnoticed)).unwrap();
        assert!(is_used(&newer, out.path(), &equivalent, "image"));
        save(out.path(), &mutant(), &record(Kind::Regression, MutantResult::Unnoticed)).unwrap();
        assert!(!is_used(&newer, out.path(), &mutant(), "image"));
    }

    #[test]
    fn a_host_failure_and_a_truncated_file_are_not_used_again() {
        let out = tempfile::tempdir().unwrap();
        let key = key("suite", "program");
        let no_answer = MutantResult::NoAnswer { why: "no QEMU".into() };
        save(out.path(), &mutant(), &record(Kind::Regression, no_answer)).unwrap();
        assert!(!is_used(&key, out.path(), &mutant(), "image"));
        std::fs::write(out.path().join("m.json"), "{\"name\":").unwrap();
        assert_eq!(key.load(out.path(), &mutant(), "image", SUITE), None);
    }

    /// A record of the suite, of ten seeds, and of generated scenarios, each as it should be.
    fn complete() -> Record {
        let seeds = SeedCatches { suite: "suite".into(), ..catches(&[("idle", 10, 0)]) };
        let generated = Generated { digest: "generated".into(), ..after(3, true) };
        let (seeds, generated) = (Some(seeds), Some(generated));
        Record { seeds, generated, ..record(Kind::Regression, caught(Strength::Invariant)) }
    }

    #[test]
    fn seeds_and_generated_scenarios_are_used_again_if_they_are_asked_for_and_the_same() {
        let out = tempfile::tempdir().unwrap();
        save(out.path(), &mutant(), &complete()).unwrap();
        let load = |suite: &str, seeds: &str, generated| {
            let parts = Parts { suite: true, seeds: seeds.parse().ok(), generated };
            let record = key(suite, "a newer program").load(out.path(), &mutant(), "image", parts).unwrap();
            (record.result != MutantResult::NotRun, record.seeds.is_some(), record.generated.is_some())
        };
        assert_eq!(load("suite", "0..10", Some("generated")), (true, true, true));
        assert_eq!(load("suite", "", None), (true, false, false));
        assert_eq!(load("suite", "0..11", Some("other generated")), (true, false, false));
        // Generated scenarios do not depend on the suite.
        assert_eq!(load("another suite", "0..10", Some("generated")), (false, false, true));
    }

    #[test]
    fn a_weak_catch_and_a_miss_by_generated_scenarios_are_repeated_by_another_damonlab() {
        let out = tempfile::tempdir().unwrap();
        let mut weak = complete();
        weak.seeds = weak.seeds.map(|all| SeedCatches { program: "p".into(), ..all });
        weak.seeds.as_mut().unwrap().scenarios = catches(&[("idle", 1, 9)]).scenarios;
        weak.generated = weak.generated.map(|all| Generated { catch: None, program: "p".into(), ..all });
        save(out.path(), &mutant(), &weak).unwrap();
        let parts = Parts { suite: true, seeds: "0..10".parse().ok(), generated: Some("generated") };
        let load = |program: &str| key("suite", program).load(out.path(), &mutant(), "image", parts).unwrap();
        assert!(load("p").seeds.is_some() && load("p").generated.is_some());
        let newer = load("a newer program");
        assert_eq!((newer.seeds, newer.generated), (None, None));
    }

    #[test]
    fn what_an_invocation_does_not_ask_for_stays_in_the_file() {
        let out = tempfile::tempdir().unwrap();
        save(out.path(), &mutant(), &complete()).unwrap();
        let without = Record { seeds: None, generated: None, ..complete() };
        save(out.path(), &mutant(), &without).unwrap();
        save(out.path(), &mutant(), &without.without_suite()).unwrap();
        assert_eq!(read(out.path(), &mutant(), "image"), Some(complete()));
    }
}
