//! `git apply`, and what it says of the hunks that it refuses, in one line.

use super::error::KernelError;
use crate::host::command::{self, Output};
use fs_err as fs;
use std::path::Path;
use std::process::Command;

/// `git apply` of `text` in `folder`.
pub(super) fn git_apply(folder: &Path, text: &[u8], arguments: &[&str]) -> Result<Output, KernelError> {
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), text)?;
    let mut git = Command::new("git");
    git.current_dir(folder).arg("apply").args(arguments).arg("--whitespace=nowarn").arg(file.path());
    // A repository around the scratch folder would turn its paths around.
    git.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder)).env("LC_ALL", "C");
    git.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE");
    Ok(command::capture(&mut git)?)
}

/// The files and hunks that `git apply --reject --verbose` says did not apply.
pub(super) fn problem(told: &str) -> Option<String> {
    let mut problems = Vec::new();
    let mut file = "";
    // Told before the hunks' numbers, one a refused hunk: `error: patch failed: FILE:LINE`.
    let places: Vec<&str> =
        told.lines().filter_map(|line| line.strip_prefix("error: patch failed: ")).collect();
    let mut refused = 0;
    for line in told.lines() {
        if let Some(rest) = line.strip_prefix("Applying patch ") {
            file = rest.split(" with ").next().unwrap_or(rest).trim_end_matches("...");
        } else if let Some(hunk) = line.strip_prefix("Rejected hunk ") {
            let place = places.get(refused).map(|place| format!(", expected at {place}")).unwrap_or_default();
            problems.push(format!("{file}: hunk {}{place}", hunk.trim_end_matches('.')));
            refused += 1;
        } else if let Some(missing) =
            line.strip_prefix("error: ").and_then(|l| l.strip_suffix(": No such file or directory"))
        {
            problems.push(format!("{missing}: no such file in the source"));
        } else if line.starts_with("error: corrupt patch")
            || line.ends_with("already exists in working directory")
        {
            problems.push(line.trim_start_matches("error: ").to_owned());
        }
    }
    (!problems.is_empty()).then(|| problems.join("; "))
}
