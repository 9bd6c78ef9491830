//! What kernels take in the cache besides their sources: images, the folders they are built in, working copies. And
//! which of these have to go, the longest unused first.
//!
//! What is in use stays: an image while a process of damonlab has it (its lock is shared), the folder of its build with
//! it, a working copy while any of its builds is there. Whoever builds from a source holds that source's lock.

use super::cache_layout;
use super::copy::SIZE_FILE;
use super::image::{self, KEY_FILE, names};
use super::stock;
use crate::host::disk_usage;
use crate::host::lock::Lock;
use crate::host::paths::write_atomic;
use crate::host::progress::Progress;
use damonlab_protocol::units::Bytes;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How much room all of it may take. A build folder has about 250 MB, a working copy 1.8 GB where it could not be made
/// of links.
const LIMIT: Bytes = Bytes(10 << 30);

/// Overrides [`LIMIT`], in MiB.
pub const LIMIT_VARIABLE: &str = "DAMONLAB_KERNELS_MIB";

/// What a folder of the cache holds. Of equally old ones the later goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// The files of a source with patches, as make sees them.
    Copy,
    /// What make wrote.
    Build,
    /// A kernel to boot.
    Image,
}

/// A folder of the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What it holds.
    pub holds: Holds,
    /// Its name: an image's key, or a source's with the names of config fragments.
    pub name: String,
    /// What it takes.
    pub size: Bytes,
    /// When it was made or last asked for.
    pub used: SystemTime,
}

impl Held {
    fn folder(&self, cache: &Path) -> PathBuf {
        let kind = match self.holds {
            Holds::Copy => "tree",
            Holds::Build => "build",
            Holds::Image => "image",
        };
        cache.join(kind).join(&self.name)
    }
}

/// The limit that holds: 10 GiB, or `DAMONLAB_KERNELS_MIB`.
pub fn limit() -> Bytes {
    disk_usage::limit(LIMIT_VARIABLE, LIMIT)
}

/// All of it, the last used first.
pub fn held(cache: &Path) -> Vec<Held> {
    let images = stock::kept(cache);
    let asked: BTreeMap<&str, SystemTime> =
        images.iter().map(|one| (one.image.key.as_str(), one.used)).collect();
    let mut all: Vec<Held> =
        names(&cache.join("build")).into_iter().map(|name| build(cache, name, &asked)).collect();
    let copies: Vec<Held> = sources(cache)
        .into_iter()
        .filter(|id| cache.join("tree").join(id).is_dir())
        .map(|id| copy(cache, id, &all))
        .collect();
    all.extend(copies);
    all.extend(images.iter().map(|one| Held {
        holds: Holds::Image,
        name: one.image.key.clone(),
        size: one.size,
        used: one.used,
    }));
    all.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| (a.holds, &a.name).cmp(&(b.holds, &b.name))));
    all
}

fn build(cache: &Path, name: String, asked: &BTreeMap<&str, SystemTime>) -> Held {
    let folder = cache.join("build").join(&name);
    let key = std::fs::read_to_string(folder.join(KEY_FILE)).unwrap_or_default();
    let used = asked.get(key.as_str()).copied().max(modified(&folder.join("make.log")));
    let used = used.or_else(|| modified(&folder)).unwrap_or(SystemTime::UNIX_EPOCH);
    Held { holds: Holds::Build, size: disk_usage::taken(&folder), used, name }
}

fn copy(cache: &Path, name: String, builds: &[Held]) -> Held {
    let folder = cache.join("tree").join(&name);
    let of_it = builds.iter().filter(|build| cache_layout::is_build_of(&build.name, &name));
    let used = of_it.map(|build| build.used).max().or_else(|| modified(&folder));
    Held {
        holds: Holds::Copy,
        size: size_of_copy(&folder),
        used: used.unwrap_or(SystemTime::UNIX_EPOCH),
        name,
    }
}

/// What the working copy in `folder` takes. It has a hundred thousand files and changes by a few of them, so it is measured
/// once, until it is made anew.
fn size_of_copy(folder: &Path) -> Bytes {
    let kept = folder.join(SIZE_FILE);
    let known = std::fs::read_to_string(&kept).ok().and_then(|text| text.trim().parse().ok());
    known.map(Bytes).unwrap_or_else(|| {
        let size = disk_usage::taken(folder);
        // Where it cannot be kept, it is measured again.
        let _ = write_atomic(&kept, size.0.to_string().as_bytes());
        size
    })
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

/// Every source that was ever built from: its lock stays.
fn sources(cache: &Path) -> Vec<String> {
    let names = names(&cache.join("tree"));
    names.iter().filter_map(|name| name.strip_suffix(".lock")).map(str::to_owned).collect()
}

/// Removes what has been unused for the longest until the rest is within `limit`, and says so. The caller holds no lock
/// of a source.
pub fn make_room(cache: &Path, limit: Bytes, progress: &Progress) -> io::Result<()> {
    let remove = |one: &Held| {
        let Some(_locks) = unused(cache, one) else { return Ok(false) };
        let folder = one.folder(cache);
        disk_usage::discard(cache, &folder)?;
        progress.say(&format!("kernel: more than {limit} of kernels: removed {}", folder.display()));
        Ok(true)
    };
    disk_usage::shrink(&held(cache), |one| one.size, limit, remove)
}

/// The locks that keep `one` from being used; none if it is in use, or a lock cannot be had.
fn unused(cache: &Path, one: &Held) -> Option<Vec<Lock>> {
    let image = |key: &str| Lock::try_acquire(&image::lock(cache, key)).ok().flatten();
    if one.holds == Holds::Image {
        return Some(vec![image(&one.name)?]);
    }
    // The longest name is the source: one may begin as another does.
    let of_it = |id: &String| cache_layout::is_build_of(&one.name, id);
    let source = sources(cache).into_iter().filter(of_it).max_by_key(String::len)?;
    let mut locks = vec![Lock::try_acquire(&cache_layout::source_lock(cache, &source)).ok().flatten()?];
    if one.holds == Holds::Copy {
        return cache_layout::builds(cache, &source).is_ok_and(|builds| builds.is_empty()).then_some(locks);
    }
    if let Ok(key) = std::fs::read_to_string(one.folder(cache).join(KEY_FILE)) {
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

    /// A source with two builds, one of which was asked for as late as its image.
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

    fn left(cache: &Path) -> Vec<(Holds, String)> {
        held(cache).into_iter().map(|one| (one.holds, one.name)).collect()
    }

    fn shrink_to(cache: &Path, limit: u64) {
        make_room(cache, Bytes(limit), &Progress::silent()).unwrap();
    }

    #[test]
    fn a_build_is_as_young_as_its_image_and_a_working_copy_as_its_youngest_build() {
        let cache = cache();
        let all = left(cache.path());
        let expected = [
            (Holds::Copy, "linux-7"),
            (Holds::Build, "linux-7+debug"),
            (Holds::Image, "new"),
            (Holds::Build, "linux-7"),
            (Holds::Image, "old"),
        ];
        assert_eq!(all, expected.map(|(holds, name)| (holds, name.to_owned())));
    }

    #[test]
    fn a_working_copy_is_measured_once() {
        let cache = cache();
        let size = |cache: &Path| held(cache).into_iter().find(|one| one.holds == Holds::Copy).unwrap().size;
        let first = size(cache.path());
        assert!(first.0 >= 9_000, "{first:?}");
        file(&cache.path().join("tree/linux-7/src/Kconfig"), 1_000);
        assert_eq!(size(cache.path()), first);
        fs::remove_file(cache.path().join("tree/linux-7").join(SIZE_FILE)).unwrap();
        assert!(size(cache.path()) > first);
    }

    #[test]
    fn the_longest_unused_goes_and_no_more_than_must() {
        let cache = cache();
        let sum: u64 = held(cache.path()).iter().map(|one| one.size.0).sum();
        shrink_to(cache.path(), sum);
        assert_eq!(left(cache.path()).len(), 5);
        shrink_to(cache.path(), sum - 1);
        assert_eq!(left(cache.path()).len(), 4);
        assert!(!cache.path().join("image/old").exists());
    }

    #[test]
    fn nothing_is_kept_that_nobody_uses() {
        let cache = cache();
        shrink_to(cache.path(), 0);
        assert_eq!(left(cache.path()), []);
    }

    #[test]
    fn an_image_that_somebody_has_stays_with_its_build_and_its_working_copy() {
        let cache = cache();
        let image = image::find(cache.path(), "old").unwrap();
        shrink_to(cache.path(), 0);
        let mut names: Vec<String> = left(cache.path()).into_iter().map(|(_, name)| name).collect();
        names.sort();
        assert_eq!(names, ["linux-7", "linux-7", "old"]);
        drop(image);
        shrink_to(cache.path(), 0);
        assert_eq!(left(cache.path()), []);
    }

    #[test]
    fn what_is_built_from_right_now_stays() {
        let cache = cache();
        let lock = Lock::acquire(&cache_layout::source_lock(cache.path(), "linux-7"), || {}).unwrap();
        shrink_to(cache.path(), 0);
        assert_eq!(left(cache.path()).len(), 3);
        drop(lock);
    }
}
