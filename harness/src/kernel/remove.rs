//! The removal of kernels by name.

use super::cache_layout::{builds, source_lock};
use super::error::KernelError;
use super::image;
use crate::host::disk_usage;
use crate::host::lock::Lock;
use std::path::{Path, PathBuf};

/// Removes the images whose key begins with `name`, and the working copy and builds of the source `name`. Returns the
/// removed folders.
pub fn remove(cache: &Path, name: &str) -> Result<Vec<PathBuf>, KernelError> {
    let mut removed = Vec::new();
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Ok(removed);
    }
    for image in image::list(cache).iter().filter(|image| image.key.starts_with(name)) {
        removed.push(cache.join("image").join(&image.key));
    }
    let tree = cache.join("tree").join(name);
    let _lock = match tree.exists() {
        true => Some(Lock::acquire(&source_lock(cache, name), "a build from this source to end")?),
        false => None,
    };
    if tree.exists() {
        removed.push(tree);
        removed.extend(builds(cache, name)?);
    }
    for folder in &removed {
        disk_usage::discard(cache, folder)?;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;

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
}
