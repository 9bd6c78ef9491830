//! The word that names a side: a kernel, and what is put on top, joined by `+`.
//!
//! `7.3+mine.mbox+kasan.config`, `7.3+debug`. Paths may have a `+` themselves, and Debian's do: of the places where a word may
//! end, the last one counts up to which there is a file, a folder or a name that is known.

use crate::kernel::{KernelError, Origins, Profile, Request, SeriesLabel, Source, VersionRequest};
use crate::series;
use std::path::{Path, PathBuf};

/// The word for what damonlab takes where nothing is said.
const DEFAULT: &str = "default";

/// Why a word names no kernel.
#[derive(Debug, thiserror::Error)]
pub enum WordError {
    /// A part of it that is nothing.
    #[error(
        "'{part}' in '{word}' is no file, no folder and no kernel; a side is KERNEL[+SERIES|PATCH|FRAGMENT.config|PROFILE...], \
         for instance 7.3+mine.patch, and KERNEL what --kernel takes, or 'default'"
    )]
    Nothing {
        /// From where on it is not understood, to the next `+`.
        part: String,
        /// The whole word.
        word: String,
    },
    /// The kernel or a patch.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

/// The kernel that a word asks for.
///
/// # Errors
/// A part that is not there, and what cannot be a kernel, a series, a patch or a fragment.
pub fn request(word: &str, origins: &Origins) -> Result<Request, WordError> {
    let parts = split(word, |part, first| Path::new(part).exists() || is_word(part, first))
        .map_err(|part| WordError::Nothing { part: part.to_owned(), word: word.to_owned() })?;
    let Some((base, more)) = parts.split_first() else {
        return Err(WordError::Nothing { part: String::new(), word: word.to_owned() });
    };
    let source = if *base == DEFAULT { Source::default() } else { Source::parse(Path::new(base), origins)? };
    let mut request = Request::of(source);
    for path in more.iter().map(PathBuf::from) {
        match profile(&path) {
            Some(profile) => request.fragments.extend(profile.fragment(&request.project)),
            None if path.extension().is_some_and(|end| end == "config") => request.fragments.push(path),
            None => put_on_top(&mut request, path)?,
        }
    }
    Ok(request)
}

/// The profile that a part names; a file or folder of that name goes before.
fn profile(part: &Path) -> Option<Profile> {
    part.to_str().filter(|_| !part.exists())?.parse().ok()
}

/// A part that is no path: a kernel at the beginning, a profile after it.
fn is_word(part: &str, first: bool) -> bool {
    if first { is_kernel(part) } else { profile(Path::new(part)).is_some() }
}

/// A version, `default`, or a tree's ref: what is no path and names a kernel all the same.
fn is_kernel(part: &str) -> bool {
    let tree =
        || part.match_indices('@').any(|(at, _)| at + 1 < part.len() && Path::new(&part[..at]).is_dir());
    part == DEFAULT || VersionRequest::parse(part).is_some() || tree()
}

/// A single patch, or else a series.
fn put_on_top(request: &mut Request, path: PathBuf) -> Result<(), KernelError> {
    let paths = [path];
    let alone = match series::read_patches(&paths) {
        Ok(patches) => {
            request.patches.extend(patches);
            return Ok(());
        }
        Err(error) => error,
    };
    match series::read(&paths) {
        Ok(series) if series.patches.len() > 1 => {
            request.series = Some(SeriesLabel { name: series.name(), patches: series.patches.len() });
            request.patches.extend(series.patches);
            Ok(())
        }
        // A folder is no patch: what is wrong with the series in it says more.
        Err(error) if paths[0].is_dir() => Err(error.into()),
        Ok(_) | Err(_) => Err(alone.into()),
    }
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
    use crate::setup::Env;
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

    fn asked(word: &str) -> Result<Request, WordError> {
        let cache = tempfile::tempdir().unwrap();
        let env = Env { root: "/".into(), path: "/usr/bin:/bin".into(), cache: cache.path().to_owned() };
        request(word, &Origins::of(env))
    }

    #[test]
    fn only_the_first_part_is_a_kernels_name() {
        let error = asked("default+7.3").unwrap_err().to_string();
        assert!(error.starts_with("'7.3' in 'default+7.3' is no file, no folder"), "{error}");
    }

    #[test]
    fn a_profiles_name_after_a_kernel_is_that_profile() {
        let request = asked("7.3+debug").unwrap();
        assert_eq!(request.fragments, Vec::from_iter(Profile::Debug.fragment(&request.project)));
        assert_eq!(asked("7.3+fast").unwrap(), asked("7.3").unwrap());
    }

    #[test]
    fn a_fragment_is_known_by_its_ending_and_a_mailbox_is_a_series() {
        let root = crate::host::paths::project();
        let word = |file: &str| format!("7.3+{}", root.join(file).display());
        let fragment = asked(&word("patches/equivalent/11-other-nr-cpus.config")).unwrap();
        assert_eq!((fragment.fragments.len(), fragment.patches.len()), (1, 0));
        let patch = asked(&word("patches/equivalent/03-equivalent-formula.patch")).unwrap();
        assert_eq!((patch.fragments.len(), patch.patches.len(), patch.source), (0, 1, Source::default()));
        let series = asked(&word("examples/series/damos-quota-cleanups.mbox")).unwrap();
        assert_eq!((series.patches.len(), series.series.map(|label| label.patches)), (5, Some(5)));
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
