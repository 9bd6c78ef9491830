//! The value of `--kernel`: a release, a tree, a git ref or an image.

use super::error::KernelError;
use super::release::Origins;
use super::version_request::VersionRequest;
use std::path::{Path, PathBuf};

/// Where a kernel comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A release that damonlab fetches.
    Release(VersionRequest),
    /// A user's tree, with uncommitted changes.
    Tree(PathBuf),
    /// A ref in the git repository of a user's tree, whatever is checked out.
    Ref {
        /// The tree, or a bare repository.
        dir: PathBuf,
        /// The ref.
        name: String,
    },
    /// A bzImage.
    Image(PathBuf),
}

impl Default for Source {
    /// The newest release of the series that the scenarios are written for.
    fn default() -> Source {
        Source::Release(VersionRequest::default())
    }
}

impl Source {
    /// Parses the value of `--kernel`: a version, the path of a tree or an image, or `TREE@REF`. The first that fits is
    /// used.
    ///
    /// # Errors
    /// It is none of them, or a version that is not available.
    pub fn parse(value: &Path, origins: &Origins) -> Result<Source, KernelError> {
        let text = value.to_string_lossy();
        if let Some(wanted) = VersionRequest::parse(&text) {
            return Ok(Source::Release(wanted?));
        }
        if value.exists() {
            return Source::of_path(value);
        }
        if let Some((dir, name)) = tree_and_ref(&text) {
            return Ok(Source::Ref { dir, name });
        }
        let at = match text.rsplit_once('@') {
            Some((dir, _)) => format!("'{dir}' before the @ is not a folder"),
            None => "it is not TREE@REF".to_owned(),
        };
        let cached: Vec<String> = origins.releases().into_iter().map(|release| release.version).collect();
        let cached = if cached.is_empty() { "none".to_owned() } else { cached.join(", ") };
        Err(KernelError::NoSuchKernel { name: text.into_owned(), at, cached })
    }

    /// The source at a path: a folder is a tree, a file an image.
    ///
    /// # Errors
    /// The path does not exist.
    pub fn of_path(path: &Path) -> Result<Source, KernelError> {
        match std::fs::metadata(path) {
            Ok(meta) if meta.is_dir() => Ok(Source::Tree(path.to_owned())),
            Ok(_) => Ok(Source::Image(path.to_owned())),
            Err(cause) => Err(KernelError::NoSuchPath { path: path.to_owned(), cause }),
        }
    }
}

/// Splits `DIR@REF`, where DIR is a folder: folders and refs (`HEAD@{1}`) may have an @ themselves.
fn tree_and_ref(value: &str) -> Option<(PathBuf, String)> {
    value.match_indices('@').find_map(|(place, _)| {
        let (dir, name) = (Path::new(&value[..place]), &value[place + 1..]);
        (dir.is_dir() && !name.is_empty()).then(|| (dir.to_owned(), name.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fault::{Fault, Faulty};
    use crate::setup::Env;

    fn parsed(value: impl AsRef<Path>) -> Result<Source, KernelError> {
        let cache = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(cache.path().join("source/linux-7.3.4-1~bpo13+1")).unwrap();
        let env = Env { root: "/".into(), path: "/usr/bin".into(), cache: cache.path().to_owned() };
        Source::parse(value.as_ref(), &Origins::of(env))
    }

    #[test]
    fn a_value_is_a_version_a_tree_a_ref_of_a_tree_or_an_image() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("my@linux");
        std::fs::create_dir(&tree).unwrap();
        std::fs::write(folder.path().join("bzImage"), "").unwrap();
        assert_eq!(parsed("7.3").unwrap(), Source::default());
        assert_eq!(
            parsed("7.2.12").unwrap(),
            Source::Release(VersionRequest::parse("7.2.12").unwrap().unwrap())
        );
        assert_eq!(parsed(&tree).unwrap(), Source::Tree(tree.clone()));
        let image = folder.path().join("bzImage");
        assert_eq!(parsed(&image).unwrap(), Source::Image(image));
        let value = format!("{}@HEAD@{{1}}", tree.to_string_lossy());
        assert_eq!(parsed(value).unwrap(), Source::Ref { dir: tree, name: "HEAD@{1}".into() });
    }

    #[test]
    fn a_value_that_fits_nothing_is_refused_with_what_was_tried_and_what_there_is() {
        let error = parsed("/nonexistent/linux@v7.2").unwrap_err();
        assert_eq!(error.fault(), Fault::BadInput);
        assert_eq!(
            error.to_string(),
            "'/nonexistent/linux@v7.2' is not a kernel: it is not a version (7.2, 7.3 or 7.3.4), no file has that path, \
             and '/nonexistent/linux' before the @ is not a folder; sources in the cache: 7.3.4-1~bpo13+1"
        );
        assert!(parsed("v7.3").unwrap_err().to_string().contains("it is not TREE@REF"));
    }
}
