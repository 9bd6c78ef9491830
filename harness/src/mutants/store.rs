//! Results that are kept from one call to the next: a JSON file a mutant, whole or not at all.
//!
//! A result is used again for the same kernel image, suite, agent, rules and seed. One that is not as it should be
//! is also made anew when damonlab itself is another: its checks may see more by now.

use super::mutant::Mutant;
use super::result::{MutantResult, Record};
use crate::host::paths;
use crate::judge;
use crate::recording::agent_digest;
use crate::run::ScenarioSource;
use std::io;
use std::path::{Path, PathBuf};

/// All that decides a result besides the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// A name for the scenarios, their machines, the agent, the rules and the seed.
    pub digest: String,
    /// A name for this damonlab.
    pub program: String,
}

impl Suite {
    /// Of these scenarios, run with this agent and this seed; `whole`: a catch does not end it.
    ///
    /// # Errors
    /// damonlab's own file cannot be read.
    pub fn of(scenarios: &[ScenarioSource], agent: &[u8], seed: u64, whole: bool) -> io::Result<Suite> {
        let mut hasher = blake3::Hasher::new();
        let mut add = |part: &str| {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        };
        for ScenarioSource { scenario, text } in scenarios {
            add(&scenario.name);
            add(text);
            add(scenario.machine_file.as_ref().map_or("", |file| &file.text));
        }
        for invariant in judge::rules() {
            add(invariant.id);
            add(invariant.statement);
        }
        add(&agent_digest(agent));
        add(&format!("{seed} {whole}"));
        let program = std::fs::read(std::env::current_exe()?)?;
        Ok(Suite { digest: digits(hasher.finalize()), program: digits(blake3::hash(&program)) })
    }

    /// The kept result of `mutant` on `image` in the folder `out`, where it still holds.
    pub(super) fn kept(&self, out: &Path, mutant: &Mutant, image: &str) -> Option<Record> {
        let text = std::fs::read(file(out, mutant)).ok()?;
        let record: Record = serde_json::from_slice(&text).ok()?;
        let same = record.image == image && record.suite == self.digest && record.kind == mutant.kind;
        let lasting = record.is_good() || record.program == self.program;
        // A disk may have been full where a build ended.
        let answer = matches!(record.outcome, MutantResult::Noticed(_) | MutantResult::Unnoticed);
        // The header's words are the same, too: the image's key has all of the file.
        (same && lasting && answer).then_some(record)
    }
}

/// Keeps a result.
pub(super) fn keep(out: &Path, mutant: &Mutant, record: &Record) -> io::Result<()> {
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

    fn suite(digest: &str, program: &str) -> Suite {
        Suite { digest: digest.to_owned(), program: program.to_owned() }
    }

    #[test]
    fn a_result_is_used_again_for_the_same_image_and_suite_only() {
        let out = tempfile::tempdir().unwrap();
        let kept = record(Kind::Regression, MutantResult::Unnoticed);
        keep(out.path(), &mutant(), &kept).unwrap();
        let again = |suite: Suite, image| suite.kept(out.path(), &mutant(), image);
        assert_eq!(again(suite("suite", "program"), "image"), Some(kept));
        assert_eq!(again(suite("suite", "program"), "another image"), None);
        assert_eq!(again(suite("another suite", "program"), "image"), None);
    }

    #[test]
    fn what_is_not_as_it_should_be_is_judged_anew_by_another_damonlab_and_the_rest_is_not() {
        let out = tempfile::tempdir().unwrap();
        let null = Mutant { kind: Kind::Null, ..mutant() };
        let newer = suite("suite", "a newer program");
        keep(out.path(), &null, &record(Kind::Null, MutantResult::Unnoticed)).unwrap();
        assert!(newer.kept(out.path(), &null, "image").is_some());
        keep(out.path(), &mutant(), &record(Kind::Regression, MutantResult::Unnoticed)).unwrap();
        assert!(newer.kept(out.path(), &mutant(), "image").is_none());
    }

    #[test]
    fn a_host_that_failed_and_a_cut_file_are_no_results() {
        let out = tempfile::tempdir().unwrap();
        let suite = suite("suite", "program");
        let no_answer = MutantResult::NoAnswer { why: "no QEMU".into() };
        keep(out.path(), &mutant(), &record(Kind::Regression, no_answer)).unwrap();
        assert_eq!(suite.kept(out.path(), &mutant(), "image"), None);
        std::fs::write(out.path().join("m.json"), "{\"name\":").unwrap();
        assert_eq!(suite.kept(out.path(), &mutant(), "image"), None);
    }
}
