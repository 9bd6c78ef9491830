//! Files of the current folder before those of [`home`].

use super::home::{Origin, home, origin_of_home, this_folder};
use std::path::{Component, Path, PathBuf};

/// The folders of what ships: those that `build.rs` packs.
const SHIPPED: [&str; 5] = ["examples", "kernel-config", "patches", "scenarios", "snapshots"];

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

/// The path that a user gave: what is there, else what ships under that name (`examples/rules/goals.yaml`), else the same.
pub fn given(path: PathBuf) -> PathBuf {
    let ships = SHIPPED.iter().any(|folder| path.starts_with(folder));
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if !ships || !plain || path.symlink_metadata().is_ok() {
        return path;
    }
    let found = home().join(&path);
    if found.exists() { found } else { path }
}

/// Where the file at `path` comes from, if it is in one of [`folders`].
pub fn origin(path: &Path) -> Origin {
    if path.starts_with(home()) { origin_of_home() } else { Origin::ThisFolder }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_not_there_is_one_that_ships_or_stays_as_it_is() {
        let shipped = "examples/rules/goals.yaml";
        assert_eq!(given(shipped.into()), home().join(shipped));
        for other in
            ["examples/rules/none.yaml", "mine.yaml", "scenarios/../Cargo.toml", "Cargo.toml", "/scenarios/x"]
        {
            assert_eq!(given(other.into()), PathBuf::from(other));
        }
    }

    #[test]
    fn a_file_that_ships_is_found_in_its_folder() {
        assert_eq!(file("scenarios", "idle.yaml"), home().join("scenarios/idle.yaml"));
        assert_eq!(file("scenarios", "no-such.yaml"), home().join("scenarios/no-such.yaml"));
    }
}
