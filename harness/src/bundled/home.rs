//! The folder that has all files that damonlab ships with, and its copy in the cache.
//!
//! A copy is named by its content and gets its name once it is complete. One that lost files, or whose files were cut
//! short by a crash, is made again. Where neither the cache nor the folder for temporary files can be written, [`home`]
//! names a folder that is not there, and [`failure`] says why: what is read from it then fails, and the command line
//! reports the cause in place of the missing file.

use super::archive::{self, Entry};
use crate::host::fault::{Fault, Faulty};
use crate::host::text::shown;
use crate::host::{paths, variables};
use fs_err as fs;
use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folders that a source tree has, or what `damonlab export-data` wrote.
const WHOLE: [&str; 3] = ["scenarios", "patches", "kernel-config"];

/// Where a file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The current folder.
    ThisFolder,
    /// The folder that `DAMONLAB_HOME` names.
    Variable,
    /// The program.
    BuiltIn,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::ThisFolder => "this folder",
            Origin::Variable => variables::HOME,
            Origin::BuiltIn => "built in",
        })
    }
}

/// The built-in files could not be unpacked.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot unpack the built-in scenarios, patches and configurations into {}: {cause}; set XDG_CACHE_HOME to a folder \
     that you can write, or use DAMONLAB_HOME=DIR after `damonlab export-data DIR`", shown(.folder)
)]
pub struct UnpackError {
    folder: PathBuf,
    cause: io::Error,
}

impl Faulty for UnpackError {
    fn fault(&self) -> Fault {
        Fault::Infra
    }
}

#[derive(Debug)]
struct Home {
    path: PathBuf,
    origin: Origin,
    failure: Option<UnpackError>,
}

/// The folder with `scenarios/`, `patches/`, `kernel-config/`, `examples/` and `snapshots/`.
pub fn home() -> PathBuf {
    found().path.clone()
}

/// Why [`home`] is not there, if the built-in files were needed and could not be unpacked.
pub fn failure() -> Option<&'static UnpackError> {
    HOME.get().and_then(|home| home.failure.as_ref())
}

/// What [`home`] is.
pub(super) fn origin_of_home() -> Origin {
    found().origin
}

static HOME: OnceLock<Home> = OnceLock::new();

fn found() -> &'static Home {
    HOME.get_or_init(|| {
        if let Some(named) = variables::value(variables::HOME) {
            // cargo's own value ends with a slash.
            let path: PathBuf = Path::new(&named).components().collect();
            let is_here = std::env::current_dir().is_ok_and(|here| here == path);
            let origin = if is_here { Origin::ThisFolder } else { Origin::Variable };
            return Home { path, origin, failure: None };
        }
        if let Some(here) = this_folder().filter(|here| WHOLE.iter().all(|name| here.join(name).is_dir())) {
            return Home { path: here, origin: Origin::ThisFolder, failure: None };
        }
        let folders: Vec<PathBuf> = [paths::cache(), paths::runtime()].into_iter().flatten().collect();
        let (path, failure) = unpacked(&folders);
        Home { path, origin: Origin::BuiltIn, failure }
    })
}

/// The current folder. One that everybody may write to (`/tmp`) does not count: patches of a stranger would be built.
pub(super) fn this_folder() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let found = std::fs::metadata(&here).ok()?;
    (found.permissions().mode() & 0o002 == 0).then_some(here)
}

/// The unpacked files below the first of `folders` that can have them.
fn unpacked(folders: &[PathBuf]) -> (PathBuf, Option<UnpackError>) {
    let mut failure = None;
    for folder in folders {
        let folder = folder.join("bundled");
        match archive::entries().and_then(|entries| unpack(&entries, &folder)) {
            Ok(home) => return (home, None),
            Err(cause) => failure = failure.or(Some(UnpackError { folder, cause })),
        }
    }
    let failure = failure.unwrap_or_else(|| UnpackError {
        folder: PathBuf::from("the cache"),
        cause: io::Error::other("there is no cache folder"),
    });
    (failure.folder.join(&*archive::key()), Some(failure))
}

fn unpack(entries: &[Entry], folder: &Path) -> io::Result<PathBuf> {
    let home = folder.join(&*archive::key());
    if is_complete(&home, entries) {
        return Ok(home);
    }
    let scratch = paths::scratch(folder)?;
    let new = scratch.path().join("new");
    for entry in entries {
        let path = new.join(&entry.name);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, &entry.bytes)?;
    }
    if home.exists() {
        // It goes with the scratch folder. Another process may have put it right meanwhile.
        let _ = fs::rename(&home, scratch.path().join("old"));
    }
    match fs::rename(&new, &home) {
        Err(cause) if !is_complete(&home, entries) => Err(cause),
        _ => Ok(home),
    }
}

fn is_complete(home: &Path, entries: &[Entry]) -> bool {
    entries.iter().all(|entry| {
        let found = std::fs::symlink_metadata(home.join(&entry.name));
        found.is_ok_and(|found| found.is_file() && found.len() == entry.bytes.len() as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_unpacked_once_and_again_where_one_was_lost_or_cut_short() {
        let cache = tempfile::tempdir().unwrap();
        let folders = [cache.path().to_owned()];
        let (home, failure) = unpacked(&folders);
        assert!(failure.is_none(), "{failure:?}");
        let idle = home.join("scenarios/idle.yaml");
        let text = fs::read_to_string(&idle).unwrap();
        let made = fs::metadata(&idle).unwrap().modified().unwrap();
        assert_eq!(unpacked(&folders).0, home);
        assert_eq!(fs::metadata(&idle).unwrap().modified().unwrap(), made, "it is not unpacked again");
        fs::write(&idle, "").unwrap();
        fs::remove_file(home.join("kernel-config/base.config")).unwrap();
        assert_eq!(unpacked(&folders).0, home);
        assert_eq!(fs::read_to_string(&idle).unwrap(), text);
        assert!(home.join("kernel-config/base.config").is_file());
        assert_eq!(fs::read_dir(cache.path().join("bundled")).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn where_the_cache_cannot_be_written_the_next_folder_is_used() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let (home, failure) = unpacked(&[file.clone(), place.path().join("other")]);
        assert!(failure.is_none(), "{failure:?}");
        assert!(home.starts_with(place.path().join("other")), "{home:?}");
        let (home, failure) = unpacked(std::slice::from_ref(&file));
        assert!(!home.exists());
        let text = failure.unwrap().to_string();
        assert!(text.contains(&format!("{}/bundled", file.display())), "{text}");
        assert!(text.contains("XDG_CACHE_HOME"), "{text}");
    }
}
