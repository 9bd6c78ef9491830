//! The series that is bisected: its patches, and where each of them lies as a file of its own.

use crate::host::paths;
use crate::kernel::{KernelError, Patch};
use std::io;
use std::path::{Path, PathBuf};

/// Patches in the order in which they are applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The patches.
    pub patches: Vec<Patch>,
    /// What there was to say of reading them.
    pub told: Vec<String>,
}

/// Reads the series in `given`, which is whatever [`crate::series::read`] reads.
///
/// # Errors
/// What that refuses.
pub fn series(given: &[PathBuf]) -> Result<Series, KernelError> {
    let crate::series::Series { patches, notes: told, .. } = crate::series::read(given)?;
    Ok(Series { patches, told })
}

impl Series {
    /// A file for each of the first `applied` patches: its own, or, where it came out of something larger, a copy below
    /// `folder`. The bytes are the same, and so is the kernel that is made of them.
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
    fn a_patch_out_of_a_larger_file_gets_a_file_of_its_own_with_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let patch = Patch { path: folder.path().join("all.mbox"), subject: None, bytes: DIFF.into() };
        std::fs::write(&patch.path, "From somebody\n").unwrap();
        let files = Series { patches: vec![patch], told: Vec::new() }
            .files(1, &folder.path().join("series"))
            .unwrap();
        assert_eq!(files, [folder.path().join("series/0001.patch")]);
        assert_eq!(std::fs::read_to_string(&files[0]).unwrap(), DIFF);
    }
}
