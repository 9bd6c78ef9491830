//! `REPOSITORY:BASE..TOPIC`: commits of a user's repository as patches. The repository is only read.

use super::error::SeriesError;
use crate::host::text::excerpt;
use crate::host::{command, git};
use std::path::{Path, PathBuf};

/// More commits than that are two kernels, not a series.
const MOST: usize = 500;

/// The repository and the range in `word`; none if it is not of that form. The last colon counts.
pub fn split(word: &Path) -> Option<(PathBuf, String)> {
    let (repository, range) = word.to_str()?.rsplit_once(':')?;
    (Path::new(repository).is_dir() && !range.is_empty()).then(|| (repository.into(), range.to_owned()))
}

/// The commits of `range` as an mbox. A branch alone stands for what it has and HEAD has not.
///
/// # Errors
/// No such range, nothing in it, a merge in it, or too much.
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
            format!("HEAD has every commit of {range}; say where it begins: BASE..{range}")
        }
        (0, _) => "there is no commit in it".to_owned(),
        (_, Some(merge)) => {
            format!("the commit {} is a merge; rebase it away", &merge[..merge.len().min(12)])
        }
        (count, _) if count > MOST => {
            format!("it has more than {MOST} commits, and at most so many are taken")
        }
        _ => return commits_as_mail(repository, &whole),
    };
    Err(wrong(reason))
}

/// What users set for their own mails does not matter here.
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
    Ok(command::succeed(git.args(["--end-of-options", range]))?.stdout)
}

/// The commits of `range`, or what git says of it.
fn list(
    repository: &Path,
    options: &[&str],
    range: &str,
) -> Result<Result<Vec<String>, String>, SeriesError> {
    let most = format!("--max-count={}", MOST + 1);
    let mut git = git::at(repository);
    git.args(["rev-list", &most]).args(options).args(["--end-of-options", range, "--"]);
    let output = command::capture(&mut git)?;
    if !output.status.success() {
        return Ok(Err(excerpt(output.stderr.trim().trim_start_matches("fatal: "))));
    }
    Ok(Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()))
}
