//! Answers that take a process or a guest to get: kept in the cache, with all that they depend on.

use crate::host::paths::write_atomic;
use fs_err as fs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// What an answer depends on.
pub(super) trait Subject: Serialize + DeserializeOwned + PartialEq {
    /// The folder of such answers in the cache.
    const FOLDER: &'static str;
    /// What is kept.
    type Answer: Serialize + DeserializeOwned;

    /// Where its answer is kept.
    fn file(&self, cache: &Path) -> io::Result<PathBuf> {
        let key = blake3::hash(&serde_json::to_vec(self).map_err(io::Error::other)?).to_hex();
        Ok(cache.join(Self::FOLDER).join(format!("{}.json", &key[..24])))
    }

    /// The kept answer. A file that makes no sense is none.
    fn known(&self, cache: &Path) -> Option<Self::Answer> {
        let text = fs::read(self.file(cache).ok()?).ok()?;
        let kept: Kept<Self, Self::Answer> = serde_json::from_slice(&text).ok()?;
        (kept.subject == *self).then_some(kept.answer)
    }

    /// Keeps an answer.
    fn keep(&self, cache: &Path, answer: &Self::Answer) -> io::Result<()> {
        let kept = Kept { subject: self, answer };
        write_atomic(&self.file(cache)?, &serde_json::to_vec_pretty(&kept).map_err(io::Error::other)?)
    }
}

/// An answer as it lies in the cache.
#[derive(Serialize, Deserialize)]
struct Kept<S, A> {
    subject: S,
    answer: A,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Question(String);

    impl Subject for Question {
        const FOLDER: &'static str = "question";
        type Answer = u32;
    }

    #[test]
    fn an_answer_is_kept_for_its_own_subject_alone() {
        let cache = tempfile::tempdir().unwrap();
        let (one, other) = (Question("one".into()), Question("other".into()));
        one.keep(cache.path(), &1).unwrap();
        assert_eq!([one.known(cache.path()), other.known(cache.path())], [Some(1), None]);
        fs::copy(one.file(cache.path()).unwrap(), other.file(cache.path()).unwrap()).unwrap();
        assert_eq!(other.known(cache.path()), None, "whatever the file's name");
    }

    #[test]
    fn a_kept_answer_that_makes_no_sense_is_none() {
        let cache = tempfile::tempdir().unwrap();
        let question = Question("one".into());
        question.keep(cache.path(), &1).unwrap();
        fs::write(question.file(cache.path()).unwrap(), "{").unwrap();
        assert_eq!(question.known(cache.path()), None);
    }
}
