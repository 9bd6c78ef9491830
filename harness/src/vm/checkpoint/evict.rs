//! Lists checkpoints with their size, and removes the longest unused ones.

use super::files::{self, ABOUT, About, FILES, USED};
use super::store::Store;
use crate::host::lock::Lock;
use crate::host::names::Key;
use crate::host::{disk_usage, regular_file, variables};
use damonlab_protocol::units::Bytes;
use fs_err as fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

/// How much of the disk all checkpoints may take. One of a 1 GiB guest has about 70 MB.
const LIMIT: Bytes = Bytes(4 << 30);

/// A checkpoint in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: Key,
    /// The scenario that made it, and the kernel.
    pub describe: String,
    /// Its size on the disk.
    pub size: Bytes,
    used: SystemTime,
}

/// The limit in force: `DAMONLAB_CHECKPOINTS_MIB`, else 4 GiB.
pub fn limit() -> Bytes {
    disk_usage::limit(variables::CHECKPOINTS_MIB, LIMIT)
}

/// All checkpoints of a store, the last used first.
pub fn list(store: &Store) -> Vec<Listed> {
    let entries = fs::read_dir(&store.folder).into_iter().flatten().flatten();
    let mut all: Vec<Listed> = entries.filter_map(|entry| listed(&entry.path())).collect();
    all.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.key.cmp(&b.key)));
    all
}

fn listed(place: &Path) -> Option<Listed> {
    let about: About =
        serde_json::from_slice(&regular_file::bytes(&place.join(ABOUT), files::LIMIT).ok()?).ok()?;
    // Its key is where it is removed.
    if place.file_name() != Some(about.key.as_str().as_ref()) {
        return None;
    }
    let files = FILES.iter().copied().chain(about.ram.iter().map(String::as_str));
    let blocks = files.map(|name| std::fs::metadata(place.join(name)).map_or(0, |file| file.blocks()));
    let blocks: u64 = blocks.sum();
    let used = std::fs::metadata(place.join(USED)).and_then(|file| file.modified());
    Some(Listed {
        key: about.key,
        describe: about.describe,
        size: Bytes(blocks * 512),
        used: used.unwrap_or(SystemTime::UNIX_EPOCH),
    })
}

/// Removes the longest unused checkpoints until the rest is within `limit`, but never `keep` or one in use.
pub(super) fn evict(store: &Store, limit: Bytes, keep: &Key) -> io::Result<()> {
    let remove = |one: &Listed| {
        let Ok(Some(_lock)) = Lock::try_acquire(&store.lock(&one.key)) else { return Ok(false) };
        fs::remove_dir_all(store.place(&one.key))?;
        Ok(true)
    };
    disk_usage::shrink(
        &list(store),
        |one| one.size,
        limit,
        |one| if one.key == *keep { Ok(false) } else { remove(one) },
    )
}
