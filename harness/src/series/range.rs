//! `REPOSITORY:BASE..TOPIC`: commits of a user's repository as patches. The repository is only read.

use super::error::SeriesError;
use crate::host::command::{self, Limits};
use crate::host::git;
use crate::host::text::excerpt;
use std::path::{Path, PathBuf};

/// The most commits of a series: more are the difference of two kernels.
const MAX_COMMITS: usize = 500;

/// The repository and the range in `input`; none if it does not have that form. The last colon separates them.
pub fn split(input: &Path) -> Option<(PathBuf, String)> {
    let (repository, range) = input.to_str()?.rsplit_once(':')?;
    (Path::new(repository).is_dir() && !range.is_empty()).then(|| (repository.into(), range.to_owned()))
}

/// The commits of `range` as an mbox. A branch alone means its commits that HEAD does not have.
///
/// # Errors
/// There is no such range, or it is empty, too large, or has a merge.
pub fn patches(repository: &Path, range: &str) -> Result<Vec<u8>, SeriesError> {
    let wrong = |reason: String| SeriesError::Range {
        repository: repository.to_owned(),
        range: range.to_owned(),
        reason,
    };
    if range.starts_with('-') {
        return Err(wrong("it begins with '-'".to_owned()));
    }
    let whole = if range.contains("..") { range.to_owned() } else { format!("HEAD..{range}") };
    let commits = list(repository, &[], &whole)?.map_err(&wrong)?;
    let merges = list(repository, &["--merges"], &whole)?.map_err(&wrong)?;
    let reason = match (commits.len(), merges.first()) {
        (0, _) if whole != range => {
            format!("HEAD has every commit of {range}; name its base: BASE..{range}")
        }
        (0, _) => "it has no commit".to_owned(),
        (_, Some(merge)) => {
            format!("the commit {} is a merge; rebase the branch without it", &merge[..merge.len().min(12)])
        }
        (count, _) if count > MAX_COMMITS => {
            format!("it has more than {MAX_COMMITS} commits, which is the limit")
        }
        _ => return commits_as_mail(repository, &whole),
    };
    Err(wrong(reason))
}

/// The user's settings for mails are overridden.
fn commits_as_mail(repository: &Path, range: &str) -> Result<Vec<u8>, SeriesError> {
    let mut git = git::at(repository);
    git.args(["format-patch", "--stdout", "--no-attach", "--no-signature", "--no-ext-diff", "--no-textconv"]);
    git.args([
        "--no-color",
        "--binary",
        "--full-index",
        "--subject-prefix=PATCH",
        "--no-numbered",
        "--no-thread",
    ]);
    git.args(["--no-cover-letter", "--no-notes", "--no-relative", "--src-prefix=a/", "--dst-prefix=b/"]);
    Ok(command::succeed(git.args(["--end-of-options", range]), Limits::LOCAL)?.stdout)
}

/// The commits of `range`, or git's error.
fn list(
    repository: &Path,
    options: &[&str],
    range: &str,
) -> Result<Result<Vec<String>, String>, SeriesError> {
    let most = format!("--max-count={}", MAX_COMMITS + 1);
    let mut git = git::at(repository);
    git.args(["rev-list", &most]).args(options).args(["--end-of-options", range, "--"]);
    let output = command::capture(&mut git, Limits::LOCAL)?;
    if !output.status.success() {
        return Ok(Err(excerpt(output.stderr.trim().trim_start_matches("fatal: "))));
    }
    Ok(Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()))
}
