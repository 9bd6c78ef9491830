//! The source of one build, a release or a user's tree, under one name.

use super::apply::{self, Applied, Base};
use super::cache_layout::builds;
use super::error::KernelError;
use super::gitref::GitRef;
use super::inspect::Tree;
use super::listing::Listing;
use super::release::{Origins, Release};
use super::source::Source;
use super::version_request::series_of;
use super::{inspect, usertree};
use crate::host::paths;
use crate::series::Patch;
use fs_err as fs;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What to call a series among the patches of a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its title.
    pub name: String,
    /// How many of the patches are its.
    pub patches: usize,
}

fn counted(patches: usize) -> String {
    if patches == 1 { "1 patch".to_owned() } else { format!("{patches} patches") }
}

/// A source that is to be built.
#[derive(Debug)]
pub(super) struct Subject {
    /// The name of its working copy and its builds.
    pub(super) id: String,
    /// Its tree.
    pub(super) dir: PathBuf,
    /// For people.
    pub(super) name: String,
    version: String,
    body: Body,
}

/// Where its files are.
#[derive(Debug)]
enum Body {
    /// In `dir`, for good.
    Release(Release),
    /// In `dir`, until somebody changes them.
    Tree,
    /// In the repository at `dir`.
    Ref(GitRef),
}

impl Subject {
    /// What `source` says, if that can be known without fetching anything or looking at all of a tree.
    pub(super) fn here(source: &Source, origins: &Origins) -> Result<Option<Subject>, KernelError> {
        match source {
            Source::Release(wanted) => Ok(origins.newest(wanted).map(Subject::of_release)),
            Source::Ref { dir, name } => Subject::of_ref(dir, name).map(Some),
            Source::Tree(_) | Source::Image(_) => Ok(None),
        }
    }

    pub(super) fn of_release(release: Release) -> Subject {
        Subject {
            id: format!("linux-{}", release.version),
            dir: release.dir.clone(),
            name: format!("linux {}", release.version),
            version: release.version.clone(),
            body: Body::Release(release),
        }
    }

    pub(super) fn of_tree(dir: &Path) -> Result<Subject, KernelError> {
        let dir = real(dir)?;
        let version = inspect::tree(dir.as_path(), &dir)?;
        let name = format!("{} (linux {version})", dir.display());
        Ok(Subject { id: id_of(&dir), dir, name, version, body: Body::Tree })
    }

    /// Its working copy is that of the tree itself: what does not differ is not written.
    pub(super) fn of_ref(dir: &Path, name: &str) -> Result<Subject, KernelError> {
        let dir = real(dir)?;
        let found = GitRef::find(&dir, name)?;
        let version = found.version.clone();
        let name = format!("{}@{name} (linux {version})", dir.display());
        Ok(Subject { id: id_of(&dir), dir, name, version, body: Body::Ref(found) })
    }

    /// The release, if it is one.
    pub(super) fn release(&self) -> Option<&Release> {
        match &self.body {
            Body::Release(release) => Some(release),
            Body::Tree | Body::Ref(_) => None,
        }
    }

    /// `7.3`.
    pub(super) fn series(&self) -> String {
        series_of(&self.version)
    }

    /// What its files are known by, where no list of them is needed for that.
    pub(super) fn known_by(&self) -> Option<String> {
        match &self.body {
            Body::Release(release) => Some(release.version.clone()),
            Body::Ref(found) => Some(format!("tree {}", found.tree)),
            Body::Tree => None,
        }
    }

    pub(super) fn listing(&self, folder: &Path) -> Result<Listing, KernelError> {
        match &self.body {
            Body::Release(release) => release.listing(),
            Body::Tree => usertree::list(&self.dir, &folder.join("known")),
            Body::Ref(found) => found.listing(&folder.join("blobs")),
        }
    }

    /// What `patches` make of its files.
    ///
    /// # Errors
    /// One does not apply, or, `strict`, not just as it is.
    pub(super) fn apply(&self, patches: &[Patch], strict: bool) -> Result<Applied, KernelError> {
        let on = |dir: &Path, repository: Option<&Path>| {
            apply::apply(patches, &Base { dir, name: &self.name, repository, strict })
        };
        match &self.body {
            // It is unpacked from a package, and no repository.
            Body::Release(_) => on(&self.dir, None),
            Body::Tree => on(&self.dir, Some(self.dir.as_path()).filter(|dir| dir.join(".git").exists())),
            Body::Ref(found) => {
                let scratch = tempfile::tempdir()?;
                let touched = touched(patches)?;
                found.extract(scratch.path(), |path| touched.contains(path))?;
                on(scratch.path(), Some(&self.dir))
            }
        }
    }

    /// A folder that has those of its files that are `wanted`, and whether they stay as they are there. What had to
    /// be put there lies in a folder beside `copy`'s and goes with the value.
    pub(super) fn files(&self, wanted: &BTreeSet<String>, folder: &Path) -> Result<Files, KernelError> {
        let dir = self.dir.clone();
        match &self.body {
            Body::Release(_) => Ok(Files { dir, frozen: true, scratch: None }),
            Body::Tree => Ok(Files { dir, frozen: false, scratch: None }),
            Body::Ref(found) => {
                paths::sweep(folder)?;
                let scratch = paths::scratch(folder)?;
                found.extract(scratch.path(), |path| wanted.contains(path))?;
                Ok(Files { dir: scratch.path().to_owned(), frozen: true, scratch: Some(scratch) })
            }
        }
    }

    /// What stands before a file's name in a compiler's message.
    pub(super) fn shown_as(&self) -> String {
        match &self.body {
            Body::Tree => format!("{}/", self.dir.display()),
            Body::Release(_) | Body::Ref(_) => String::new(),
        }
    }

    /// With so many patches, of which `series` are some.
    pub(super) fn describe(&self, patches: usize, series: Option<&Label>) -> String {
        let mut text = self.name.clone();
        match patches.saturating_sub(series.map_or(0, |series| series.patches)) {
            0 => {}
            count => text.push_str(&format!(" + {}", counted(count))),
        }
        if let Some(Label { name, patches }) = series {
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

impl Tree for Subject {
    fn text(&self, path: &str) -> Option<String> {
        match &self.body {
            Body::Release(_) | Body::Tree => self.dir.text(path),
            Body::Ref(found) => found.text(path),
        }
    }
}

/// A folder with files of a source.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) dir: PathBuf,
    /// Nobody changes them, so that links to them will do.
    pub(super) frozen: bool,
    /// Lives as long as it is needed.
    #[allow(dead_code, reason = "held for its end")]
    scratch: Option<tempfile::TempDir>,
}

/// The files that `patches` touch, and what lies on the way to them: that could be a link.
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

/// The name of the working copy of the user's tree in `dir`.
fn id_of(dir: &Path) -> String {
    let base = plain(&dir.file_name().unwrap_or_default().to_string_lossy());
    let place = blake3::hash(dir.as_os_str().as_encoded_bytes()).to_hex();
    format!("{base}-{}", &place[..8])
}

/// `text` with nothing in it that make or a shell would take for something else.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_described_with_its_series_by_name_and_the_other_patches_by_count() {
        let subject = Subject::of_release(Release { version: "7.3.4".into(), dir: "/linux".into() });
        let series = Label { name: "two things".into(), patches: 5 };
        assert_eq!(subject.describe(0, None), "linux 7.3.4");
        assert_eq!(subject.describe(2, None), "linux 7.3.4 + 2 patches");
        assert_eq!(
            subject.describe(6, Some(&series)),
            "linux 7.3.4 + 1 patch + series 'two things' (5 patches)"
        );
        assert_eq!(subject.describe(5, Some(&series)), "linux 7.3.4 + series 'two things' (5 patches)");
    }
}
