//! The sections of the results as files in memory, until they are sent.

use super::failure::Failure;
use super::files;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const FOLDER: &str = "/run/damonlab";

/// Where one section is kept.
pub fn path(section: &str) -> PathBuf {
    Path::new(FOLDER).join(section)
}

/// Makes the file of a section, empty.
pub fn create(section: &str) -> Result<File, Failure> {
    fs::create_dir_all(FOLDER)?;
    let path = path(section);
    File::create(&path).map_err(|error| files::FileError::new("make", &path, &error).into())
}
