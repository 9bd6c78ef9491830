//! What DAMON's files read, compared with what was written into them.

use super::configure::Names;
use crate::agent::failure::Failure;
use crate::agent::files;
use damonlab_protocol::damon::{Kdamond, ROOT, Write, writes};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// DAMON's modules, whose parameters are read too.
const MODULES: [&str; 3] = ["damon_stat", "damon_reclaim", "damon_lru_sort"];

/// How many files may read otherwise before the rest is only counted.
const NAMED: usize = 20;

/// Reads every file that can be read. Returns a sentence for each that does not read as `written` wrote it, where it is known
/// what was written.
pub fn differences(written: Option<&[Kdamond]>, names: &Names) -> Result<Vec<String>, Failure> {
    for path in every_file() {
        files::read_patiently(path)?;
    }
    let Some(kdamonds) = written else { return Ok(Vec::new()) };
    let mut wrong = Vec::new();
    for write in writes(kdamonds, names)? {
        let path = Path::new(ROOT).join(&write.path);
        // A kernel without the file: the configuration wrote its default, or was refused.
        if path.exists() {
            let found = files::read_patiently(&path)?;
            wrong.extend(difference(&write, &found));
        }
    }
    let more = wrong.len().saturating_sub(NAMED);
    wrong.truncate(NAMED);
    if more > 0 {
        wrong.push(format!("{more} more files of DAMON's do not read as they were written"));
    }
    Ok(wrong)
}

/// What is wrong with a file that reads `found`.
fn difference(write: &Write, found: &str) -> Option<String> {
    let Write { path, value, .. } = write;
    (value.trim() != found.trim())
        .then(|| format!("read_back: '{value}' was written into {path}, which reads '{found}'"))
}

/// Every file of DAMON's that can be read.
pub fn every_file() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files_in(Path::new(ROOT), &mut found);
    for module in MODULES {
        files_in(&Path::new("/sys/module").join(module).join("parameters"), &mut found);
    }
    found
}

/// Those in `folder` and below. A kernel without the folder has nothing there.
fn files_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for name in files::names(folder) {
        let path = folder.join(name);
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        if meta.is_dir() {
            files_in(&path, found);
        } else if meta.permissions().mode() & 0o400 != 0 {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_reads_another_value_is_named_with_both() {
        let write =
            Write { path: "0/refresh_ms".into(), value: "100".into(), is_default: false, is_keyword: false };
        assert_eq!(difference(&write, "100"), None);
        let text = difference(&write, "0").unwrap();
        assert_eq!(text, "read_back: '100' was written into 0/refresh_ms, which reads '0'");
    }
}
