//! The paths that a patch may name: files inside the tree. Whatever reads or writes a file that a patch names checks it
//! here first.

use crate::host::text::shown;
use std::path::{Component, Path};

/// Checks that `path`, without the patch's `a/` or `b/`, names a file inside the tree.
///
/// # Errors
/// Why it does not.
pub fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("it has no name");
    }
    if path.chars().any(|c| c.is_control() && c != '\t') {
        return Err("its name has a control character");
    }
    let mut parts = 0;
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) if name.eq_ignore_ascii_case(".git") => {
                return Err("it is a file of git's, not of the tree");
            }
            Component::Normal(_) => parts += 1,
            _ => return Err("it is outside of the tree"),
        }
    }
    if parts == 0 { Err("it is the tree itself") } else { Ok(()) }
}

/// Whether a symbolic link at `path` to `target` stays inside the tree.
pub fn link_stays_inside(path: &str, target: &str) -> bool {
    let mut depth = Path::new(path).components().count().saturating_sub(1);
    for part in Path::new(target).components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

/// The first folder of `path` below `root` that is a symbolic link, through which a write would land elsewhere.
pub fn symlink_ancestor(root: &Path, path: &str) -> Option<String> {
    let mut ancestors: Vec<&Path> =
        Path::new(path).ancestors().skip(1).filter(|part| !part.as_os_str().is_empty()).collect();
    ancestors.reverse();
    let link = |part: &&&Path| std::fs::symlink_metadata(root.join(part)).is_ok_and(|meta| meta.is_symlink());
    ancestors.iter().find(link).map(|part| shown(part).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_inside_the_tree_may_be_named() {
        for path in ["mm/damon/core.c", "Makefile", ".gitignore", "a b/c\"d", ".github/x"] {
            assert_eq!(check_path(path), Ok(()), "{path}");
        }
        for path in
            ["", ".", "..", "../x", "mm/../../x", "/etc/passwd", ".git/config", "sub/.GIT/hooks/x", "a\nb"]
        {
            assert!(check_path(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_link_may_point_inside_the_tree_and_not_out_of_it() {
        assert!(link_stays_inside("scripts/dtc/x", "../../include/y"));
        assert!(!link_stays_inside("scripts/dtc/x", "../../../y"));
        assert!(!link_stays_inside("x", "/etc"));
        // A target that leaves the tree and comes back is outside too.
        assert!(!link_stays_inside("x", "../linux/y"));
    }

    #[test]
    fn a_folder_that_is_a_link_is_found() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("mm")).unwrap();
        std::os::unix::fs::symlink("/tmp", root.path().join("mm/out")).unwrap();
        assert_eq!(symlink_ancestor(root.path(), "mm/out/x/y"), Some("mm/out".to_owned()));
        assert_eq!(symlink_ancestor(root.path(), "mm/core.c"), None);
        // The link itself may be replaced.
        assert_eq!(symlink_ancestor(root.path(), "mm/out"), None);
    }
}
