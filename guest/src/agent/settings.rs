//! Files of the kernel outside DAMON's sysfs that the scenario sets: before the workloads start, and in steps.

use super::files;
use damonlab_protocol::kernel_file::{self, FileWrite};
use damonlab_protocol::missing_feature::MissingFeature;
use damonlab_protocol::plan::Step;
use damonlab_protocol::record::Refusal;
use nix::errno::Errno;
use std::path::Path;

/// Why a file did not take its value.
pub enum SettingError {
    /// The kernel does not have the file.
    Missing(MissingFeature),
    /// The kernel refused the value.
    Refused(Refusal),
}

/// A refusal that nothing expected, in one sentence.
pub fn unexpected(refusal: &Refusal) -> String {
    format!("the kernel refused to take '{}' into {} with {}", refusal.value, refusal.file, refusal.errno)
}

/// Writes one value. A file that is not there is a missing feature of the kernel.
pub fn write(path: &str, value: &str) -> Result<(), SettingError> {
    let refused = |errno| {
        SettingError::Refused(Refusal {
            errno: files::errno_name(errno),
            file: path.to_owned(),
            value: value.to_owned(),
        })
    };
    // The host has checked it too; a plan may come from elsewhere.
    kernel_file::check(path).map_err(|_| refused(Errno::EPERM))?;
    files::write(path, value).map_err(|error| match error.errno {
        Errno::ENOENT if !Path::new(path).exists() => {
            SettingError::Missing(MissingFeature::Path { path: path.to_owned(), value: value.to_owned() })
        }
        errno => refused(errno),
    })
}

/// The feature that is missing where the kernel does not have the file outside of DAMON's that a step writes.
pub fn missing_file(step: &Step) -> Option<MissingFeature> {
    match step {
        Step::Write { file, value, .. } if file.starts_with('/') && !Path::new(file).exists() => {
            Some(MissingFeature::Path { path: file.clone(), value: value.clone() })
        }
        _ => None,
    }
}

/// Writes all of them, up to the first that fails.
pub fn apply(writes: &[FileWrite]) -> Result<(), SettingError> {
    writes.iter().try_for_each(|one| write(&one.path, &one.value))
}

/// What a file has now, if it can be read.
pub fn read_back(path: &str) -> Option<FileWrite> {
    files::read_back(Path::new(path), path)
}
