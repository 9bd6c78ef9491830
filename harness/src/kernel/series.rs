//! Patches: what the files they touch look like afterwards.
//!
//! The patches are applied in a scratch folder that holds only the touched files, by `git apply`, which
//! moves hunks but never ignores context (no fuzz). The working copy then gets the finished content,
//! so a patch that does not change changes no file's time.

use super::error::KernelError;
use super::listing::{Content, Entry, FileKind, kind_of};
use super::usertree;
use crate::host::command;
use fs_err as fs;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// A patch as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Where it came from, for messages.
    pub path: PathBuf,
    /// The first line of what its author says of it, without `[PATCH n/m]`; none for a bare diff.
    pub subject: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A touched file after all patches; none if they remove it.
pub type Touched = BTreeMap<String, Option<(Entry, Vec<u8>)>>;

impl Patch {
    /// What to call it: its subject, else its file's name.
    pub fn title(&self) -> String {
        let file = || self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.subject.clone().unwrap_or_else(file)
    }
}

/// Reads the patches in `paths`, in this order.
///
/// # Errors
/// A file that is not there, changes nothing, or reaches out of the tree.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Patch>, KernelError> {
    let unusable = |path: &PathBuf, reason: String| KernelError::BadPatch { patch: path.clone(), reason };
    let one = |path: &PathBuf| {
        let bytes = std::fs::read(path).map_err(|cause| unusable(path, cause.to_string()))?;
        let patch = Patch { path: path.clone(), subject: None, bytes };
        match touches(&patch)?.is_empty() {
            true => Err(unusable(path, "it changes no file".to_owned())),
            false => Ok(patch),
        }
    };
    paths.iter().map(one).collect()
}

/// Applies `patches` in order to the files of `source`, which `name` names in messages.
pub fn apply(patches: &[Patch], source: &Path, name: &str) -> Result<Touched, KernelError> {
    if patches.is_empty() {
        return Ok(Touched::new());
    }
    let scratch = tempfile::tempdir()?;
    let mut paths = BTreeSet::new();
    for patch in patches {
        paths.extend(touches(patch)?);
    }
    for path in &paths {
        copy(&source.join(path), &scratch.path().join(path))?;
    }
    for patch in patches {
        apply_one(patch, scratch.path(), name)?;
    }
    paths.into_iter().map(|path| Ok((path.clone(), load(&scratch.path().join(&path))?))).collect()
}

fn copy(from: &Path, to: &Path) -> Result<(), KernelError> {
    let Ok(meta) = std::fs::symlink_metadata(from) else { return Ok(()) };
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    match kind_of(&meta) {
        Some(FileKind::Link) => Ok(std::os::unix::fs::symlink(fs::read_link(from)?, to)?),
        Some(_) => Ok(fs::copy(from, to).map(drop)?),
        None => Ok(()),
    }
}

fn load(path: &Path) -> Result<Option<(Entry, Vec<u8>)>, KernelError> {
    let Ok(meta) = std::fs::symlink_metadata(path) else { return Ok(None) };
    let Some(kind) = kind_of(&meta) else { return Ok(None) };
    let bytes = usertree::read(path, kind)?;
    Ok(Some((Entry { kind, content: Content::of(&bytes) }, bytes)))
}

fn apply_one(patch: &Patch, scratch: &Path, name: &str) -> Result<(), KernelError> {
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), &patch.bytes)?;
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(scratch).arg("apply").args(arguments).arg("--whitespace=nowarn").arg(file.path());
        // A repository around the scratch folder would turn its paths around.
        git.env("GIT_CEILING_DIRECTORIES", scratch.parent().unwrap_or(scratch)).env("LC_ALL", "C");
        git.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE");
        command::capture(&mut git)
    };
    let output = git(&[])?;
    if output.status.success() {
        return Ok(());
    }
    // What applies is applied and what does not is told hunk by hunk; the scratch folder is lost anyway.
    let told = git(&["--reject", "--verbose"])?;
    let problem = problem(&told.stderr).unwrap_or_else(|| output.stderr.trim().to_owned());
    Err(KernelError::PatchRefused { patch: patch.path.clone(), to: name.to_owned(), problem })
}

/// The files and hunks that `git apply --reject --verbose` says did not apply.
fn problem(told: &str) -> Option<String> {
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

/// The paths that `patch` reads or writes.
///
/// # Errors
/// A path that leads out of the tree.
pub(super) fn touches(patch: &Patch) -> Result<BTreeSet<String>, KernelError> {
    let bad = |reason: String| KernelError::BadPatch { patch: patch.path.clone(), reason };
    let mut paths = BTreeSet::new();
    for line in String::from_utf8_lossy(&patch.bytes).lines() {
        let path = line
            .strip_prefix("--- ")
            .or_else(|| line.strip_prefix("+++ "))
            .and_then(|name| name.split('\t').next()?.trim_end().split_once('/'))
            .filter(|(first, _)| matches!(*first, "a" | "b"))
            .map(|(_, path)| path)
            .or_else(|| {
                ["rename from ", "rename to ", "copy from ", "copy to "]
                    .iter()
                    .find_map(|w| line.strip_prefix(w))
            })
            .or_else(|| {
                // A change of mode alone, or an empty file, has no other line with a name.
                line.strip_prefix("diff --git a/")?.split_once(" b/").map(|(path, _)| path)
            });
        let Some(path) = path else { continue };
        if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(bad(format!("it names a file outside of the tree: {path}")));
        }
        paths.insert(path.to_owned());
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

    fn source() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("mm")).unwrap();
        fs::write(dir.path().join("mm/core.c"), BODY).unwrap();
        dir
    }

    fn patch(text: &str) -> Patch {
        Patch { path: "0001.patch".into(), subject: None, bytes: text.as_bytes().to_vec() }
    }

    const CHANGE: &str = "\
--- a/mm/core.c
+++ b/mm/core.c
@@ -1,4 +1,4 @@
 one
-two
+TWO
 three
 four
@@ -7,4 +7,5 @@
 seven
 eight
 nine
+nine and a half
 ten
";

    #[test]
    fn a_patch_gives_the_finished_content_and_leaves_the_source_alone() {
        let source = source();
        let touched = apply(&[patch(CHANGE)], source.path(), "linux").unwrap();
        let (_, bytes) = touched["mm/core.c"].as_ref().unwrap();
        assert!(bytes.starts_with(b"one\nTWO\n") && bytes.ends_with(b"nine and a half\nten\n"));
        assert_eq!(fs::read(source.path().join("mm/core.c")).unwrap(), BODY.as_bytes());
    }

    #[test]
    fn a_hunk_that_moved_applies_and_one_with_other_context_does_not() {
        let source = source();
        fs::write(source.path().join("mm/core.c"), BODY.replace("five\n", "five\nfive and a half\n"))
            .unwrap();
        apply(&[patch(CHANGE)], source.path(), "linux").unwrap();
        fs::write(source.path().join("mm/core.c"), BODY.replace("eight", "8")).unwrap();
        let error = apply(&[patch(CHANGE)], source.path(), "linux 7.3.4").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the patch 0001.patch does not apply to linux 7.3.4: mm/core.c: hunk #2, expected at mm/core.c:7"
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let source = source();
        let error = apply(&[patch(&CHANGE.replace("core.c", "gone.c"))], source.path(), "linux").unwrap_err();
        assert!(error.to_string().ends_with(": mm/gone.c: no such file in the source"), "{error}");
    }

    #[test]
    fn patches_build_on_each_other_and_may_add_and_remove_files() {
        let source = source();
        let add = "--- /dev/null\n+++ b/mm/new.c\n@@ -0,0 +1 @@\n+new\n";
        let change = "--- a/mm/new.c\n+++ b/mm/new.c\n@@ -1 +1 @@\n-new\n+newer\n";
        let remove = format!(
            "diff --git a/mm/core.c b/mm/core.c\ndeleted file mode 100644\n--- a/mm/core.c\n+++ /dev/null\n@@ -1,10 +0,0 @@\n{}",
            BODY.lines().map(|line| format!("-{line}\n")).collect::<String>()
        );
        let touched = apply(&[patch(add), patch(change), patch(&remove)], source.path(), "linux").unwrap();
        assert_eq!(touched["mm/new.c"].as_ref().unwrap().1, b"newer\n");
        assert!(touched["mm/core.c"].is_none());
    }

    #[test]
    fn a_patch_cannot_reach_outside_of_the_tree() {
        let error = apply(&[patch("--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n")], Path::new("/"), "linux");
        assert!(error.unwrap_err().to_string().contains("outside of the tree: ../x"));
    }

    #[test]
    fn a_file_that_is_no_patch_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letter.txt");
        fs::write(&path, "dear maintainer\n").unwrap();
        let error = read(std::slice::from_ref(&path)).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot use the patch {}: it changes no file", path.display()));
    }
}
