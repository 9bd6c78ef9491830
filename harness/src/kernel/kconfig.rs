//! Which of the options that damonlab's own fragments request a tree does not define. An older tree has no such option
//! yet, a newer one no longer: that is no mistake of the fragment.

use super::config::Dropped;
use super::inspect::defines;
use fs_err as fs;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// Splits `dropped` into the options that no Kconfig file of `tree` defines, which damonlab can do without, and the rest.
pub(super) fn without_definition(
    tree: &Path,
    dropped: Vec<Dropped>,
) -> io::Result<(Vec<String>, Vec<Dropped>)> {
    let mut unknown: BTreeSet<String> =
        dropped.iter().filter_map(Dropped::may_not_exist).map(str::to_owned).collect();
    let mut folders = vec![tree.to_owned()];
    while let Some(folder) = folders.pop().filter(|_| !unknown.is_empty()) {
        let (inner, files) = contents(&folder)?;
        folders.extend(inner);
        for file in files {
            let text = String::from_utf8_lossy(&fs::read(file)?).into_owned();
            unknown.retain(|symbol| !defines(&text, symbol));
        }
    }
    let is_defined = |one: &Dropped| one.may_not_exist().is_none_or(|symbol| !unknown.contains(symbol));
    let rest = dropped.into_iter().filter(is_defined).collect();
    Ok((unknown.into_iter().collect(), rest))
}

/// The folders in `folder` and its Kconfig files. Links are not followed.
fn contents(folder: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (kind, name) = (entry.file_type()?, entry.file_name());
        if kind.is_dir() {
            folders.push(entry.path());
        } else if kind.is_file() && name.to_string_lossy().starts_with("Kconfig") {
            files.push(entry.path());
        }
    }
    Ok((folders, files))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::config::{Fragment, Requests};

    /// What becomes of a fragment with three options in a tree that defines `OLD`, none of which the `.config` has.
    fn split(bundled: bool) -> (Vec<String>, Vec<String>) {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir_all(tree.path().join("mm/damon")).unwrap();
        let text = "config OLD\n\tbool\nconfig OLDER\n\tdepends on NEW\n";
        fs::write(tree.path().join("mm/damon/Kconfig.debug"), text).unwrap();
        fs::write(tree.path().join("mm/damon/core.c"), "config NEW\n").unwrap();
        let text = "CONFIG_OLD=y\nCONFIG_NEW=y\n# CONFIG_OTHER is not set\n".to_owned();
        let requests = Requests::read(&[Fragment { path: "a.config".into(), text, bundled }]).unwrap();
        let (unknown, dropped) = without_definition(tree.path(), requests.dropped("")).unwrap();
        (unknown, dropped.iter().map(|one| one.to_string().split(" became").next().unwrap().into()).collect())
    }

    #[test]
    fn an_option_that_the_tree_does_not_define_can_be_missing_and_one_that_it_defines_cannot() {
        assert_eq!(split(true), (vec!["NEW".into()], vec!["a.config:1: CONFIG_OLD=y".into()]));
    }

    #[test]
    fn in_a_fragment_of_a_user_both_are_errors() {
        assert_eq!(split(false).0, [""; 0]);
        assert_eq!(split(false).1, ["a.config:1: CONFIG_OLD=y", "a.config:2: CONFIG_NEW=y"]);
    }
}
