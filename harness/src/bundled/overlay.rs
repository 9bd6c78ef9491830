//! Files of the current folder before those of [`home`].

use super::home::{Origin, home, origin_of_home, this_folder};
use std::path::{Path, PathBuf};

/// The folders that have files of the kind `name` (`scenarios`, `scenarios/machines`, `snapshots`). The first that has a
/// name wins.
pub fn folders(name: &str) -> Vec<PathBuf> {
    let mut found = vec![home().join(name)];
    let here = this_folder().map(|here| here.join(name)).filter(|here| here.is_dir() && *here != found[0]);
    found.splice(0..0, here);
    found
}

/// The path of a file: the current folder's, else that of [`home`], whether it is there or not.
pub fn file(folder: &str, name: &str) -> PathBuf {
    let found = folders(folder).into_iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| home().join(folder).join(name))
}

/// Where the file at `path` comes from, if it is in one of [`folders`].
pub fn origin(path: &Path) -> Origin {
    if path.starts_with(home()) { origin_of_home() } else { Origin::ThisFolder }
}
