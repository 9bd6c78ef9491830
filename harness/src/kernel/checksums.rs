//! Lists of checksums as `sha256sum` writes them and kernel.org has them beside its tarballs.

use super::error::KernelError;
use super::version_request::VersionRequest;
use crate::host::command::{self, Limits, command_for};
use crate::setup::Version;
use fs_err as fs;
use std::path::Path;

/// kernel.org's list in a folder of tarballs.
pub(super) const LIST: &str = "sha256sums.asc";

/// The newest version in a list, `CHECKSUM  linux-VERSION.tar.xz`, that is `wanted`.
pub(super) fn newest(list: &str, wanted: &VersionRequest) -> Option<String> {
    let version = |line: &str| {
        let file = line.split_whitespace().nth(1)?.trim_start_matches('*');
        let version = file.strip_prefix("linux-")?.strip_suffix(".tar.xz")?;
        (wanted.is(version) && !version.contains('-')).then(|| version.to_owned())
    };
    list.lines().filter_map(version).max_by_key(|version| Version::find(version))
}

/// Compares `tarball` with its line in the file `list`, `CHECKSUM  NAME`.
///
/// # Errors
/// It has another checksum, or the list has none for it.
pub(super) fn check(tarball: &Path, list: &Path) -> Result<(), KernelError> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = fs::read_to_string(list)?;
    let wanted = text.lines().find_map(|line| {
        let (sum, file) = line.split_once(char::is_whitespace)?;
        (file.trim_start().trim_start_matches('*') == name(tarball)).then(|| sum.to_ascii_lowercase())
    });
    let output = command::succeed(command_for("sha256sum").arg("--").arg(tarball), Limits::LOCAL)?;
    let text = String::from_utf8_lossy(&output.stdout);
    // A backslash before the checksum says that the name is escaped.
    let found = text.split_whitespace().next().unwrap_or_default().trim_start_matches('\\').to_owned();
    match wanted {
        Some(wanted) if wanted == found => Ok(()),
        wanted => Err(KernelError::Checksum {
            file: name(tarball),
            list: name(list),
            wanted: wanted.unwrap_or_else(|| "an entry in the list".to_owned()),
            found,
        }),
    }
}
