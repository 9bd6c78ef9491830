//! The folders of the cache that kernels take besides their sources (images, build folders, working copies), and the
//! removal of the longest unused ones.
//!
//! What is in use stays: an image while a process of damonlab uses it (its lock is shared), its build folder with it, and
//! a working copy while any of its build folders is there. A build takes the lock of its source.

use super::cache_layout;
use super::cached_images::cached_images;
use super::image::{self, KEY_FILE, names};
use super::working_copy::SIZE_FILE;
use crate::host::lock::Lock;
use crate::host::names::Key;
use crate::host::paths::write_atomic;
use crate::host::progress::Progress;
use crate::host::regular_file::cached_text;
use crate::host::text::shown;
use crate::host::{disk_usage, variables};
use damonlab_protocol::units::Bytes;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How much of the disk all of it may take. A build folder has about 250 MB, a working copy 1.8 GB if it could not be made
/// of hard links.
const LIMIT: Bytes = Bytes(10 << 30);

/// The kind of a folder. Of equally old folders, the later kind is removed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FolderKind {
    /// The files of a source with patches, as make sees them.
    Copy,
    /// The output of make.
    Build,
    /// A kernel to boot.
    Image,
}

/// A folder of the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheFolder {
    /// Its kind.
    pub kind: FolderKind,
    /// Its name: the key of an image, or the name of a source with the names of config fragments.
    pub name: String,
    /// Its size on the disk.
    pub size: Bytes,
    /// When it was made or last used.
    pub used: SystemTime,
}

impl CacheFolder {
    fn folder(&self, cache: &Path) -> PathBuf {
        let kind = match self.kind {
            FolderKind::Copy => "tree",
            FolderKind::Build => "build",
            FolderKind::Image => "image",
        };
        cache.join(kind).join(&self.name)
    }
}

/// The limit in force: `DAMONLAB_KERNELS_MIB`, else 10 GiB.
pub fn limit() -> Bytes {
    disk_usage::limit(variables::KERNELS_MIB, LIMIT)
}

/// All folders, the last used first.
pub fn cache_folders(cache: &Path) -> Vec<CacheFolder> {
    let images = cached_images(cache);
    let used: BTreeMap<&str, SystemTime> =
        images.iter().map(|one| (one.image.key.as_str(), one.used)).collect();
    let mut all: Vec<CacheFolder> =
        names(&cache.join("build")).into_iter().map(|name| build(cache, name, &used)).collect();
    let copies: Vec<CacheFolder> = sources(cache)
        .into_iter()
        .filter(|id| cache.join("tree").join(id).is_dir())
        .map(|id| copy(cache, id, &all))
        .collect();
    all.extend(copies);
    all.extend(images.iter().map(|one| CacheFolder {
        kind: FolderKind::Image,
        name: one.image.key.to_string(),
        size: one.size,
        used: one.used,
    }));
    all.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| (a.kind, &a.name).cmp(&(b.kind, &b.name))));
    all
}

fn build(cache: &Path, name: String, images: &BTreeMap<&str, SystemTime>) -> CacheFolder {
    let folder = cache.join("build").join(&name);
    let key = cached_text(&folder.join(KEY_FILE)).unwrap_or_default();
    let used = images.get(key.as_str()).copied().max(modified(&folder.join("make.log")));
    let used = used.or_else(|| modified(&folder)).unwrap_or(SystemTime::UNIX_EPOCH);
    CacheFolder { kind: FolderKind::Build, size: disk_usage::taken(&folder), used, name }
}

fn copy(cache: &Path, name: String, builds: &[CacheFolder]) -> CacheFolder {
    let folder = cache.join("tree").join(&name);
    let of_it = builds.iter().filter(|build| cache_layout::is_build_of(&build.name, &name));
    let used = of_it.map(|build| build.used).max().or_else(|| modified(&folder));
    CacheFolder {
        kind: FolderKind::Copy,
        size: size_of_copy(&folder),
        used: used.unwrap_or(SystemTime::UNIX_EPOCH),
        name,
    }
}

/// The size of the working copy in `folder`. It has a hundred thousand files of which a few change, so it is measured
/// once, until it is made again.
fn size_of_copy(folder: &Path) -> Bytes {
    let file = folder.join(SIZE_FILE);
    let known = cached_text(&file).and_then(|text| text.trim().parse().ok());
    known.map(Bytes).unwrap_or_else(|| {
        let size = disk_usage::taken(folder);
        // If it cannot be stored, it is measured again.
        let _ = write_atomic(&file, size.0.to_string().as_bytes());
        size
    })
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

/// Every source that was ever built, by its lock, which stays.
fn sources(cache: &Path) -> Vec<String> {
    let names = names(&cache.join("tree"));
    names.iter().filter_map(|name| name.strip_suffix(".lock")).map(str::to_owned).collect()
}

/// Removes the longest unused folders until the rest is within `limit`, and reports each. The caller has no lock of a
/// source.
pub fn make_room(cache: &Path, limit: Bytes, progress: &Progress) -> io::Result<()> {
    let remove = |one: &CacheFolder| {
        let Some(_locks) = locks(cache, one) else { return Ok(false) };
        let folder = one.folder(cache);
        disk_usage::discard(cache, &folder)?;
        progress
            .say(&format!("kernel: the cache had more than {limit} of kernels: removed {}", shown(&folder)));
        Ok(true)
    };
    disk_usage::shrink(&cache_folders(cache), |one| one.size, limit, remove)
}

/// The locks that keep others from using `one`; none if it is in use, or a lock cannot be taken.
fn locks(cache: &Path, one: &CacheFolder) -> Option<Vec<Lock>> {
    let image = |key: &str| Lock::try_acquire(&image::lock(cache, &Key::new(key).ok()?)).ok().flatten();
    if one.kind == FolderKind::Image {
        return Some(vec![image(&one.name)?]);
    }
    // The longest name that fits is the source: one name may be the beginning of another.
    let of_it = |id: &String| cache_layout::is_build_of(&one.name, id);
    let source = sources(cache).into_iter().filter(of_it).max_by_key(String::len)?;
    let mut locks = vec![Lock::try_acquire(&cache_layout::source_lock(cache, &source)).ok().flatten()?];
    if one.kind == FolderKind::Copy {
        return cache_layout::builds(cache, &source).is_ok_and(|builds| builds.is_empty()).then_some(locks);
    }
    if let Some(key) = cached_text(&one.folder(cache).join(KEY_FILE)) {
        locks.push(image(&key)?);
    }
    Some(locks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;
    use std::fs::File;
    use std::time::Duration;

    fn aged(path: &Path, age: u64) {
        let file = File::options().append(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    }

    fn file(path: &Path, age: u64) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, vec![7; 9_000]).unwrap();
        aged(path, age);
    }

    fn add_image(cache: &Path, key: &str, age: u64) {
        let folder = cache.join("image").join(key);
        file(&folder.join("bzImage"), age);
        let mut bytes = crate::kernel::inspect::bzimage("7.3.4");
        bytes.resize(9_000, 7);
        fs::write(folder.join("bzImage"), bytes).unwrap();
        aged(&folder.join("bzImage"), age);
        file(&folder.join("config"), age);
        let about = r#"{"describe": "linux", "source": "7", "patches": [], "compiler": "gcc", "release": null,
                        "build": "/nonexistent"}"#;
        fs::write(folder.join(image::ABOUT), about).unwrap();
        aged(&folder.join(image::ABOUT), age);
    }

    fn add_build(cache: &Path, name: &str, key: &str, age: u64) {
        let folder = cache.join("build").join(name);
        file(&folder.join("make.log"), age);
        fs::write(folder.join(KEY_FILE), key).unwrap();
    }

    /// A source with two builds, one of which was used as late as its image.
    fn cache() -> tempfile::TempDir {
        let cache = tempfile::tempdir().unwrap();
        let root = cache.path();
        file(&root.join("tree/linux-7/src/Makefile"), 1_000);
        fs::write(root.join("tree/linux-7.lock"), "").unwrap();
        add_image(root, "old", 900);
        add_image(root, "new", 10);
        add_build(root, "linux-7", "old", 900);
        add_build(root, "linux-7+debug", "new", 800);
        cache
    }

    fn left(cache: &Path) -> Vec<(FolderKind, String)> {
        cache_folders(cache).into_iter().map(|one| (one.kind, one.name)).collect()
    }

    fn shrink_to(cache: &Path, limit: u64) {
        make_room(cache, Bytes(limit), &Progress::silent()).unwrap();
    }

    #[test]
    fn a_build_is_as_recent_as_its_image_and_a_working_copy_as_its_latest_build() {
        let cache = cache();
        let all = left(cache.path());
        let expected = [
            (FolderKind::Copy, "linux-7"),
            (FolderKind::Build, "linux-7+debug"),
            (FolderKind::Image, "new"),
            (FolderKind::Build, "linux-7"),
            (FolderKind::Image, "old"),
        ];
        assert_eq!(all, expected.map(|(holds, name)| (holds, name.to_owned())));
    }

    #[test]
    fn a_working_copy_is_measured_once() {
        let cache = cache();
        let size = |cache: &Path| {
            cache_folders(cache).into_iter().find(|one| one.kind == FolderKind::Copy).unwrap().size
        };
        let first = size(cache.path());
        assert!(first.0 >= 9_000, "{first:?}");
        file(&cache.path().join("tree/linux-7/src/Kconfig"), 1_000);
        assert_eq!(size(cache.path()), first);
        fs::remove_file(cache.path().join("tree/linux-7").join(SIZE_FILE)).unwrap();
        assert!(size(cache.path()) > first);
    }

    #[test]
    fn the_longest_unused_is_removed_and_no_more_than_needed() {
        let cache = cache();
        let sum: u64 = cache_folders(cache.path()).iter().map(|one| one.size.0).sum();
        shrink_to(cache.path(), sum);
        assert_eq!(left(cache.path()).len(), 5);
        shrink_to(cache.path(), sum - 1);
        assert_eq!(left(cache.path()).len(), 4);
        assert!(!cache.path().join("image/old").exists());
    }

    #[test]
    fn with_a_limit_of_zero_everything_unused_is_removed() {
        let cache = cache();
        shrink_to(cache.path(), 0);
        assert_eq!(left(cache.path()), []);
    }

    #[test]
    fn an_image_in_use_stays_with_its_build_and_its_working_copy() {
        let cache = cache();
        let image = image::find(cache.path(), &Key::new("old").unwrap()).unwrap();
        shrink_to(cache.path(), 0);
        let mut names: Vec<String> = left(cache.path()).into_iter().map(|(_, name)| name).collect();
        names.sort();
        assert_eq!(names, ["linux-7", "linux-7", "old"]);
        drop(image);
        shrink_to(cache.path(), 0);
        assert_eq!(left(cache.path()), []);
    }

    #[test]
    fn a_source_that_is_being_built_stays() {
        let cache = cache();
        let lock = Lock::acquire(&cache_layout::source_lock(cache.path(), "linux-7"), "nobody").unwrap();
        shrink_to(cache.path(), 0);
        assert_eq!(left(cache.path()).len(), 3);
        drop(lock);
    }
}
