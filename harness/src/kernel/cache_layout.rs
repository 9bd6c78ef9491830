//! The places of a source's lock and build folders in the cache.

use super::error::KernelError;
use std::path::{Path, PathBuf};

/// The lock of the source `id`: a build from it takes the lock.
pub(super) fn source_lock(cache: &Path, id: &str) -> PathBuf {
    cache.join("tree").join(format!("{id}.lock"))
}

/// Whether the build folder `name` belongs to the source `id`, with extra fragments or without.
pub(super) fn is_build_of(name: &str, id: &str) -> bool {
    name.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with('+'))
}

/// The build folders of the source `id`, with extra fragments or without.
pub(super) fn builds(cache: &Path, id: &str) -> Result<Vec<PathBuf>, KernelError> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(cache.join("build")) else { return Ok(found) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_build_of(&name, id) {
            found.push(entry.path());
        }
    }
    Ok(found)
}
