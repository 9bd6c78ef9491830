//! The argument that names a side: a kernel and what is applied to it, joined by `+`.
//!
//! Examples are `7.3+mine.mbox+kasan.config` and `7.3+debug`. Paths may contain a `+`, as those of Debian do, so each part
//! is the longest one that is a file, a folder or a known name.

use crate::host::fault::{Fault, Faulty};
use crate::host::text::foreign;
use crate::kernel::{
    Changes, ConfigPart, KernelError, Origins, Profile, Request, SeriesLabel, VersionRequest,
};
use crate::series;
use std::path::{Path, PathBuf};

/// The name of the kernel that damonlab uses by default.
const DEFAULT: &str = "default";

/// Why an argument names no kernel.
#[derive(Debug, thiserror::Error)]
pub enum SideError {
    /// A part of the argument is unknown.
    #[error(
        "'{}' in '{}' is not a file, a folder or a kernel; a side is \
         KERNEL[+SERIES|PATCH|FRAGMENT.config|PROFILE...], for instance 7.3+mine.patch, where KERNEL is what --kernel \
         accepts, or 'default'",
        foreign(.part),
        foreign(.argument)
    )]
    UnknownPart {
        /// The unknown part, up to the next `+`.
        part: String,
        /// The complete argument.
        argument: String,
    },
    /// The kernel or a patch cannot be read.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

impl Faulty for SideError {
    fn fault(&self) -> Fault {
        match self {
            SideError::UnknownPart { .. } => Fault::BadInput,
            SideError::Kernel(error) => error.fault(),
        }
    }
}

/// The kernel that an argument names.
///
/// # Errors
/// See [`SideError`].
pub fn request(argument: &str, origins: &Origins) -> Result<Request, SideError> {
    let unknown =
        |part: &str| SideError::UnknownPart { part: part.to_owned(), argument: argument.to_owned() };
    let parts =
        split(argument, |part, first| Path::new(part).exists() || is_name(part, first)).map_err(unknown)?;
    let Some((base, more)) = parts.split_first() else { return Err(unknown("")) };
    let kernel =
        if *base == DEFAULT { Request::default() } else { Request::parse(Path::new(base), origins)? };
    let mut changes = Changes::default();
    for path in more.iter().map(PathBuf::from) {
        match profile(&path) {
            Some(profile) => changes.config.push(ConfigPart::Profile(profile)),
            None if path.extension().is_some_and(|end| end == "config") => {
                changes.config.push(ConfigPart::Fragment(path));
            }
            None => apply(&mut changes, path)?,
        }
    }
    Ok(kernel.with(changes)?)
}

/// The profile that a part names, unless there is a file or folder of that name.
fn profile(part: &Path) -> Option<Profile> {
    part.to_str().filter(|_| !part.exists())?.parse().ok()
}

/// Whether a part is a name: of a kernel if it is the first part, otherwise of a profile.
fn is_name(part: &str, first: bool) -> bool {
    if first { is_kernel(part) } else { profile(Path::new(part)).is_some() }
}

/// Whether a part names a kernel without being a path: a version, `default`, or a ref of a tree.
fn is_kernel(part: &str) -> bool {
    let tree =
        || part.match_indices('@').any(|(at, _)| at + 1 < part.len() && Path::new(&part[..at]).is_dir());
    part == DEFAULT || VersionRequest::parse(part).is_some() || tree()
}

/// Applies a single patch, or else a series.
fn apply(changes: &mut Changes, path: PathBuf) -> Result<(), KernelError> {
    let paths = [path];
    let not_a_patch = match series::read_patches(&paths) {
        Ok(patches) => {
            changes.patches.extend(patches);
            return Ok(());
        }
        Err(error) => error,
    };
    match series::read(&paths) {
        Ok(series) if series.patches.len() > 1 => {
            changes.series = Some(SeriesLabel { name: series.name(), patches: series.patches.len() });
            changes.patches.extend(series.patches);
            Ok(())
        }
        // A folder is never a patch, so the error of the series is the useful one.
        Err(error) if paths[0].is_dir() => Err(error.into()),
        Ok(_) | Err(_) => Err(not_a_patch.into()),
    }
}

/// The parts of an argument, or the first unknown one. `is_part` gets a candidate and whether it is the first part.
fn split(argument: &str, is_part: impl Fn(&str, bool) -> bool) -> Result<Vec<&str>, &str> {
    let mut parts = Vec::new();
    let mut rest = argument;
    loop {
        let ends = rest.match_indices('+').map(|(at, _)| at).chain([rest.len()]);
        let longest = ends.filter(|end| *end > 0 && is_part(&rest[..*end], parts.is_empty())).last();
        let Some(end) = longest else { return Err(rest.split('+').next().unwrap_or(rest)) };
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
    use crate::kernel::{BuildRequest, Source};
    use crate::setup::Env;
    use proptest::prelude::*;

    fn among<'a>(known: &'a [&str]) -> impl Fn(&str, bool) -> bool + 'a {
        |part, _| known.contains(&part)
    }

    #[test]
    fn an_argument_is_a_kernel_and_what_is_applied_to_it() {
        let known = ["default", "one.patch", "kasan.config"];
        assert_eq!(split("default", among(&known)), Ok(vec!["default"]));
        assert_eq!(split("default+one.patch+kasan.config", among(&known)), Ok(known.to_vec()));
    }

    #[test]
    fn a_path_may_contain_a_plus() {
        let known = ["linux-7.3~bpo13+1", "a+b.patch", "c.patch"];
        assert_eq!(split("linux-7.3~bpo13+1+a+b.patch+c.patch", among(&known)), Ok(known.to_vec()));
    }

    #[test]
    fn the_unknown_part_is_named() {
        assert_eq!(
            split("default+absent.patch+one.patch", among(&["default", "one.patch"])),
            Err("absent.patch")
        );
        assert_eq!(split("default+", among(&["default"])), Err(""));
        assert_eq!(split("+one.patch", among(&["one.patch"])), Err(""));
    }

    fn built(argument: &str) -> BuildRequest {
        requested(argument).unwrap().to_build("a test").unwrap()
    }

    fn requested(argument: &str) -> Result<Request, SideError> {
        let cache = tempfile::tempdir().unwrap();
        let env = Env { root: "/".into(), path: "/usr/bin:/bin".into(), cache: cache.path().to_owned() };
        request(argument, &Origins::of(env))
    }

    #[test]
    fn only_the_first_part_can_name_a_kernel() {
        let error = requested("default+7.3").unwrap_err().to_string();
        assert!(error.starts_with("'7.3' in 'default+7.3' is not a file, a folder"), "{error}");
    }

    #[test]
    fn the_name_of_a_profile_after_a_kernel_is_that_profile() {
        let request = built("7.3+debug");
        assert_eq!(request.fragments, Vec::from_iter(Profile::Debug.fragment(&request.project)));
        assert_eq!(requested("7.3+fast").unwrap(), requested("7.3").unwrap());
    }

    #[test]
    fn a_bzimage_with_anything_added_to_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("bzImage");
        std::fs::write(&image, "").unwrap();
        let image = image.display();
        assert!(matches!(requested(&image.to_string()), Ok(Request::Image(_))));
        let patch = crate::bundled::home().join("patches/equivalent/03-equivalent-formula.patch");
        for (more, named) in [("fast", "a profile"), (&*patch.to_string_lossy(), "a patch")] {
            let error = requested(&format!("{image}+{more}")).unwrap_err();
            assert_eq!(error.fault(), Fault::BadInput);
            assert!(error.to_string().contains(&format!("no source for {named};")), "{error}");
        }
    }

    #[test]
    fn a_file_that_ends_in_config_is_a_fragment_and_a_mailbox_is_a_series() {
        let root = crate::bundled::home();
        let argument = |file: &str| format!("7.3+{}", root.join(file).display());
        let fragment = built(&argument("patches/equivalent/11-other-nr-cpus.config"));
        assert_eq!((fragment.fragments.len(), fragment.patches.len()), (1, 0));
        let patch = built(&argument("patches/equivalent/03-equivalent-formula.patch"));
        assert_eq!((patch.fragments.len(), patch.patches.len(), patch.source), (0, 1, Source::default()));
        let series = built(&argument("examples/series/damos-quota-cleanups.mbox"));
        assert_eq!((series.patches.len(), series.series.map(|label| label.patches)), (5, Some(5)));
    }

    proptest! {
        #[test]
        fn the_parts_joined_are_the_argument(parts in prop::collection::vec("[a-c+]{0,3}[a-c]", 1..5)) {
            let argument = parts.join("+");
            let known: Vec<&str> = parts.iter().map(String::as_str).collect();
            if let Ok(found) = split(&argument, |part, _| known.contains(&part)) {
                prop_assert_eq!(found.join("+"), argument);
            }
        }
    }
}
