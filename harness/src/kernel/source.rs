//! What the word behind `--kernel` means.

use super::error::KernelError;
use super::release::Origins;
use super::version_request::Wanted;
use std::path::{Path, PathBuf};

/// Where a kernel comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A release that damonlab fetches, with damonlab's own patches.
    Release(Wanted),
    /// A user's tree, as it lies there.
    Tree(PathBuf),
    /// What a ref names in the git repository of a user's tree, whatever is checked out.
    Ref {
        /// The tree, or a bare repository.
        dir: PathBuf,
        /// The ref.
        name: String,
    },
    /// A bzImage that somebody built.
    Image(PathBuf),
}

impl Default for Source {
    /// The newest release of the series that the scenarios are written for.
    fn default() -> Source {
        Source::Release(Wanted::default())
    }
}

impl Source {
    /// What `--kernel WORD` means: a version, the path of a tree or of an image, or `TREE@REF`, whichever
    /// of these comes first.
    ///
    /// # Errors
    /// It is none of them, or a version that cannot be had.
    pub fn of_word(word: &Path, origins: &Origins) -> Result<Source, KernelError> {
        let text = word.to_string_lossy();
        if let Some(wanted) = Wanted::parse(&text) {
            return Ok(Source::Release(wanted?));
        }
        if word.exists() {
            return Source::of_path(word);
        }
        if let Some((dir, name)) = tree_and_ref(&text) {
            return Ok(Source::Ref { dir, name });
        }
        let at = match text.rsplit_once('@') {
            Some((dir, _)) => format!("'{dir}' before the @ is no folder"),
            None => "it is no TREE@REF".to_owned(),
        };
        let cached: Vec<String> = origins.releases().into_iter().map(|release| release.version).collect();
        let cached = if cached.is_empty() { "none".to_owned() } else { cached.join(", ") };
        Err(KernelError::NoSuchKernel { word: text.into_owned(), at, cached })
    }

    /// What a path means: a folder is a tree, a file an image.
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

/// `DIR@REF`, where DIR is a folder: folders and refs (`HEAD@{1}`) may have an @ themselves.
fn tree_and_ref(word: &str) -> Option<(PathBuf, String)> {
    word.match_indices('@').find_map(|(place, _)| {
        let (dir, name) = (Path::new(&word[..place]), &word[place + 1..]);
        (dir.is_dir() && !name.is_empty()).then(|| (dir.to_owned(), name.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fault::{Fault, Faulty};
    use crate::setup::Env;

    fn meant(word: impl AsRef<Path>) -> Result<Source, KernelError> {
        let cache = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(cache.path().join("source/linux-7.3.4-1~bpo13+1")).unwrap();
        let env = Env { root: "/".into(), path: "/usr/bin".into(), cache: cache.path().to_owned() };
        Source::of_word(word.as_ref(), &Origins::of(env))
    }

    #[test]
    fn a_word_is_a_version_a_tree_a_ref_of_a_tree_or_an_image() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("my@linux");
        std::fs::create_dir(&tree).unwrap();
        std::fs::write(folder.path().join("bzImage"), "").unwrap();
        assert_eq!(meant("7.3").unwrap(), Source::default());
        assert_eq!(meant("7.2.12").unwrap(), Source::Release(Wanted::parse("7.2.12").unwrap().unwrap()));
        assert_eq!(meant(&tree).unwrap(), Source::Tree(tree.clone()));
        let image = folder.path().join("bzImage");
        assert_eq!(meant(&image).unwrap(), Source::Image(image));
        let word = format!("{}@HEAD@{{1}}", tree.display());
        assert_eq!(meant(word).unwrap(), Source::Ref { dir: tree, name: "HEAD@{1}".into() });
    }

    #[test]
    fn a_word_that_means_nothing_says_what_was_tried_and_what_there_is() {
        let error = meant("/nonexistent/linux@v7.2").unwrap_err();
        assert_eq!(error.fault(), Fault::BadInput);
        assert_eq!(
            error.to_string(),
            "'/nonexistent/linux@v7.2' is no kernel: it is no version (7.2, 7.3 or 7.3.4), nothing lies at that \
             path, and '/nonexistent/linux' before the @ is no folder; sources in the cache: 7.3.4-1~bpo13+1"
        );
        assert!(meant("v7.3").unwrap_err().to_string().contains("it is no TREE@REF"));
    }
}
