//! The removal of kernels by name.

use super::cache_layout::{builds, source_lock};
use super::error::KernelError;
use super::image::{self, KEY_FILE, names};
use crate::host::disk_usage;
use crate::host::lock::Lock;
use crate::host::names::{EntryName, Key};
use crate::host::regular_file::cached_text;
use std::path::{Path, PathBuf};

/// Removes the image whose key begins with `name`, and the working copy and builds of the source `name`. Returns the
/// removed folders.
///
/// # Errors
/// Several keys begin so; a run uses one of the folders, and nothing was removed.
pub fn remove(cache: &Path, name: &str) -> Result<Vec<PathBuf>, KernelError> {
    let mut removed = Vec::new();
    if EntryName::new(name).is_err() {
        return Ok(removed);
    }
    let mut locks = Vec::new();
    if let Some(key) = image_key(cache, name)? {
        locks.push(unused(cache, &key)?);
        removed.push(cache.join("image").join(&key));
    }
    let tree = cache.join("tree").join(name);
    if tree.exists() {
        locks.push(Lock::acquire(&source_lock(cache, name), "a build from this source to end")?);
        removed.extend(builds(cache, name)?);
        for build in &removed {
            // A build folder has the symbols of the image that was built in it.
            let key = cached_text(&build.join(KEY_FILE)).and_then(|text| Key::new(text).ok());
            locks.extend(key.map(|key| unused(cache, &key)).transpose()?);
        }
        removed.push(tree);
    }
    for folder in &removed {
        disk_usage::discard(cache, folder)?;
    }
    Ok(removed)
}

/// The key of the one image, complete or not, that begins with `name`.
fn image_key(cache: &Path, name: &str) -> Result<Option<Key>, KernelError> {
    let folder = cache.join("image");
    let all = names(&folder).into_iter().filter(|key| key.starts_with(name) && folder.join(key).is_dir());
    let mut keys: Vec<Key> = all.filter_map(|key| Key::new(key).ok()).collect();
    match keys.len() {
        0 | 1 => Ok(keys.pop()),
        _ => match keys.iter().find(|key| **key == name) {
            Some(exact) => Ok(Some(exact.clone())),
            None => {
                let keys = keys.into_iter().map(String::from).collect();
                Err(KernelError::SeveralKeys { name: name.to_owned(), keys })
            }
        },
    }
}

/// The lock of an image that no run uses.
fn unused(cache: &Path, key: &Key) -> Result<Lock, KernelError> {
    let lock = Lock::try_acquire(&image::lock(cache, key))?;
    lock.ok_or_else(|| KernelError::InUse(format!("the kernel {key}")))
}

#[cfg(test)]
mod tests {
    use super::super::inspect;
    use super::*;
    use crate::host::progress::Progress;
    use damonlab_protocol::units::Bytes;
    use fs_err as fs;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_source_is_removed_with_its_builds_and_a_path_is_ignored() {
        let cache = tempfile::tempdir().unwrap();
        fs::create_dir_all(cache.path().join("tree/linux-1")).unwrap();
        fs::create_dir_all(cache.path().join("build/linux-1+kasan")).unwrap();
        fs::create_dir_all(cache.path().join("build/linux-12")).unwrap();
        for name in ["", "../tree", "."] {
            assert!(remove(cache.path(), name).unwrap().is_empty());
        }
        assert_eq!(remove(cache.path(), "linux-1").unwrap().len(), 2);
        assert!(cache.path().join("build/linux-12").exists());
    }

    fn add_image(cache: &Path, key: &str) {
        let folder = cache.join("image").join(key);
        fs::create_dir_all(&folder).unwrap();
        for name in ["bzImage", "config"] {
            fs::write(folder.join(name), inspect::bzimage("7.3.4")).unwrap();
        }
        let about = r#"{"describe": "linux", "source": "7", "patches": [], "compiler": "gcc", "release": null,
                        "build": "/nonexistent"}"#;
        fs::write(folder.join(image::ABOUT), about).unwrap();
    }

    fn removed(cache: &Path, name: &str) -> Result<usize, String> {
        remove(cache, name).map(|all| all.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_beginning_of_several_keys_removes_none_and_asks_for_more() {
        let cache = tempfile::tempdir().unwrap();
        for key in ["abc1", "abc2", "ab"] {
            add_image(cache.path(), key);
        }
        let error = removed(cache.path(), "a").unwrap_err();
        assert!(error.contains("begins with 'a': ab, abc1, abc2; use more of its characters"), "{error}");
        assert_eq!(image::list(cache.path()).len(), 3);
        for (name, left) in [("ab", 2), ("abc2", 1), ("abc", 0)] {
            assert_eq!(removed(cache.path(), name), Ok(1));
            assert_eq!(image::list(cache.path()).len(), left, "{name}");
        }
    }

    #[test]
    fn an_incomplete_image_can_be_removed() {
        let cache = tempfile::tempdir().unwrap();
        add_image(cache.path(), "abc");
        fs::remove_file(cache.path().join("image/abc/config")).unwrap();
        assert_eq!(removed(cache.path(), "abc"), Ok(1));
        assert_eq!(removed(cache.path(), "abc"), Ok(0));
    }

    #[test]
    fn a_kernel_in_use_stays_and_so_does_the_build_with_its_symbols() {
        let cache = tempfile::tempdir().unwrap();
        add_image(cache.path(), "abc");
        for folder in ["tree/linux-1", "build/linux-1"] {
            fs::create_dir_all(cache.path().join(folder)).unwrap();
        }
        fs::write(cache.path().join("build/linux-1").join(KEY_FILE), "abc").unwrap();
        let used = image::find(cache.path(), &Key::new("abc").unwrap()).unwrap();
        for name in ["abc", "linux-1"] {
            assert!(
                removed(cache.path(), name).unwrap_err().starts_with("the kernel abc is in use"),
                "{name}"
            );
        }
        drop(used);
        assert_eq!((removed(cache.path(), "abc"), removed(cache.path(), "linux-1")), (Ok(1), Ok(2)));
    }

    #[test]
    fn no_kernel_is_removed_while_it_is_used_however_often_both_happen_at_once() {
        let cache = tempfile::tempdir().unwrap();
        let key = Key::new("abc").unwrap();
        let ended = AtomicBool::new(false);
        let removing = || {
            while !ended.load(Ordering::Relaxed) {
                let _ = removed(cache.path(), "abc");
                let _ = super::super::evict::make_room(cache.path(), Bytes(0), &Progress::silent());
            }
        };
        std::thread::scope(|scope| {
            let removing = scope.spawn(removing);
            let (mut found, mut tries) = (0, 0);
            while found < 50 && tries < 5000 {
                tries += 1;
                // A build makes it under the lock of its source; a second one may be at it.
                if !cache.path().join("image/abc").exists() {
                    let made = tempfile::tempdir_in(cache.path()).unwrap();
                    add_image(made.path(), "abc");
                    fs::create_dir_all(cache.path().join("image")).unwrap();
                    fs::rename(made.path().join("image/abc"), cache.path().join("image/abc")).unwrap();
                }
                if let Some(image) = image::find(cache.path(), &key) {
                    found += 1;
                    assert!(inspect::image(&image.bzimage).is_ok());
                }
            }
            ended.store(true, Ordering::Relaxed);
            removing.join().unwrap();
            assert_eq!(found, 50, "in {tries} tries");
        });
    }
}
