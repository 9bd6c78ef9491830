//! Where the source of a kernel comes from: a release, a tree or a git ref.

use super::version_request::VersionRequest;
use std::path::{Path, PathBuf};

/// Where the source of a kernel comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A release that damonlab fetches.
    Release(VersionRequest),
    /// The tarball of a release, which the user fetched.
    Tarball(PathBuf),
    /// A user's tree, with uncommitted changes.
    Tree(PathBuf),
    /// A ref in the git repository of a user's tree, whatever is checked out.
    Ref {
        /// The tree, or a bare repository.
        dir: PathBuf,
        /// The ref.
        name: String,
    },
}

impl Default for Source {
    /// The newest release of the series that the scenarios are written for.
    fn default() -> Source {
        Source::Release(VersionRequest::default())
    }
}

/// Splits `DIR@REF`, where DIR is a folder: folders and refs (`HEAD@{1}`) may have an @ themselves.
pub(super) fn tree_and_ref(value: &str) -> Option<(PathBuf, String)> {
    value.match_indices('@').find_map(|(place, _)| {
        let (dir, name) = (Path::new(&value[..place]), &value[place + 1..]);
        (dir.is_dir() && !name.is_empty()).then(|| (dir.to_owned(), name.to_owned()))
    })
}
