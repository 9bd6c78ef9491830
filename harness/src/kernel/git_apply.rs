//! `git apply`, and its report of rejected hunks in one line.

use super::error::KernelError;
use crate::host::command::{self, Limits, Output, command_for};
use fs_err as fs;
use std::path::Path;

/// Runs `git apply` on `text` in `folder`.
pub(super) fn run(folder: &Path, text: &[u8], arguments: &[&str]) -> Result<Output, KernelError> {
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), text)?;
    let mut git = command_for("git");
    git.current_dir(folder).arg("apply").args(arguments).arg("--whitespace=nowarn").arg(file.path());
    // In a repository above the scratch folder, git would resolve the paths from its root.
    git.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder)).env("LC_ALL", "C");
    git.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE");
    Ok(command::capture(&mut git, Limits::LOCAL)?)
}

/// The files and hunks that `git apply --reject --verbose` reports as rejected in `output`.
pub(super) fn problem(output: &str) -> Option<String> {
    let mut problems = Vec::new();
    let mut file = "";
    // Printed before the numbers, one line for each rejected hunk: `error: patch failed: FILE:LINE`.
    let places: Vec<&str> =
        output.lines().filter_map(|line| line.strip_prefix("error: patch failed: ")).collect();
    let mut rejected = 0;
    for line in output.lines() {
        if let Some(rest) = line.strip_prefix("Applying patch ") {
            file = rest.split(" with ").next().unwrap_or(rest).trim_end_matches("...");
        } else if let Some(hunk) = line.strip_prefix("Rejected hunk ") {
            let place =
                places.get(rejected).map(|place| format!(", expected at {place}")).unwrap_or_default();
            problems.push(format!("{file}: hunk {}{place}", hunk.trim_end_matches('.')));
            rejected += 1;
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
