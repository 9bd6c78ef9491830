//! The cache of probes: results that took a guest or a QEMU to find out, stored with the key that they belong to.

use super::lock::{Lock, LockError};
use super::paths::{self, write_atomic};
use super::regular_file::cached_text;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// The key of a probe: everything that decides its result.
pub trait CachedProbe: Serialize + DeserializeOwned + PartialEq {
    /// The result.
    type Output: Serialize + DeserializeOwned;
    /// The folder of the results in the cache.
    const FOLDER: &'static str;

    /// The file of its result.
    ///
    /// # Errors
    /// The key is no JSON.
    fn file(&self, cache: &Path) -> io::Result<PathBuf> {
        let key = blake3::hash(&serde_json::to_vec(self).map_err(io::Error::other)?).to_hex();
        Ok(cache.join(Self::FOLDER).join(format!("{}.json", &key[..24])))
    }

    /// The cached result. An unreadable file counts as none.
    fn cached(&self, cache: &Path) -> Option<Self::Output> {
        let text = cached_text(&self.file(cache).ok()?)?;
        let entry: CacheEntry<Self, Self::Output> = serde_json::from_str(&text).ok()?;
        (entry.key == *self).then_some(entry.output)
    }

    /// The cached result, else the result of `probe`, which is cached. Of several processes one probes and the others wait.
    /// A cache that cannot be written has no lock and keeps nothing: each run probes. `what` is what the others wait for.
    ///
    /// # Errors
    /// Those of `probe`, and a lock that cannot be taken.
    fn cached_or<E: From<LockError>>(
        &self,
        cache: &Path,
        what: &str,
        probe: impl FnOnce() -> Result<Self::Output, E>,
    ) -> Result<Self::Output, E> {
        if let Some(output) = self.cached(cache) {
            return Ok(output);
        }
        let lock = cache.join(format!("{}.lock", Self::FOLDER));
        let _one_at_a_time = Lock::acquire_if_possible(&lock, what)?;
        if let Some(output) = self.cached(cache) {
            return Ok(output);
        }
        let output = probe()?;
        let _ = self.store(cache, &output);
        Ok(output)
    }

    /// Stores a result, in place of whatever has its name.
    ///
    /// # Errors
    /// The cache cannot be written.
    fn store(&self, cache: &Path, output: &Self::Output) -> io::Result<()> {
        let entry = CacheEntry { key: self, output };
        let file = self.file(cache)?;
        if file.is_dir() {
            paths::remove(&file)?;
        }
        write_atomic(&file, &serde_json::to_vec_pretty(&entry).map_err(io::Error::other)?)
    }
}

/// A file of the cache.
#[derive(Serialize, Deserialize)]
struct CacheEntry<K, O> {
    #[serde(rename = "question")]
    key: K,
    #[serde(rename = "answer")]
    output: O,
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct ProbeKey(String);

    impl CachedProbe for ProbeKey {
        type Output = u32;
        const FOLDER: &'static str = "probes";
    }

    #[test]
    fn of_two_processes_one_probes_and_both_get_the_result() {
        let cache = tempfile::tempdir().unwrap();
        let probes = std::sync::atomic::AtomicU32::new(0);
        let probe = || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            Ok::<_, LockError>(1 + probes.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
        };
        let get = || ProbeKey("one".into()).cached_or(cache.path(), "the other thread", probe).unwrap();
        let results = std::thread::scope(|scope| {
            let other = scope.spawn(get);
            (get(), other.join().unwrap())
        });
        assert_eq!(results, (1, 1));
    }

    #[test]
    fn a_result_belongs_to_its_own_key_only() {
        let cache = tempfile::tempdir().unwrap();
        let (one, other) = (ProbeKey("one".into()), ProbeKey("other".into()));
        one.store(cache.path(), &1).unwrap();
        assert_eq!([one.cached(cache.path()), other.cached(cache.path())], [Some(1), None]);
        fs::copy(one.file(cache.path()).unwrap(), other.file(cache.path()).unwrap()).unwrap();
        assert_eq!(other.cached(cache.path()), None, "whatever the name of the file");
    }

    #[test]
    fn an_unreadable_file_is_no_result() {
        let cache = tempfile::tempdir().unwrap();
        let key = ProbeKey("one".into());
        key.store(cache.path(), &1).unwrap();
        fs::write(key.file(cache.path()).unwrap(), "{").unwrap();
        assert_eq!(key.cached(cache.path()), None);
    }

    #[test]
    fn whatever_stands_in_the_place_of_a_result_or_its_folder_there_is_a_result() {
        type Act = fn(&Path);
        let cases: [(&str, Act); 5] = [
            ("fifo", |file| nix::unistd::mkfifo(file, nix::sys::stat::Mode::S_IRWXU).unwrap()),
            ("link", |file| fs::os::unix::fs::symlink("/dev/zero", file).unwrap()),
            ("folder", |file| fs::create_dir_all(file.join("inside")).unwrap()),
            ("no folder", |file| fs::remove_dir(file.parent().unwrap()).unwrap()),
            ("a file as the folder", |file| {
                fs::remove_dir(file.parent().unwrap()).unwrap();
                fs::write(file.parent().unwrap(), "").unwrap();
            }),
        ];
        for (what, act) in cases {
            let cache = tempfile::tempdir().unwrap();
            let key = ProbeKey("one".into());
            let file = key.file(cache.path()).unwrap();
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            act(&file);
            assert_eq!(
                key.cached_or(cache.path(), "nothing", || Ok::<_, LockError>(7)).unwrap(),
                7,
                "{what}"
            );
            let kept = key.cached(cache.path());
            assert!(kept == Some(7) || what == "a file as the folder", "{what}");
        }
    }
}
