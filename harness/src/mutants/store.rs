//! Results are stored from one invocation to the next, one JSON file a mutant.
//!
//! A result is used again for the same kernel image, suite, agent, rules and seed. A result that is not as it should be
//! is also repeated by another build of damonlab, whose checks may find more.

use super::mutant::Mutant;
use super::result::{MutantResult, Record};
use crate::host::paths;
use crate::host::regular_file::cached_text;
use crate::judge::{self, ExpectedChange};
use crate::recording::agent_digest;
use crate::run::ScenarioSource;
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
        let mut hasher = blake3::Hasher::new();
        let mut add = |part: &str| {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        };
        for ScenarioSource { scenario, text } in scenarios {
            add(&scenario.name);
            add(text);
            add(scenario.machine_file.as_ref().map_or("", |file| &file.text));
            add(scenario.introduces_file.as_ref().map_or("", |file| &file.text));
            scenario.rule_files.iter().for_each(|file| add(&file.text));
        }
        for invariant in judge::rules() {
            add(invariant.id);
            add(invariant.statement);
        }
        add(&agent_digest(agent));
        add(&format!("{seed} {all_scenarios}"));
        changes.iter().for_each(|change| add(&format!("changed {}", change.id())));
        let program = std::fs::read(std::env::current_exe()?)?;
        Ok(SuiteKey { digest: digits(hasher.finalize()), program: digits(blake3::hash(&program)) })
    }

    /// The stored result of `mutant` on `image` in the folder `out`, if it is still valid.
    pub(super) fn load(&self, out: &Path, mutant: &Mutant, image: &str) -> Option<Record> {
        let record: Record = serde_json::from_str(&cached_text(&file(out, mutant))?).ok()?;
        let same = record.image == image && record.suite == self.digest && record.kind == mutant.kind;
        let is_final = record.is_good() || record.program == self.program;
        // A build may have failed because the disk was full.
        let is_about_the_kernel = matches!(record.result, MutantResult::Noticed(_) | MutantResult::Unnoticed);
        // The header is the same, too: the key of the image covers the complete file.
        (same && is_final && is_about_the_kernel).then_some(record)
    }
}

/// Stores a result.
pub(super) fn save(out: &Path, mutant: &Mutant, record: &Record) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(record)?;
    paths::write_atomic(&file(out, mutant), &text)
}

fn file(out: &Path, mutant: &Mutant) -> PathBuf {
    out.join(format!("{}.json", mutant.name))
}

fn digits(hash: blake3::Hash) -> String {
    hash.to_hex()[..24].to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::mutant::{Header, Kind};
    use super::super::result::tests::record;
    use super::*;

    fn mutant() -> Mutant {
        let header = Header::default();
        Mutant { name: "m".into(), path: "m.patch".into(), kind: Kind::Regression, header }
    }

    fn key(digest: &str, program: &str) -> SuiteKey {
        SuiteKey { digest: digest.to_owned(), program: program.to_owned() }
    }

    #[test]
    fn a_result_is_used_again_for_the_same_image_and_suite_only() {
        let out = tempfile::tempdir().unwrap();
        let stored = record(Kind::Regression, MutantResult::Unnoticed);
        save(out.path(), &mutant(), &stored).unwrap();
        let load = |key: SuiteKey, image| key.load(out.path(), &mutant(), image);
        assert_eq!(load(key("suite", "program"), "image"), Some(stored));
        assert_eq!(load(key("suite", "program"), "another image"), None);
        assert_eq!(load(key("another suite", "program"), "image"), None);
    }

    #[test]
    fn another_damonlab_repeats_what_is_not_as_it_should_be_and_nothing_else() {
        let out = tempfile::tempdir().unwrap();
        let equivalent = Mutant { kind: Kind::Equivalent, ..mutant() };
        let newer = key("suite", "a newer program");
        save(out.path(), &equivalent, &record(Kind::Equivalent, MutantResult::Unnoticed)).unwrap();
        assert!(newer.load(out.path(), &equivalent, "image").is_some());
        save(out.path(), &mutant(), &record(Kind::Regression, MutantResult::Unnoticed)).unwrap();
        assert!(newer.load(out.path(), &mutant(), "image").is_none());
    }

    #[test]
    fn a_host_failure_and_a_truncated_file_are_not_used_again() {
        let out = tempfile::tempdir().unwrap();
        let key = key("suite", "program");
        let no_answer = MutantResult::NoAnswer { why: "no QEMU".into() };
        save(out.path(), &mutant(), &record(Kind::Regression, no_answer)).unwrap();
        assert_eq!(key.load(out.path(), &mutant(), "image"), None);
        std::fs::write(out.path().join("m.json"), "{\"name\":").unwrap();
        assert_eq!(key.load(out.path(), &mutant(), "image"), None);
    }
}
