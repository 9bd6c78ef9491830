//! The source of a build: a release, a user's tree or a git ref, behind one interface.

use super::apply::{self, Applied, Base, Rules};
use super::cache_layout::builds;
use super::error::KernelError;
use super::git_ref::GitRef;
use super::given::Tarball;
use super::inspect::Tree;
use super::listing::Listing;
use super::release::{Origins, Release};
use super::source::Source;
use super::version_request::series_of;
use super::{inspect, user_tree};
use crate::host::paths;
use crate::series::Patch;
use fs_err as fs;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The name of a series among the patches of a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesLabel {
    /// The title of the series.
    pub name: String,
    /// How many patches belong to it.
    pub patches: usize,
}

fn counted(patches: usize) -> String {
    if patches == 1 { "1 patch".to_owned() } else { format!("{patches} patches") }
}

/// The files of a source.
#[derive(Debug)]
pub(super) struct SourceTree {
    /// The name of its working copy and build folders.
    pub(super) id: String,
    /// Its tree.
    pub(super) dir: PathBuf,
    /// Its name for users.
    pub(super) name: String,
    version: String,
    files: FilesIn,
}

/// Where its files are.
#[derive(Debug)]
enum FilesIn {
    /// In `dir`, where they do not change.
    Release(Release),
    /// In `dir`, where the user may change them.
    Tree,
    /// In the repository at `dir`.
    Ref(GitRef),
}

impl SourceTree {
    /// `source`, if it is available without fetching anything or reading all of a tree.
    pub(super) fn here(source: &Source, origins: &Origins) -> Result<Option<SourceTree>, KernelError> {
        match source {
            Source::Release(wanted) => Ok(origins.newest(wanted).map(SourceTree::of_release)),
            Source::Tarball(path) => Ok(origins.unpacked(&Tarball::of(path)?).map(SourceTree::of_release)),
            Source::Ref { dir, name } => SourceTree::of_ref(dir, name).map(Some),
            Source::Tree(_) => Ok(None),
        }
    }

    pub(super) fn of_release(release: Release) -> SourceTree {
        SourceTree {
            id: format!("linux-{}", release.version),
            dir: release.dir.clone(),
            name: format!("linux {}", release.version),
            version: release.version.clone(),
            files: FilesIn::Release(release),
        }
    }

    pub(super) fn of_tree(dir: &Path) -> Result<SourceTree, KernelError> {
        let dir = real(dir)?;
        let version = inspect::tree(dir.as_path(), &dir)?;
        let name = format!("{} (linux {version})", dir.to_string_lossy());
        Ok(SourceTree { id: id_of(&dir), dir, name, version, files: FilesIn::Tree })
    }

    /// It shares the working copy of the tree, where only files that differ are written.
    pub(super) fn of_ref(dir: &Path, name: &str) -> Result<SourceTree, KernelError> {
        let dir = real(dir)?;
        let found = GitRef::find(&dir, name)?;
        let version = found.version.clone();
        let name = format!("{}@{name} (linux {version})", dir.to_string_lossy());
        Ok(SourceTree { id: id_of(&dir), dir, name, version, files: FilesIn::Ref(found) })
    }

    /// The release, if it is one.
    pub(super) fn release(&self) -> Option<&Release> {
        match &self.files {
            FilesIn::Release(release) => Some(release),
            FilesIn::Tree | FilesIn::Ref(_) => None,
        }
    }

    /// `7.3`.
    pub(super) fn series(&self) -> String {
        series_of(&self.version)
    }

    /// A name for its content that needs no list of its files, if there is one.
    pub(super) fn known_by(&self) -> Option<String> {
        match &self.files {
            FilesIn::Release(release) => Some(release.version.clone()),
            FilesIn::Ref(found) => Some(format!("tree {}", found.tree)),
            FilesIn::Tree => None,
        }
    }

    pub(super) fn listing(&self, folder: &Path) -> Result<Listing, KernelError> {
        match &self.files {
            FilesIn::Release(release) => release.listing(),
            FilesIn::Tree => user_tree::list(&self.dir, &folder.join("known")),
            FilesIn::Ref(found) => found.listing(&folder.join("blobs")),
        }
    }

    /// Applies `patches` to a copy of the files that they touch.
    ///
    /// # Errors
    /// A patch does not apply, or only in a way that `rules` refuse.
    pub(super) fn apply(&self, patches: &[Patch], rules: Rules) -> Result<Applied, KernelError> {
        let on = |dir: &Path, repository: Option<&Path>| {
            apply::apply(patches, &Base { dir, name: &self.name, repository, rules })
        };
        match &self.files {
            // A package is not a repository.
            FilesIn::Release(_) => on(&self.dir, None),
            FilesIn::Tree => on(&self.dir, Some(self.dir.as_path()).filter(|dir| dir.join(".git").exists())),
            FilesIn::Ref(found) => {
                let scratch = tempfile::tempdir()?;
                let touched = touched(patches)?;
                found.extract(scratch.path(), |path| touched.contains(path))?;
                on(scratch.path(), Some(&self.dir))
            }
        }
    }

    /// A folder with the `wanted` files. Files that have to be extracted are in a scratch folder below `folder`, which
    /// lives as long as the value.
    pub(super) fn extract(&self, wanted: &BTreeSet<String>, folder: &Path) -> Result<Files, KernelError> {
        let dir = self.dir.clone();
        match &self.files {
            FilesIn::Release(_) => Ok(Files { dir, frozen: true, scratch: None }),
            FilesIn::Tree => Ok(Files { dir, frozen: false, scratch: None }),
            FilesIn::Ref(found) => {
                paths::sweep(folder)?;
                let scratch = paths::scratch(folder)?;
                found.extract(scratch.path(), |path| wanted.contains(path))?;
                Ok(Files { dir: scratch.path().to_owned(), frozen: true, scratch: Some(scratch) })
            }
        }
    }

    /// The prefix of a file name in a compiler message.
    pub(super) fn shown_as(&self) -> String {
        match &self.files {
            FilesIn::Tree => format!("{}/", self.dir.to_string_lossy()),
            FilesIn::Release(_) | FilesIn::Ref(_) => String::new(),
        }
    }

    /// The description of a kernel with `patches` patches, some of which may be a `series`.
    pub(super) fn describe(&self, patches: usize, series: Option<&SeriesLabel>) -> String {
        let mut text = self.name.clone();
        match patches.saturating_sub(series.map_or(0, |series| series.patches)) {
            0 => {}
            count => text.push_str(&format!(" + {}", counted(count))),
        }
        if let Some(SeriesLabel { name, patches }) = series {
            text.push_str(&format!(" + series '{name}' ({})", counted(*patches)));
        }
        text
    }

    pub(super) fn forget_builds(&self, cache: &Path) -> Result<(), KernelError> {
        for folder in builds(cache, &self.id)? {
            fs::remove_dir_all(folder)?;
        }
        Ok(())
    }
}

impl Tree for SourceTree {
    fn text(&self, path: &str) -> Option<String> {
        match &self.files {
            FilesIn::Release(_) | FilesIn::Tree => self.dir.text(path),
            FilesIn::Ref(found) => found.text(path),
        }
    }
}

/// A folder with files of a source.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) dir: PathBuf,
    /// Whether they do not change, so that hard links can be used.
    pub(super) frozen: bool,
    /// Removed when this is dropped.
    #[expect(dead_code, reason = "dropped with this value")]
    scratch: Option<tempfile::TempDir>,
}

/// The files that `patches` touch, and the folders above them, which could be links.
fn touched(patches: &[Patch]) -> Result<BTreeSet<String>, KernelError> {
    let mut touched = BTreeSet::new();
    for patch in patches {
        for path in patch.diff()?.paths() {
            touched.extend(Path::new(&path).ancestors().map(|part| part.to_string_lossy().into_owned()));
        }
    }
    Ok(touched)
}

fn real(dir: &Path) -> Result<PathBuf, KernelError> {
    std::fs::canonicalize(dir).map_err(|cause| KernelError::NoSuchPath { path: dir.to_owned(), cause })
}

/// The name of the working copy of the user's tree `dir`.
fn id_of(dir: &Path) -> String {
    let base = plain(&dir.file_name().unwrap_or_default().to_string_lossy());
    let place = blake3::hash(dir.as_os_str().as_encoded_bytes()).to_hex();
    format!("{base}-{}", &place[..8])
}

/// `text` without the characters that are special to make or a shell.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_described_with_its_series_by_name_and_the_other_patches_by_count() {
        let source_tree = SourceTree::of_release(Release { version: "7.3.4".into(), dir: "/linux".into() });
        let series = SeriesLabel { name: "two things".into(), patches: 5 };
        assert_eq!(source_tree.describe(0, None), "linux 7.3.4");
        assert_eq!(source_tree.describe(2, None), "linux 7.3.4 + 2 patches");
        assert_eq!(
            source_tree.describe(6, Some(&series)),
            "linux 7.3.4 + 1 patch + series 'two things' (5 patches)"
        );
        assert_eq!(source_tree.describe(5, Some(&series)), "linux 7.3.4 + series 'two things' (5 patches)");
    }
}
