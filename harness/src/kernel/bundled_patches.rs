//! damonlab's own patches: which of them a source gets.
//!
//! A release gets those of its series. A source without a series of ours, and a user's tree, has to lack the
//! tracepoint that they bring, and gets those of the nearest series if they apply.

use super::error::KernelError;
use super::inspect::has_event;
use super::subject::Subject;
use crate::series::{self, Patch};
use crate::setup::Version;
use fs_err as fs;
use std::path::{Path, PathBuf};

/// What the patches bring.
const EVENT: &str = "damos_node_eligible_mem_bp";

/// The patches that a source gets, and what there is to say of it.
#[derive(Debug, Default)]
pub(super) struct Ours {
    /// In order.
    pub(super) patches: Vec<Patch>,
    /// For the user, where it is not a matter of course.
    pub(super) note: Option<String>,
}

/// Those of `project` for `subject`, without what `theirs` bring themselves.
///
/// # Errors
/// A patch that cannot be read.
pub(super) fn of(project: &Path, subject: &Subject, theirs: &[Patch]) -> Result<Ours, KernelError> {
    let all = under(project, subject)?;
    let (patches, left_out) = series::without_duplicates(all.patches, theirs)?;
    let note =
        if left_out.is_empty() { all.note } else { Some(format!("left out: {}", left_out.join(", "))) };
    Ok(Ours { patches, note })
}

fn under(project: &Path, subject: &Subject) -> Result<Ours, KernelError> {
    let folder = project.join("patches");
    if subject.release().is_some() {
        let patches = in_folder(&folder.join(subject.series()))?;
        if !patches.is_empty() {
            return Ok(Ours { patches, note: None });
        }
    }
    if has_event(subject, EVENT) {
        return Ok(Ours::default());
    }
    let Some(series) = nearest(&folder, &subject.series()) else { return Ok(Ours::default()) };
    let patches = in_folder(&folder.join(&series))?;
    match subject.apply(&patches, true) {
        Ok(_) => {
            let note =
                format!("{} has no tracepoint {EVENT}: patches/{series} is put under it", subject.name);
            Ok(Ours { patches, note: Some(note) })
        }
        Err(error @ (KernelError::PatchRefused { .. } | KernelError::Inexact { .. })) => {
            let note = format!(
                "{} has no tracepoint {EVENT}, and patches/{series} is not put under it, so scenarios that need it \
                 are skipped: {error}",
                subject.name
            );
            Ok(Ours { patches: Vec::new(), note: Some(note) })
        }
        Err(error) => Err(error),
    }
}

/// The patches of a folder in the order of their names; none if there is no folder.
fn in_folder(folder: &Path) -> Result<Vec<Patch>, KernelError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "patch"));
    paths.sort();
    Ok(series::read_patches(&paths)?)
}

/// The newest series of `folder` that is not newer than `series`, else the oldest.
fn nearest(folder: &Path, series: &str) -> Option<String> {
    let entries = std::fs::read_dir(folder).ok()?;
    let name = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        Some((Version::find(&name)?, name))
    };
    let mut all: Vec<(Version, String)> = entries.flatten().filter_map(name).collect();
    all.sort();
    let wanted = Version::find(series);
    let older = all.iter().rfind(|(version, _)| wanted.as_ref().is_some_and(|wanted| version <= wanted));
    older.or(all.first()).map(|(_, name)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::release::Release;

    const PATCH: &str = "--- a/mm/x\n+++ b/mm/x\n@@ -1 +1 @@\n-a\n+b\n";

    /// Two series of patches.
    fn project() -> tempfile::TempDir {
        let project = tempfile::tempdir().unwrap();
        for name in
            ["7.2/0001-old.patch", "7.3/0002-b.patch", "7.3/0001-a.patch", "7.3/notes.txt", "null/x.patch"]
        {
            let path = project.path().join("patches").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text = if name.contains("0002") { PATCH.replace("mm/x", "mm/y") } else { PATCH.to_owned() };
            fs::write(path, text).unwrap();
        }
        project
    }

    fn tree(patchlevel: u32, event: &str, patched: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("Makefile", format!("VERSION = 7\nPATCHLEVEL = {patchlevel}\nSUBLEVEL = 0\n")),
            ("mm/damon/Kconfig", String::new()),
            ("mm/x", patched.to_owned()),
            ("mm/y", patched.to_owned()),
            ("include/linux/damon.h", "DAMOS_QUOTA_NODE_ELIGIBLE_MEM_BP".to_owned()),
            ("include/trace/events/damon.h", format!("TRACE_EVENT({event},\n")),
        ] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn given(subject: &Subject) -> (Vec<String>, String) {
        let ours = of(project().path(), subject, &[]).unwrap();
        let name = |patch: &Patch| patch.path.file_name().unwrap().to_string_lossy().into_owned();
        (ours.patches.iter().map(name).collect(), ours.note.unwrap_or_default())
    }

    #[test]
    fn a_release_gets_the_patches_of_its_series_in_the_order_of_their_names() {
        let release = |version: &str| {
            Subject::of_release(Release { version: version.into(), dir: "/nonexistent".into() })
        };
        assert_eq!(
            given(&release("7.3.4-1~bpo13+1")),
            (vec!["0001-a.patch".into(), "0002-b.patch".into()], "".into())
        );
        assert_eq!(given(&release("7.2.12")).0, ["0001-old.patch"]);
    }

    #[test]
    fn a_tree_gets_those_of_the_nearest_series_if_it_lacks_what_they_bring() {
        for (patchlevel, expected) in [(2, "0001-old.patch"), (3, "0001-a.patch"), (9, "0001-a.patch")] {
            let dir = tree(patchlevel, "damos_esz", "a\n");
            let (patches, note) = given(&Subject::of_tree(dir.path()).unwrap());
            assert_eq!(patches[0], expected);
            assert!(note.contains("is put under it"), "{note}");
        }
        let dir = tree(3, EVENT, "a\n");
        assert_eq!(given(&Subject::of_tree(dir.path()).unwrap()), (vec![], String::new()));
    }

    #[test]
    fn patches_that_do_not_apply_to_a_tree_are_left_out_and_it_is_said() {
        let dir = tree(3, "damos_esz", "other\n");
        let (patches, note) = given(&Subject::of_tree(dir.path()).unwrap());
        assert_eq!(patches, [""; 0]);
        assert!(note.contains("patches/7.3 is not put under it") && note.contains("mm/x"), "{note}");
    }
}
