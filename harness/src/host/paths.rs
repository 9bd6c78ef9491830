//! damonlab's folders, and files that get their content whole or not at all.

use super::text::shown;
use fs_err as fs;
use nix::sys::stat::{Mode, umask};
use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// How the names of temporary files and folders begin.
const SCRATCH: &str = ".new-";

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

/// `<temporary folder>/damonlab-<uid>`, with run folders and slots: made if it is missing, for this user alone.
///
/// # Errors
/// It cannot be made, or another user owns it.
pub fn runtime() -> io::Result<PathBuf> {
    let uid = nix::unistd::Uid::effective().as_raw();
    let folder = std::env::temp_dir().join(format!("damonlab-{uid}"));
    let failed = |cause| io::Error::other(format!("cannot use the folder {}: {cause}", shown(&folder)));
    match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
        Ok(()) => {}
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
        Err(cause) => return Err(failed(cause)),
    }
    let found = fs::symlink_metadata(&folder)?;
    if !found.is_dir() || found.uid() != uid {
        return Err(failed(io::Error::other(
            "it is not a folder that this user owns; set TMPDIR to a folder of yours",
        )));
    }
    // Somebody may have made it with fewer rights, or given it to everybody.
    if found.permissions().mode() & 0o777 != 0o700 {
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
    }
    Ok(folder)
}

/// Lets this process and its children use the files that they make. A umask may take rights from others, and with those
/// of the owner it would leave folders that stop every later run.
pub fn keep_own_rights() {
    let others = Mode::S_IRWXG | Mode::S_IRWXO;
    // There is no call that only reads it.
    let now = umask(others);
    umask(now & others);
}

/// Removes whatever is at `path`.
pub fn remove(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(cause),
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    }
}

/// Writes `content` to `path` through a temporary file in the same folder and a rename.
pub fn write_atomic(path: &Path, content: &[u8]) -> io::Result<()> {
    write_atomic_with(path, |out| out.write_all(content))
}

/// The same, for content that comes in pieces.
///
/// # Errors
/// What `write` returns, or why the file cannot be made; then `path` is as it was.
pub fn write_atomic_with<T, E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, E>,
) -> Result<T, E> {
    let folder = path.parent().ok_or_else(|| io::Error::other(format!("{} has no folder", shown(path))))?;
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(SCRATCH).tempfile_in(folder)?;
    let written = write(file.as_file_mut())?;
    file.as_file().sync_data()?;
    file.persist(path).map_err(io::Error::from)?;
    Ok(written)
}

/// A temporary folder inside `folder`, which is made if it is missing. The caller fills it and renames it.
pub fn scratch(folder: &Path) -> io::Result<tempfile::TempDir> {
    fs::create_dir_all(folder)?;
    tempfile::Builder::new().prefix(SCRATCH).tempdir_in(folder)
}

/// Removes the [`scratch`] folders that killed processes left. The caller has the lock that everyone takes who makes one
/// in `folder`.
pub fn sweep(folder: &Path) -> io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
    }
    Ok(())
}

/// The first executable file called `name` in the folders of `path` (as in `PATH`).
pub fn find_program(path: &OsStr, name: &str) -> Option<PathBuf> {
    std::env::split_paths(path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)).find(
        |file| {
            std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
        },
    )
}

/// `text` as one argument of a POSIX shell.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// Whether an argument of the command line is the path of a file and not a name: it has a slash or an extension.
pub fn names_a_file(argument: &str) -> bool {
    argument.contains('/') || Path::new(argument).extension().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::command;

    #[test]
    fn an_atomic_write_replaces_the_whole_file_and_leaves_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/file");
        write_atomic(&path, b"a longer first content").unwrap();
        write_atomic(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path().join("deep")).unwrap().count(), 1);
    }

    #[test]
    fn sweeping_removes_abandoned_scratch_folders_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        std::mem::forget(scratch(folder.path()).unwrap());
        fs::write(folder.path().join("other"), "").unwrap();
        sweep(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_program_is_an_executable_file_of_an_absolute_folder() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plain"), "").unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        for name in ["plain", "folder", "absent"] {
            assert_eq!(find_program(folder.path().as_os_str(), name), None, "{name}");
        }
        assert_eq!(find_program(OsStr::new("relative:/bin"), "sh"), Some(PathBuf::from("/bin/sh")));
    }

    #[test]
    fn a_quoted_argument_survives_the_shell() {
        let text = "it's a $HOME `path`";
        let mut shell = command::command_for("/bin/sh");
        let output = command::succeed(
            shell.arg("-c").arg(format!("printf %s {}", quoted(text))),
            command::Limits::QUERY,
        )
        .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        assert_eq!(quoted("/plain/path-1.2"), "/plain/path-1.2");
    }
}
