//! A stored recording that fails.

use std::fs;
use std::path::Path;

/// Copies the recording `stored` into the new or empty `folder`; its scenario expects what cannot be.
pub fn copy(stored: &Path, folder: &Path) {
    copy_of(stored, folder);
    let scenario = folder.join("scenario.yaml");
    let text = fs::read_to_string(&scenario).expect("a scenario");
    let text = text.replace("expect:\n", "expect:\n  - {count: damos_esz, at_least: 1000000}\n");
    fs::write(&scenario, text).expect("a scenario");
}

/// Copies the recording as it is.
pub fn copy_of(stored: &Path, folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    for entry in fs::read_dir(stored).expect("a recording") {
        let path = entry.expect("a file").path();
        fs::copy(&path, folder.join(path.file_name().expect("a name"))).expect("a copy");
    }
}
