//! The word that names a side: a kernel, and what is put on top, joined by `+`.
//!
//! `default+mine.patch+kasan.config`. Paths may have a `+` themselves, and Debian's do: of the places where a word may
//! end, the last one counts up to which there is a file, a folder or a name that is known.

use crate::kernel::{self, KernelError, Request, Source};
use std::path::{Path, PathBuf};

/// Words for the release that damonlab fetches.
const DEFAULT: &[&str] = &["default", "7.3"];

/// Why a word names no kernel.
#[derive(Debug, thiserror::Error)]
pub enum WordError {
    /// A part of it that is nothing.
    #[error(
        "'{part}' in '{word}' is no file, no folder and no kernel that damonlab knows ({known}); a side is \
         KERNEL[+PATCH|FRAGMENT.config...], for instance default+mine.patch",
        known = DEFAULT.join(", ")
    )]
    Nothing {
        /// From where on it is not understood, to the next `+`.
        part: String,
        /// The whole word.
        word: String,
    },
    /// A folder where a patch should be.
    #[error(
        "'{0}' is a folder, where a patch or a fragment is wanted; name its files one after the other, each with a +"
    )]
    Folder(String),
    /// The kernel or a patch.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

/// The kernel that a word asks for.
///
/// # Errors
/// A part that is not there, and what cannot be a kernel, a patch or a fragment.
pub fn request(word: &str) -> Result<Request, WordError> {
    let exists = |part: &str| Path::new(part).exists();
    let parts = split(word, |part, first| exists(part) || (first && DEFAULT.contains(&part)))
        .map_err(|part| WordError::Nothing { part: part.to_owned(), word: word.to_owned() })?;
    let Some((base, more)) = parts.split_first() else {
        return Err(WordError::Nothing { part: String::new(), word: word.to_owned() });
    };
    if let Some(folder) = more.iter().find(|part| Path::new(part).is_dir()) {
        return Err(WordError::Folder((*folder).to_owned()));
    }
    let (fragments, patches): (Vec<PathBuf>, Vec<PathBuf>) =
        more.iter().map(PathBuf::from).partition(|path| path.extension().is_some_and(|end| end == "config"));
    let mut request = Request::of(source(base)?);
    request.patches = kernel::read_patches(&patches)?;
    request.fragments = fragments;
    Ok(request)
}

fn source(base: &str) -> Result<Source, KernelError> {
    if DEFAULT.contains(&base) { Ok(Source::Default) } else { Source::of_path(Path::new(base)) }
}

/// The parts of a word, or the one that is nothing: `is` says whether a text is a part, and is told whether it is the
/// first.
fn split(word: &str, is: impl Fn(&str, bool) -> bool) -> Result<Vec<&str>, &str> {
    let mut parts = Vec::new();
    let mut rest = word;
    loop {
        let ends = rest.match_indices('+').map(|(at, _)| at).chain([rest.len()]);
        let good = ends.filter(|end| *end > 0 && is(&rest[..*end], parts.is_empty())).last();
        let Some(end) = good else { return Err(rest.split('+').next().unwrap_or(rest)) };
        parts.push(&rest[..end]);
        match rest[end..].strip_prefix('+') {
            Some(more) => rest = more,
            None => return Ok(parts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn among<'a>(known: &'a [&str]) -> impl Fn(&str, bool) -> bool + 'a {
        |part, _| known.contains(&part)
    }

    #[test]
    fn a_word_is_a_kernel_and_what_comes_on_top() {
        let known = ["default", "one.patch", "kasan.config"];
        assert_eq!(split("default", among(&known)), Ok(vec!["default"]));
        assert_eq!(split("default+one.patch+kasan.config", among(&known)), Ok(known.to_vec()));
    }

    #[test]
    fn a_path_may_have_a_plus_in_it() {
        let known = ["linux-7.3~bpo13+1", "a+b.patch", "c.patch"];
        assert_eq!(split("linux-7.3~bpo13+1+a+b.patch+c.patch", among(&known)), Ok(known.to_vec()));
    }

    #[test]
    fn the_part_that_is_nothing_is_named() {
        assert_eq!(
            split("default+absent.patch+one.patch", among(&["default", "one.patch"])),
            Err("absent.patch")
        );
        assert_eq!(split("default+", among(&["default"])), Err(""));
        assert_eq!(split("+one.patch", among(&["one.patch"])), Err(""));
    }

    #[test]
    fn only_the_first_part_is_a_kernels_name() {
        let error = request("default+7.3").unwrap_err().to_string();
        assert!(error.starts_with("'7.3' in 'default+7.3' is no file, no folder"), "{error}");
    }

    #[test]
    fn a_fragment_is_known_by_its_ending_and_a_folder_of_patches_is_refused() {
        let root = crate::host::paths::project();
        let null = root.join("patches/null");
        let word = |file: &str| format!("7.3+{}", null.join(file).display());
        let fragment = request(&word("11-other-nr-cpus.config")).unwrap();
        assert_eq!((fragment.fragments.len(), fragment.patches.len()), (1, 0));
        let patch = request(&word("03-equivalent-formula.patch")).unwrap();
        assert_eq!((patch.fragments.len(), patch.patches.len(), patch.source), (0, 1, Source::Default));
        assert!(matches!(request(&format!("7.3+{}", null.display())), Err(WordError::Folder(_))));
    }

    proptest! {
        #[test]
        fn the_parts_joined_are_the_word(parts in prop::collection::vec("[a-c+]{0,3}[a-c]", 1..5)) {
            let word = parts.join("+");
            let known: Vec<&str> = parts.iter().map(String::as_str).collect();
            if let Ok(found) = split(&word, |part, _| known.contains(&part)) {
                prop_assert_eq!(found.join("+"), word);
            }
        }
    }
}
