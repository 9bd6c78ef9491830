//! The source of one build, a release or a user's tree, under one name.

use super::error::KernelError;
use super::listing::Listing;
use super::release::Release;
use super::{builds, inspect, usertree};
use fs_err as fs;
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
    /// The release, if it is one.
    pub(super) release: Option<Release>,
}

impl Subject {
    pub(super) fn of_release(release: Release) -> Subject {
        let id = format!("linux-{}", release.version);
        Subject {
            id,
            dir: release.dir.clone(),
            name: format!("linux {}", release.version),
            release: Some(release),
        }
    }

    pub(super) fn of_tree(dir: &Path) -> Result<Subject, KernelError> {
        let missing = |cause| KernelError::NoSuchPath { path: dir.to_owned(), cause };
        let dir = std::fs::canonicalize(dir).map_err(missing)?;
        let version = inspect::tree(&dir)?;
        let base = plain(&dir.file_name().unwrap_or_default().to_string_lossy());
        let place = blake3::hash(dir.as_os_str().as_encoded_bytes()).to_hex();
        let name = format!("{} (linux {version})", dir.display());
        Ok(Subject { id: format!("{base}-{}", &place[..8]), dir, name, release: None })
    }

    pub(super) fn listing(&self, folder: &Path) -> Result<Listing, KernelError> {
        match &self.release {
            Some(release) => release.listing(),
            None => usertree::list(&self.dir, &folder.join("known")),
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

/// `text` with nothing in it that make or a shell would take for something else.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_described_with_its_series_by_name_and_the_other_patches_by_count() {
        let subject =
            Subject { id: "linux-7".into(), dir: "/linux".into(), name: "linux 7.3.4".into(), release: None };
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
