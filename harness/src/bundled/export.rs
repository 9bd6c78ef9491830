//! The built-in files, written into a folder to be read and changed.

use super::archive;
use crate::host::fault::{Fault, Faulty};
use crate::host::text::shown;
use fs_err as fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What an export did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The number of files that were written.
    pub written: usize,
    /// The number of files that were there with the same content.
    pub same: usize,
    /// The files that were there with other content and stay as they are.
    pub kept: Vec<PathBuf>,
}

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {cause}; give another DIR", shown(.path))]
pub struct ExportError {
    path: PathBuf,
    cause: io::Error,
}

impl Faulty for ExportError {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

/// Writes the built-in files below `dir`, which is made if it is missing. What is there already is never overwritten.
///
/// # Errors
/// A file or a folder cannot be made; those before it are written.
pub fn export(dir: &Path) -> Result<Exported, ExportError> {
    let failed = |path: &Path, cause| ExportError { path: path.to_owned(), cause };
    let mut exported = Exported::default();
    for entry in archive::entries().map_err(|cause| failed(dir, cause))? {
        let path = dir.join(&entry.name);
        match write_new(&path, &entry.bytes) {
            Ok(true) => exported.written += 1,
            Ok(false) if fs::read(&path).is_ok_and(|found| found == entry.bytes) => exported.same += 1,
            Ok(false) => exported.kept.push(path),
            Err(cause) => return Err(failed(&path, cause)),
        }
    }
    Ok(exported)
}

/// Whether the file was written: false if something is there.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    if path.symlink_metadata().is_ok() {
        return Ok(false);
    }
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    use std::os::unix::fs::PermissionsExt;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_writes_everything_once_and_overwrites_nothing() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("deep/data");
        let first = export(&dir).unwrap();
        assert!(first.written > 150 && first.same == 0 && first.kept.is_empty(), "{first:?}");
        let idle = dir.join("scenarios/idle.yaml");
        fs::write(&idle, "mine\n").unwrap();
        let second = export(&dir).unwrap();
        assert_eq!(second, Exported { written: 0, same: first.written - 1, kept: vec![idle.clone()] });
        assert_eq!(fs::read_to_string(&idle).unwrap(), "mine\n");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let error = export(&file).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot write {}/", file.display())), "{error}");
    }
}
