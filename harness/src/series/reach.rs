//! What a patch may name: files of the tree, and nothing else. Everything that reads or writes a file because a patch
//! says so asks here first.

use std::path::{Component, Path};

/// Whether `path`, as a patch has it without its `a/` or `b/`, names a file in the tree.
///
/// # Errors
/// Why not.
pub fn inside(path: &str) -> Result<(), &'static str> {
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
                return Err("it is git's own file, not the tree's");
            }
            Component::Normal(_) => parts += 1,
            _ => return Err("it is outside of the tree"),
        }
    }
    if parts == 0 { Err("it is the tree itself") } else { Ok(()) }
}

/// Whether a symbolic link at `path` that says `target` leads to a place in the tree.
pub fn link_stays(path: &str, target: &str) -> bool {
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

/// The first folder on the way to `path` below `root` that is a symbolic link: what is written there lands elsewhere.
pub fn link_on_the_way(root: &Path, path: &str) -> Option<String> {
    let mut ancestors: Vec<&Path> =
        Path::new(path).ancestors().skip(1).filter(|part| !part.as_os_str().is_empty()).collect();
    ancestors.reverse();
    let link = |part: &&&Path| std::fs::symlink_metadata(root.join(part)).is_ok_and(|meta| meta.is_symlink());
    ancestors.iter().find(link).map(|part| part.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_tree_may_be_named() {
        for path in ["mm/damon/core.c", "Makefile", ".gitignore", "a b/c\"d", ".github/x"] {
            assert_eq!(inside(path), Ok(()), "{path}");
        }
        for path in
            ["", ".", "..", "../x", "mm/../../x", "/etc/passwd", ".git/config", "sub/.GIT/hooks/x", "a\nb"]
        {
            assert!(inside(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_link_may_lead_around_in_the_tree_and_not_out_of_it() {
        assert!(link_stays("scripts/dtc/x", "../../include/y"));
        assert!(!link_stays("scripts/dtc/x", "../../../y"));
        assert!(!link_stays("x", "/etc"));
        // Out and in again is out.
        assert!(!link_stays("x", "../linux/y"));
    }

    #[test]
    fn a_folder_that_is_a_link_is_found_on_the_way() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("mm")).unwrap();
        std::os::unix::fs::symlink("/tmp", root.path().join("mm/out")).unwrap();
        assert_eq!(link_on_the_way(root.path(), "mm/out/x/y"), Some("mm/out".to_owned()));
        assert_eq!(link_on_the_way(root.path(), "mm/core.c"), None);
        // The link itself may be replaced.
        assert_eq!(link_on_the_way(root.path(), "mm/out"), None);
    }
}
