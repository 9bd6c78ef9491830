//! Where damonlab keeps things, and how a file gets its content at once or not at all.

use fs_err as fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// `$XDG_CACHE_HOME/damonlab`, else `~/.cache/damonlab`.
///
/// # Errors
/// Neither `XDG_CACHE_HOME` nor `HOME` is an absolute path.
pub fn cache() -> io::Result<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|folder| folder.join("damonlab"))
        .ok_or_else(|| {
            io::Error::other("no cache folder: neither XDG_CACHE_HOME nor HOME is an absolute path")
        })
}

/// Writes `content` to `path` through a temporary file in the same folder and a rename.
pub fn write_atomic(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder =
        path.parent().ok_or_else(|| io::Error::other(format!("{} has no folder", path.display())))?;
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_data()?;
    file.persist(path)?;
    Ok(())
}

/// The root of this source tree when damonlab was built from one that still stands: the folder with
/// `scenarios/`, `patches/` and `kernel-config/`. `DAMONLAB_HOME` names another.
pub fn project() -> PathBuf {
    match std::env::var_os("DAMONLAB_HOME") {
        Some(home) => PathBuf::from(home),
        None => {
            let here = Path::new(env!("CARGO_MANIFEST_DIR"));
            here.parent().unwrap_or(here).to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_atomic_write_replaces_the_whole_file_and_leaves_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/file");
        write_atomic(&path, b"a longer first content").unwrap();
        write_atomic(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path().join("deep")).unwrap().count(), 1);
    }
}
