//! Stored recordings for tests.

use fs_err as fs;
use std::path::{Path, PathBuf};

/// The folder of a recording in `harness/tests/recordings`.
pub(crate) fn stored(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(name)
}

/// The names of all of them, sorted.
pub(crate) fn all() -> Vec<String> {
    let entries = fs::read_dir(stored("")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Copies a stored recording into the folder `to`, which is created if there is none.
pub(crate) fn copy(name: &str, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(stored(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}
