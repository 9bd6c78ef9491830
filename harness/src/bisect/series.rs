//! The series that is bisected: its patches, and where each of them lies as a file of its own.

use crate::host::paths;
use crate::kernel::{self, KernelError, Patch};
use crate::mutants::Header;
use std::io;
use std::path::{Path, PathBuf};

/// Patches in the order in which they are applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The patches.
    pub patches: Vec<Patch>,
}

/// Reads the series in `given`: patch files, or folders of them, sorted by name.
///
/// # Errors
/// A file that is no patch, or nothing at all.
pub fn series(given: &[PathBuf]) -> Result<Series, KernelError> {
    let mut files = Vec::new();
    for path in given {
        match path.is_dir() {
            false => files.push(path.clone()),
            true => files.extend(inside(path)?),
        }
    }
    let mut patches = kernel::read_patches(&files)?;
    for patch in &mut patches {
        let header = || Header::parse(&String::from_utf8_lossy(&patch.bytes)).ok()?.subject;
        patch.subject = patch.subject.take().or_else(header);
    }
    Ok(Series { patches })
}

fn inside(folder: &Path) -> Result<Vec<PathBuf>, KernelError> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        files.push(entry?.path());
    }
    files.retain(|path| path.extension().is_some_and(|ending| ending == "patch"));
    files.sort();
    match files.is_empty() {
        false => Ok(files),
        true => Err(KernelError::BadPatch {
            patch: folder.to_owned(),
            reason: "no file in this folder ends in .patch".to_owned(),
        }),
    }
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
    fn a_folder_of_patches_is_read_by_name_with_their_subjects() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("0002-b.patch", format!("Subject: [PATCH 2/2] mm: two\n\n{DIFF}")),
            ("0001-a.patch", format!("Subject: [PATCH 1/2] mm: one\n\n{DIFF}")),
            ("notes.txt", String::new()),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let series = series(&[folder.path().to_owned()]).unwrap();
        let titles: Vec<_> = series.patches.iter().map(Patch::title).collect();
        assert_eq!(titles, ["mm: one", "mm: two"]);
        let own = series.files(1, Path::new("/nowhere")).unwrap();
        assert_eq!(own, [folder.path().join("0001-a.patch")]);
    }

    #[test]
    fn a_patch_out_of_a_larger_file_gets_a_file_of_its_own_with_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let patch = Patch { path: folder.path().join("all.mbox"), subject: None, bytes: DIFF.into() };
        std::fs::write(&patch.path, "From somebody\n").unwrap();
        let files = Series { patches: vec![patch] }.files(1, &folder.path().join("series")).unwrap();
        assert_eq!(files, [folder.path().join("series/0001.patch")]);
        assert_eq!(std::fs::read_to_string(&files[0]).unwrap(), DIFF);
    }

    #[test]
    fn a_folder_without_patches_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = series(&[folder.path().to_owned()]).unwrap_err();
        assert!(error.to_string().ends_with(": no file in this folder ends in .patch"), "{error}");
    }
}
