//! How much of the disk a part of the cache takes, its limit, and what is removed first.

use super::lock::Lock;
use super::{paths, variables};
use damonlab_protocol::units::Bytes;
use fs_err as fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The limit in force: the MiB in the environment `variable`, else `default`.
pub fn limit(variable: &str, default: Bytes) -> Bytes {
    let mebibytes = variables::number::<u64>(variable);
    mebibytes.map_or(default, |mebibytes| Bytes(mebibytes.saturating_mul(Bytes::MIB.0)))
}

/// What the files below `folder` take on the disk. Files with another hard link are not counted: to remove them would
/// free nothing.
pub fn taken(folder: &Path) -> Bytes {
    let mut sum = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // Files may vanish meanwhile.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                Ok(meta) if meta.nlink() == 1 => sum += meta.blocks() * 512,
                Ok(_) | Err(_) => {}
            }
        }
    }
    Bytes(sum)
}

/// Removes a folder of the cache. It is renamed first, so that nobody sees a part of it under its name, not even after a
/// kill. What an earlier kill left is removed too.
///
/// # Errors
/// It could not be renamed or removed.
pub fn discard(cache: &Path, folder: &Path) -> io::Result<()> {
    let waste = cache.join("waste");
    let _lock = Lock::acquire(&cache.join("waste.lock"), "another damonlab to remove files from the cache")
        .map_err(io::Error::other)?;
    paths::sweep(&waste)?;
    // A rename replaces an empty folder.
    let place = paths::scratch(&waste)?;
    fs::rename(folder, place.path())?;
    place.close()
}

/// Removes items from the end of `all`, which is sorted by last use with the latest first, until the rest is within
/// `limit`. `remove` returns whether it did: what is in use stays.
///
/// # Errors
/// `remove` failed.
pub fn shrink<T>(
    all: &[T],
    size: impl Fn(&T) -> Bytes,
    limit: Bytes,
    mut remove: impl FnMut(&T) -> io::Result<bool>,
) -> io::Result<()> {
    let mut sum: u64 = all.iter().map(|one| size(one).0).sum();
    for one in all.iter().rev() {
        if sum <= limit.0 {
            break;
        }
        if remove(one)? {
            sum -= size(one).0;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removed(limit: u64, in_use: &[u64]) -> Vec<u64> {
        let mut gone = Vec::new();
        let remove = |one: &u64| {
            let goes = !in_use.contains(one);
            gone.extend(goes.then_some(*one));
            Ok(goes)
        };
        shrink(&[1, 2, 3, 4], |one| Bytes(*one), Bytes(limit), remove).unwrap();
        gone
    }

    #[test]
    fn the_longest_unused_is_removed_first_and_no_more_than_needed() {
        assert_eq!(removed(10, &[]), [0; 0]);
        assert_eq!(removed(9, &[]), [4]);
        assert_eq!(removed(3, &[]), [4, 3]);
    }

    #[test]
    fn what_is_in_use_stays_and_the_next_one_is_removed() {
        assert_eq!(removed(9, &[4]), [3]);
        assert_eq!(removed(0, &[1, 2, 3, 4]), [0; 0]);
    }

    #[test]
    fn a_file_with_two_hard_links_is_not_counted() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("a/b");
        fs_err::create_dir_all(&inside).unwrap();
        fs_err::write(inside.join("one"), [1; 5000]).unwrap();
        let one = taken(folder.path());
        assert!(one.0 >= 5000, "{one:?}");
        fs_err::write(folder.path().join("outside"), [1; 5000]).unwrap();
        fs_err::hard_link(folder.path().join("outside"), inside.join("two")).unwrap();
        assert_eq!(taken(&folder.path().join("a")), one);
    }

    #[test]
    fn a_discarded_folder_is_gone_and_so_is_what_a_killed_process_left() {
        let cache = tempfile::tempdir().unwrap();
        let left = paths::scratch(&cache.path().join("waste")).unwrap().keep();
        let folder = cache.path().join("build/one");
        fs::create_dir_all(folder.join("inside")).unwrap();
        discard(cache.path(), &folder).unwrap();
        assert!(!folder.exists() && !left.exists());
        assert_eq!(fs::read_dir(cache.path().join("waste")).unwrap().count(), 0);
        assert!(discard(cache.path(), &folder).is_err());
    }
}
