//! The patches that damonlab applies by itself, from `patches/`.
//!
//! A release gets those of its series. A release without such patches and a user's tree get those of the nearest series if
//! they do not have all tracepoints that those add, and the patches apply.

use super::apply::Rules;
use super::error::KernelError;
use super::inspect::has_event;
use super::source_tree::SourceTree;
use crate::series::{self, Patch};
use crate::setup::Version;
use fs_err as fs;
use std::path::{Path, PathBuf};

/// The bundled patches for a source.
#[derive(Debug, Default)]
pub(super) struct Bundled {
    /// The patches, in order.
    pub(super) patches: Vec<Patch>,
    /// A note for the user, if the patches are not simply those of the release's series.
    pub(super) note: Option<String>,
}

/// The patches of `project` for `source_tree`, without those whose tracepoint `users` patches add themselves.
///
/// # Errors
/// A patch cannot be read.
pub(super) fn of(project: &Path, source_tree: &SourceTree, users: &[Patch]) -> Result<Bundled, KernelError> {
    let all = for_source(project, source_tree)?;
    let (patches, left_out) = series::without_duplicates(all.patches, users)?;
    let note =
        if left_out.is_empty() { all.note } else { Some(format!("left out: {}", left_out.join(", "))) };
    Ok(Bundled { patches, note })
}

fn for_source(project: &Path, source_tree: &SourceTree) -> Result<Bundled, KernelError> {
    let folder = project.join("patches");
    if source_tree.release().is_some() {
        let patches = in_folder(&folder.join(source_tree.series()))?;
        if !patches.is_empty() {
            return Ok(Bundled { patches, note: None });
        }
    }
    let Some(series) = nearest(&folder, &source_tree.series()) else { return Ok(Bundled::default()) };
    let patches = in_folder(&folder.join(&series))?;
    let Some(event) = missing_event(source_tree, &patches)? else { return Ok(Bundled::default()) };
    match source_tree.apply(&patches, Rules::STRICT) {
        Ok(_) => {
            let note = format!(
                "{} has no tracepoint {event}: the patches of patches/{series} are applied first",
                source_tree.name
            );
            Ok(Bundled { patches, note: Some(note) })
        }
        Err(
            error @ (KernelError::PatchRefused { .. }
            | KernelError::Inexact { .. }
            | KernelError::AlreadyApplied { .. }),
        ) => {
            let note = format!(
                "{} has no tracepoint {event}, and the patches of patches/{series} do not apply, so scenarios that \
                 need it are skipped: {error}",
                source_tree.name
            );
            Ok(Bundled { patches: Vec::new(), note: Some(note) })
        }
        Err(error) => Err(error),
    }
}

/// The first tracepoint that `patches` add and `source_tree` does not have.
fn missing_event(source_tree: &SourceTree, patches: &[Patch]) -> Result<Option<String>, KernelError> {
    for patch in patches {
        let added = patch.diff()?.events_added();
        if let Some(event) = added.into_iter().find(|event| !has_event(source_tree, event)) {
            return Ok(Some(event));
        }
    }
    Ok(None)
}

/// The patches of a folder, sorted by name; none if there is no folder.
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

/// The newest series in `folder` that is not newer than `series`, else the oldest.
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

    const PATCH: &str = "--- a/mm/x\n+++ b/mm/x\n@@ -1 +1 @@\n-a\n+TRACE_EVENT(added,\n";

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
            ("mm/damon/Kconfig", "config DAMON_SYSFS\n".to_owned()),
            ("mm/x", patched.to_owned()),
            ("mm/y", patched.to_owned()),
            ("include/linux/damon.h", String::new()),
            ("include/trace/events/damon.h", format!("TRACE_EVENT({event},\n")),
        ] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn bundled(source_tree: &SourceTree) -> (Vec<String>, String) {
        let bundled = of(project().path(), source_tree, &[]).unwrap();
        let name = |patch: &Patch| patch.path.file_name().unwrap().to_string_lossy().into_owned();
        (bundled.patches.iter().map(name).collect(), bundled.note.unwrap_or_default())
    }

    #[test]
    fn a_release_gets_the_patches_of_its_series_sorted_by_name() {
        let release = |version: &str| {
            SourceTree::of_release(Release { version: version.into(), dir: "/nonexistent".into() })
        };
        assert_eq!(
            bundled(&release("7.3.4-1~bpo13+1")),
            (vec!["0001-a.patch".into(), "0002-b.patch".into()], "".into())
        );
        assert_eq!(bundled(&release("7.2.12")).0, ["0001-old.patch"]);
    }

    #[test]
    fn a_tree_without_the_tracepoint_gets_the_patches_of_the_nearest_series() {
        for (patchlevel, expected) in [(2, "0001-old.patch"), (3, "0001-a.patch"), (9, "0001-a.patch")] {
            let dir = tree(patchlevel, "other", "a\n");
            let (patches, note) = bundled(&SourceTree::of_tree(dir.path()).unwrap());
            assert_eq!(patches[0], expected);
            assert!(note.contains("are applied first"), "{note}");
        }
        let dir = tree(3, "added", "a\n");
        assert_eq!(bundled(&SourceTree::of_tree(dir.path()).unwrap()), (vec![], String::new()));
    }

    #[test]
    fn patches_that_do_not_apply_to_a_tree_are_left_out_with_a_note() {
        let dir = tree(3, "other", "other\n");
        let (patches, note) = bundled(&SourceTree::of_tree(dir.path()).unwrap());
        assert_eq!(patches, [""; 0]);
        assert!(note.contains("patches/7.3 do not apply") && note.contains("mm/x"), "{note}");
    }
}
