//! The source of one build, a release or a user's tree, under one name.

use super::error::KernelError;
use super::gitref::GitRef;
use super::inspect::Tree;
use super::listing::Listing;
use super::release::{Origins, Release};
use super::series::{self, Patch, Touched};
use super::source::Source;
use super::wanted::series_of;
use super::{builds, inspect, usertree};
use crate::host::paths;
use fs_err as fs;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

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
    pub(super) fn apply(&self, patches: &[Patch]) -> Result<Touched, KernelError> {
        let Body::Ref(found) = &self.body else { return series::apply(patches, &self.dir, &self.name) };
        let mut touched = BTreeSet::new();
        for patch in patches {
            touched.extend(series::touches(patch)?);
        }
        let scratch = tempfile::tempdir()?;
        found.extract(scratch.path(), |path| touched.contains(path))?;
        series::apply(patches, scratch.path(), &self.name)
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

    pub(super) fn describe(&self, patches: usize) -> String {
        match patches {
            0 => self.name.clone(),
            1 => format!("{} + 1 patch", self.name),
            count => format!("{} + {count} patches", self.name),
        }
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
