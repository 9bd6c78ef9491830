//! The series that is bisected, and each of its patches as a file.

use crate::host::paths;
use crate::kernel::{KernelError, Patch};
use std::io;
use std::path::{Path, PathBuf};

/// Patches in the order in which they are applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The patches.
    pub patches: Vec<Patch>,
    /// What the user should know about how the series was read.
    pub notes: Vec<String>,
}

/// Reads a series from the sources that [`crate::series::read`] accepts.
///
/// # Errors
/// Those of [`crate::series::read`].
pub fn series(paths: &[PathBuf]) -> Result<Series, KernelError> {
    let crate::series::Series { patches, notes, .. } = crate::series::read(paths)?;
    Ok(Series { patches, notes })
}

impl Series {
    /// A file for each of the first `applied` patches: its own, or a copy below `folder` if the patch is part of a larger
    /// file. The bytes are the same, so the kernel is the same too.
    ///
    /// # Errors
    /// A copy cannot be written.
    pub fn files(&self, applied: usize, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let one = |(index, patch): (usize, &Patch)| {
            if std::fs::read(&patch.path).is_ok_and(|bytes| bytes == patch.bytes) {
                return Ok(patch.path.clone());
            }
            let copy = folder.join(format!("{:04}.patch", index + 1));
            paths::write_atomic(&copy, &patch.bytes)?;
            Ok(copy)
        };
        self.patches.iter().take(applied).enumerate().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";

    #[test]
    fn a_patch_in_a_larger_file_is_copied_to_a_file_with_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let patch = Patch { path: folder.path().join("all.mbox"), subject: None, bytes: DIFF.into() };
        std::fs::write(&patch.path, "From somebody\n").unwrap();
        let files = Series { patches: vec![patch], notes: Vec::new() }
            .files(1, &folder.path().join("series"))
            .unwrap();
        assert_eq!(files, [folder.path().join("series/0001.patch")]);
        assert_eq!(std::fs::read_to_string(&files[0]).unwrap(), DIFF);
    }
}
