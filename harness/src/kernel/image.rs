//! The cache of finished images: a folder for each combination of inputs.

use super::error::KernelError;
use super::inspect;
use super::source_facts::SourceFacts;
use crate::host::lock::Lock;
use crate::host::names::Key;
use crate::host::regular_file::cached_text;
use crate::host::text::shown;
use crate::host::{disk_usage, paths};
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A kernel that can be booted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The bzImage.
    pub bzimage: PathBuf,
    /// The vmlinux with its symbols, while the build folder still has the one of this kernel.
    pub vmlinux: Option<PathBuf>,
    /// Its `.config`; none for an image that damonlab did not build.
    pub config: Option<PathBuf>,
    /// A digest of its inputs.
    pub key: Key,
    /// Its description for users: `linux 7.3.4-1~bpo13+1 + 1 patch`.
    pub describe: String,
    /// The release in its header.
    pub release: Option<String>,
    /// What is known of its source.
    pub facts: SourceFacts,
    /// Whether it was in the cache, so that nothing was built.
    pub cached: bool,
    /// Keeps it in the cache.
    pub lease: Lease,
}

/// A share of an image's lock; none for an image outside of the cache. All leases are equal, so that images compare by
/// their content.
#[derive(Debug, Clone, Default)]
pub struct Lease {
    _lock: Option<Arc<Lock>>,
}

impl PartialEq for Lease {
    fn eq(&self, _: &Lease) -> bool {
        true
    }
}

impl Eq for Lease {}

impl Image {
    /// Whether it checks each memory access (KASAN), and so executes several times as many instructions.
    pub fn is_instrumented(&self) -> bool {
        let config = self.config.as_deref().and_then(cached_text);
        config.is_some_and(|text| text.lines().any(|line| line == "CONFIG_KASAN=y"))
    }

    /// Its `System.map`; none for an image that damonlab did not build.
    pub fn system_map(&self) -> Option<PathBuf> {
        Some(self.config.as_deref()?.with_file_name(SYSTEM_MAP)).filter(|path| path.is_file())
    }

    /// The folder with the `.gcno` files of the objects that count what they execute; none if nothing counts.
    pub fn notes(&self) -> Option<PathBuf> {
        let notes = self.config.as_deref()?.parent()?.join(NOTES);
        notes.is_dir().then_some(notes)
    }

    /// The folder in which its objects were built: a part of the names of their counts.
    pub fn build(&self) -> Option<PathBuf> {
        Some(about(self.config.as_deref()?.parent()?)?.build)
    }

    /// The working copy that it was built from, as it is now: a later build may have applied other patches.
    pub fn tree(&self) -> Option<PathBuf> {
        let about = about(self.config.as_deref()?.parent()?)?;
        std::fs::read_link(about.build.join("source")).ok()
    }
}

/// What the cache stores about an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its description for users.
    pub describe: String,
    /// The source: the version of a release, or the digest of a tree.
    pub source: String,
    /// Paths of the patches, in order.
    pub patches: Vec<String>,
    /// How many of the patches, from the first, are damonlab's.
    #[serde(default, rename = "ours")]
    pub bundled: usize,
    /// A short digest of those.
    #[serde(default)]
    pub bundled_digest: String,
    /// The hunks that did not fit exactly, a line each.
    #[serde(default)]
    pub inexact: Vec<String>,
    /// The titles of the patches that the source had already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub already: Vec<String>,
    /// File names of the config fragments on top of the default ones, in order.
    #[serde(default)]
    pub fragments: Vec<String>,
    /// The version lines of compiler and linker.
    pub compiler: String,
    /// The release in the header of the bzImage.
    pub release: Option<String>,
    /// The build folder.
    pub build: PathBuf,
    /// What is known of its source; an older damonlab did not keep all of it.
    #[serde(flatten)]
    pub facts: SourceFacts,
}

/// The file with the [`About`] of an image.
pub(super) const ABOUT: &str = "image.json";

/// The file of an image with the addresses of its symbols.
const SYSTEM_MAP: &str = "System.map";

/// The folder of an image with the `.gcno` files.
const NOTES: &str = "gcno";

/// The file in a build folder with the key of the image that was built in it.
pub const KEY_FILE: &str = "damonlab.key";

/// The beginning of a digest, to tell a few apart.
pub(super) fn short_digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..6].to_owned()
}

/// The lock of the image `key`: users share it, and its removal needs it exclusively.
pub(super) fn lock(cache: &Path, key: &Key) -> PathBuf {
    cache.join("image").join(format!("{key}.lock"))
}

/// The image `key` of `cache` with a lease, if it is there.
pub fn find(cache: &Path, key: &Key) -> Option<Image> {
    // A copy of a cache may have ended early.
    inspect::image(&look(cache, key)?.bzimage).ok()?;
    // In a cache without write access nothing is removed.
    let lease = Lease {
        _lock: Lock::share(&lock(cache, key), "another damonlab to remove this kernel").ok().map(Arc::new),
    };
    // It may have been removed meanwhile.
    Some(Image { lease, ..look(cache, key)? })
}

fn look(cache: &Path, key: &Key) -> Option<Image> {
    let folder = cache.join("image").join(key);
    let about = about(&folder)?;
    let config = folder.join("config");
    let bzimage = folder.join("bzImage");
    let is_file = |path: &Path| path.symlink_metadata().is_ok_and(|meta| meta.is_file());
    if !is_file(&bzimage) || !is_file(&config) {
        return None;
    }
    let vmlinux = about.build.join("vmlinux");
    let same = cached_text(&about.build.join(KEY_FILE)).is_some_and(|text| text == **key);
    Some(Image {
        bzimage,
        vmlinux: (same && vmlinux.is_file()).then_some(vmlinux),
        config: Some(config),
        key: key.clone(),
        describe: about.describe,
        release: about.release,
        facts: about.facts,
        cached: true,
        lease: Lease::default(),
    })
}

/// Copies the kernel in the build folder of `about` into the cache, whole or not at all. If a whole image with this key is
/// there by now, it stays: the same key means the same kernel. `notes` are paths of `.gcno` files in the build folder.
pub fn publish(cache: &Path, key: &Key, about: &About, notes: &[PathBuf]) -> Result<Image, KernelError> {
    let folder = cache.join("image");
    let scratch = paths::scratch(&folder)?;
    let bzimage = about.build.join("arch/x86/boot/bzImage");
    let about = About { release: inspect::image(&bzimage)?, ..about.clone() };
    for (from, to) in [(bzimage.as_path(), "bzImage"), (&about.build.join(".config"), "config")] {
        fs::copy(from, scratch.path().join(to))?;
    }
    fs::copy(about.build.join(SYSTEM_MAP), scratch.path().join(SYSTEM_MAP))?;
    for note in notes {
        let copy = scratch.path().join(NOTES).join(note);
        fs::create_dir_all(copy.parent().unwrap_or(scratch.path()))?;
        fs::copy(about.build.join(note), copy)?;
    }
    let text = serde_json::to_vec_pretty(&about).map_err(io::Error::from)?;
    fs::write(scratch.path().join(ABOUT), text)?;
    let place = folder.join(key);
    // Another build with equal inputs may have been first, and its image may be in use.
    if look(cache, key).is_none() {
        if place.exists() {
            // An incomplete folder.
            fs::remove_dir_all(&place)?;
        }
        match fs::rename(scratch.path(), &place) {
            Err(cause) if look(cache, key).is_none() => return Err(cause.into()),
            Err(_) => {}
            Ok(()) => drop(scratch.keep()),
        }
    }
    fs::write(about.build.join(KEY_FILE), key.as_str())?;
    let image =
        find(cache, key).ok_or_else(|| io::Error::other(format!("{} is incomplete", shown(&place))))?;
    Ok(Image { cached: false, ..image })
}

/// Removes an image from the cache and, with `with_build`, its build folder. A build folder with its own config fragments
/// is used by no other image. What another process uses stays.
pub fn evict(cache: &Path, key: &Key, with_build: bool) -> io::Result<()> {
    let folder = cache.join("image").join(key);
    let Some(_lock) = Lock::try_acquire(&lock(cache, key)).map_err(io::Error::other)? else { return Ok(()) };
    let build = about(&folder).filter(|_| with_build).map(|about| about.build);
    // The path comes from a file.
    if let Some(build) = build.filter(|build| build.parent() == Some(&cache.join("build")) && build.exists())
    {
        disk_usage::discard(cache, &build)?;
    }
    disk_usage::discard(cache, &folder)
}

/// A bzImage that damonlab did not build.
pub fn foreign(path: &Path) -> Result<Image, KernelError> {
    let release = inspect::image(path)?;
    let bytes = fs::read(path)?;
    let described = release.as_ref().map(|release| format!(" (linux {release})")).unwrap_or_default();
    Ok(Image {
        bzimage: fs::canonicalize(path)?,
        vmlinux: None,
        config: None,
        key: Key::of(&blake3::hash(&bytes)),
        describe: format!("{}{described}", path.to_string_lossy()),
        release,
        facts: SourceFacts::default(),
        cached: true,
        lease: Lease::default(),
    })
}

/// Every image of `cache`, by key.
pub fn list(cache: &Path) -> Vec<Image> {
    let keys = names(&cache.join("image")).into_iter().filter_map(|name| Key::new(name).ok());
    keys.filter_map(|key| look(cache, &key)).collect()
}

/// The sorted names in a folder of the cache; none if it does not exist.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// The hunks that did not fit the source of the image `key` exactly.
pub fn inexact(cache: &Path, key: &Key) -> Vec<String> {
    about(&cache.join("image").join(key)).map(|about| about.inexact).unwrap_or_default()
}

/// The titles of the patches that the source of the image `key` had already.
pub(super) fn already(cache: &Path, key: &Key) -> Vec<String> {
    about_key(cache, key).map(|about| about.already).unwrap_or_default()
}

/// The stored facts about the image `key`.
pub(super) fn about_key(cache: &Path, key: &Key) -> Option<About> {
    about(&cache.join("image").join(key))
}

/// Keeps `facts` with the image `key`, which another process may be reading.
pub(super) fn store_facts(cache: &Path, key: &Key, facts: &SourceFacts) -> io::Result<()> {
    let Some(about) = about_key(cache, key) else { return Ok(()) };
    let about = About { facts: facts.clone(), ..about };
    let text = serde_json::to_vec_pretty(&about).map_err(io::Error::from)?;
    paths::write_atomic(&cache.join("image").join(key).join(ABOUT), &text)
}

fn about(folder: &Path) -> Option<About> {
    serde_json::from_str(&cached_text(&folder.join(ABOUT))?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new(name).unwrap()
    }

    fn build(folder: &Path) -> About {
        fs::create_dir_all(folder.join("arch/x86/boot")).unwrap();
        fs::write(folder.join("arch/x86/boot/bzImage"), inspect::bzimage("7.3.4")).unwrap();
        for name in [".config", "System.map", "vmlinux"] {
            fs::write(folder.join(name), name).unwrap();
        }
        About {
            describe: "linux 7.3.4 + 1 patch".into(),
            source: "7.3.4".into(),
            patches: vec!["0001.patch".into()],
            inexact: vec!["a hunk".into()],
            already: Vec::new(),
            bundled: 0,
            bundled_digest: String::new(),
            fragments: vec!["debug.config".into()],
            compiler: "gcc".into(),
            release: None,
            build: folder.to_owned(),
            facts: SourceFacts::default(),
        }
    }

    #[test]
    fn a_published_image_is_found_with_its_release() {
        let cache = tempfile::tempdir().unwrap();
        let about = build(&cache.path().join("build"));
        let image = publish(cache.path(), &key("abc"), &about, &[]).unwrap();
        assert!(!image.cached);
        assert_eq!(image.release.as_deref(), Some("7.3.4"));
        assert_eq!(find(cache.path(), &key("abc")), Some(Image { cached: true, ..image }));
        assert_eq!(list(cache.path()).len(), 1);
    }

    #[test]
    fn an_evicted_image_is_gone_and_its_build_folder_only_if_requested() {
        let cache = tempfile::tempdir().unwrap();
        let about = build(&cache.path().join("build/linux-7"));
        publish(cache.path(), &key("abc"), &about, &[]).unwrap();
        evict(cache.path(), &key("abc"), false).unwrap();
        assert_eq!((find(cache.path(), &key("abc")), about.build.exists()), (None, true));
        publish(cache.path(), &key("abc"), &about, &[]).unwrap();
        evict(cache.path(), &key("abc"), true).unwrap();
        assert!(!about.build.exists());
    }

    #[test]
    fn the_vmlinux_of_another_build_is_not_used() {
        let cache = tempfile::tempdir().unwrap();
        let about = build(&cache.path().join("build"));
        assert!(publish(cache.path(), &key("first"), &about, &[]).unwrap().vmlinux.is_some());
        publish(cache.path(), &key("second"), &about, &[]).unwrap();
        assert_eq!(find(cache.path(), &key("first")).unwrap().vmlinux, None);
    }

    #[test]
    fn the_image_of_an_equal_build_that_was_first_stays() {
        let cache = tempfile::tempdir().unwrap();
        let first = build(&cache.path().join("first"));
        let second = build(&cache.path().join("second"));
        publish(cache.path(), &key("abc"), &first, &[]).unwrap();
        let image = publish(cache.path(), &key("abc"), &second, &[]).unwrap();
        assert_eq!(image.vmlinux, Some(first.build.join("vmlinux")));
        assert_eq!(list(cache.path()).len(), 1);
        let entries = fs::read_dir(cache.path().join("image")).unwrap();
        let folders = entries.filter(|entry| entry.as_ref().unwrap().path().is_dir());
        assert_eq!(folders.count(), 1, "no scratch folder is left");
    }

    #[test]
    fn an_incomplete_image_is_not_found_and_is_published_again() {
        let cache = tempfile::tempdir().unwrap();
        let about = build(&cache.path().join("build"));
        let image = publish(cache.path(), &key("abc"), &about, &[]).unwrap();
        fs::remove_file(&image.bzimage).unwrap();
        assert_eq!(find(cache.path(), &key("abc")), None);
        assert!(publish(cache.path(), &key("abc"), &about, &[]).unwrap().bzimage.is_file());
    }
}
