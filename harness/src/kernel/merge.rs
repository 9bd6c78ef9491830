//! A three-way merge of a patch, if the user's repository has the files that it was made from.

use super::error::KernelError;
use super::git_apply;
use crate::host::command::{self, Limits};
use crate::host::git;
use fs_err as fs;
use std::path::Path;

/// Merges `text` into the files of `scratch` with the objects of the repository `from`, which is only read. Returns false,
/// with `scratch` as it was, if the repository does not have the files or both sides changed the same lines.
pub(super) fn three_way(from: &Path, scratch: &Path, text: &[u8]) -> Result<bool, KernelError> {
    let found = command::capture(
        git::at(from).args(["rev-parse", "--path-format=absolute", "--git-path", "objects"]),
        Limits::LOCAL,
    )?;
    if !found.status.success() {
        return Ok(false);
    }
    let objects = String::from_utf8_lossy(&found.stdout).trim_end().to_owned();
    let repository = scratch.join(".git");
    command::succeed(git::at(scratch).args(["init", "-q", "."]), Limits::LOCAL)?;
    // Alternates are given in a file: in the environment variable a colon would separate two.
    fs::create_dir_all(repository.join("objects/info"))?;
    fs::write(repository.join("objects/info/alternates"), format!("{objects}\n"))?;
    command::succeed(git::at(scratch).args(["add", "--force", "--all", "."]), Limits::LOCAL)?;
    let merged = git_apply::run(scratch, text, &["--3way"])?;
    // Without the files that the patch was made from, git falls back to a plain apply, and fails.
    let done = merged.status.success();
    if !done {
        command::succeed(git::at(scratch).args(["checkout-index", "--force", "--all"]), Limits::LOCAL)?;
    }
    fs::remove_dir_all(repository)?;
    Ok(done)
}
