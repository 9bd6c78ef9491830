//! Answers that took a guest, or a QEMU, to find out, kept in the cache beside what was asked.

use super::error::VmError;
use crate::host::lock::Lock;
use crate::host::paths::write_atomic;
use fs_err as fs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// What decides an answer: the same question has the same one.
pub(super) trait CachedProbe: Serialize + DeserializeOwned + PartialEq {
    /// What it is answered by.
    type Output: Serialize + DeserializeOwned;
    /// The folder of the cache that has the answers.
    const FOLDER: &'static str;

    /// Where its answer is kept.
    fn file(&self, cache: &Path) -> io::Result<PathBuf> {
        let key = blake3::hash(&serde_json::to_vec(self).map_err(io::Error::other)?).to_hex();
        Ok(cache.join(Self::FOLDER).join(format!("{}.json", &key[..24])))
    }

    /// The kept answer. A file that makes no sense is none.
    fn known(&self, cache: &Path) -> Option<Self::Output> {
        let bytes = fs::read(self.file(cache).ok()?).ok()?;
        let kept: CacheEntry<Self, Self::Output> = serde_json::from_slice(&bytes).ok()?;
        (kept.question == *self).then_some(kept.answer)
    }

    /// The kept answer, or else what `find` finds, which is kept. Of several damonlabs one finds it and the others wait.
    fn answered(
        &self,
        cache: &Path,
        find: impl FnOnce() -> Result<Self::Output, VmError>,
    ) -> Result<Self::Output, VmError> {
        if let Some(answer) = self.known(cache) {
            return Ok(answer);
        }
        let _one_at_a_time = Lock::acquire(&cache.join(format!("{}.lock", Self::FOLDER)), || {})?;
        if let Some(answer) = self.known(cache) {
            return Ok(answer);
        }
        let answer = find()?;
        self.keep(cache, &answer)?;
        Ok(answer)
    }

    /// Keeps an answer.
    fn keep(&self, cache: &Path, answer: &Self::Output) -> io::Result<()> {
        let kept = CacheEntry { question: self, answer };
        write_atomic(&self.file(cache)?, &serde_json::to_vec_pretty(&kept).map_err(io::Error::other)?)
    }
}

/// As it lies in the cache.
#[derive(Serialize, Deserialize)]
struct CacheEntry<Q, A> {
    question: Q,
    answer: A,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct ProbeKey(String);

    impl CachedProbe for ProbeKey {
        type Output = u32;
        const FOLDER: &'static str = "asked";
    }

    #[test]
    fn of_two_who_ask_at_once_one_finds_the_answer_and_both_have_it() {
        let cache = tempfile::tempdir().unwrap();
        let found = std::sync::atomic::AtomicU32::new(0);
        let find = || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            Ok(1 + found.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
        };
        let ask = || ProbeKey("one".into()).answered(cache.path(), find).unwrap();
        let answers = std::thread::scope(|scope| {
            let other = scope.spawn(ask);
            (ask(), other.join().unwrap())
        });
        assert_eq!(answers, (1, 1));
    }

    #[test]
    fn an_answer_is_kept_for_its_own_question_alone() {
        let cache = tempfile::tempdir().unwrap();
        let (one, other) = (ProbeKey("one".into()), ProbeKey("other".into()));
        one.keep(cache.path(), &1).unwrap();
        assert_eq!([one.known(cache.path()), other.known(cache.path())], [Some(1), None]);
        fs::copy(one.file(cache.path()).unwrap(), other.file(cache.path()).unwrap()).unwrap();
        assert_eq!(other.known(cache.path()), None, "whatever the file's name");
    }

    #[test]
    fn a_kept_answer_that_makes_no_sense_is_none() {
        let cache = tempfile::tempdir().unwrap();
        let asked = ProbeKey("one".into());
        asked.keep(cache.path(), &1).unwrap();
        fs::write(asked.file(cache.path()).unwrap(), "{").unwrap();
        assert_eq!(asked.known(cache.path()), None);
    }
}
