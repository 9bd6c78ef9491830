use super::*;
use crate::kernel::apply::{Rules, Touched};
use crate::kernel::source_tree::SourceTree;
use crate::kernel::working_copy::{Origin, WorkingCopy};
use crate::series::Patch;
use std::fs::read_link;

/// A repository with two commits, the second with another core.c, and a checkout that is neither.
fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("Makefile", "VERSION = 7\nPATCHLEVEL = 2\nSUBLEVEL = 0\n");
    write("mm/damon/Kconfig", "config DAMON_SYSFS\n");
    write("include/linux/damon.h", "");
    write("mm/damon/core.c", "one\n");
    write("run me.sh", "#!/bin/sh\n");
    fs::set_permissions(dir.path().join("run me.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("Makefile", dir.path().join("link")).unwrap();
    for arguments in [&["init", "-q"][..], &["add", "."], &["commit", "-qm", "one"], &["tag", "one"]] {
        git::run_in_test(dir.path(), arguments);
    }
    write("mm/damon/core.c", "two\n");
    git::run_in_test(dir.path(), &["commit", "-qam", "two"]);
    write("mm/damon/core.c", "not committed\n");
    dir
}

#[test]
fn a_ref_has_the_files_of_its_commit_and_not_of_the_checkout() {
    let (dir, into) = (repository(), tempfile::tempdir().unwrap());
    let found = GitRef::find(dir.path(), "one").unwrap();
    assert_eq!(found.version, "7.2.0");
    found.extract(into.path(), |_| true).unwrap();
    let read = |name: &str| fs::read_to_string(into.path().join(name)).unwrap();
    assert_eq!((read("mm/damon/core.c").as_str(), read("run me.sh").as_str()), ("one\n", "#!/bin/sh\n"));
    assert_eq!(read_link(into.path().join("link")).unwrap(), Path::new("Makefile"));
    let mode = fs::metadata(into.path().join("run me.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111);
    assert_eq!(fs::read_to_string(dir.path().join("mm/damon/core.c")).unwrap(), "not committed\n");
}

#[test]
fn a_ref_and_a_checkout_of_it_have_equal_lists() {
    let (dir, memory) = (repository(), tempfile::tempdir().unwrap());
    git::run_in_test(dir.path(), &["checkout", "-q", "--", "."]);
    let checkout = user_tree::list(dir.path(), &memory.path().join("known")).unwrap();
    let head = GitRef::find(dir.path(), "HEAD").unwrap().listing(&memory.path().join("blobs")).unwrap();
    assert_eq!(head, checkout);
}

#[test]
fn a_blob_that_was_hashed_is_not_read_again() {
    let (dir, memory) = (repository(), tempfile::tempdir().unwrap());
    let memory = memory.path().join("blobs");
    let one = GitRef::find(dir.path(), "one").unwrap();
    let first = one.listing(&memory).unwrap();
    let text = fs::read_to_string(&memory).unwrap();
    let wrong = text.replace(&Content::of(b"one\n").to_string(), &Content::of(b"other").to_string());
    fs::write(&memory, wrong).unwrap();
    let second = GitRef::find(dir.path(), "HEAD").unwrap().listing(&memory).unwrap();
    assert_eq!(first.0["mm/damon/core.c"].content, Content::of(b"one\n"));
    assert_eq!(second.0["mm/damon/core.c"].content, Content::of(b"two\n"));
    assert_eq!(one.listing(&memory).unwrap().0["mm/damon/core.c"].content, Content::of(b"other"));
}

#[test]
fn a_missing_ref_is_named_with_gits_error() {
    let dir = repository();
    let error = GitRef::find(dir.path(), "v9.9").unwrap_err().to_string();
    assert!(error.contains("has no commit or tree 'v9.9': fatal: "), "{error}");
    // A ref is never taken for an option.
    assert!(GitRef::find(dir.path(), "--help").is_err());
}

#[test]
fn a_ref_that_is_not_a_kernel_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    git::run_in_test(dir.path(), &["init", "-q"]);
    git::run_in_test(dir.path(), &["commit", "-q", "--allow-empty", "-m", "none"]);
    let error = GitRef::find(dir.path(), "HEAD").unwrap_err();
    assert!(matches!(error, KernelError::NotATree(_)), "{error}");
}

/// How many files a synchronisation of the working copy in `folder` writes.
fn written(source_tree: &SourceTree, folder: &Path) -> usize {
    let copy = WorkingCopy::in_folder(folder);
    let listing = source_tree.listing(folder).unwrap();
    let files = source_tree.extract(&copy.stale(&listing), folder).unwrap();
    let origin = Origin { dir: &files.dir, listing: &listing, frozen: files.frozen };
    copy.sync(&origin, &Touched::new()).unwrap().written
}

#[test]
fn a_ref_and_its_tree_share_a_working_copy_and_only_differences_are_written() {
    let (dir, folder) = (repository(), tempfile::tempdir().unwrap());
    let tree = SourceTree::of_tree(dir.path()).unwrap();
    let one = SourceTree::of_ref(dir.path(), "one").unwrap();
    let two = SourceTree::of_ref(dir.path(), "HEAD").unwrap();
    assert_eq!(tree.id, one.id);
    assert_ne!(one.known_by(), two.known_by());
    let core = || fs::read_to_string(folder.path().join("src/mm/damon/core.c")).unwrap();
    assert_eq!(written(&one, folder.path()), 6);
    assert_eq!(core(), "one\n");
    assert_eq!((written(&two, folder.path()), core().as_str()), (1, "two\n"));
    assert_eq!((written(&tree, folder.path()), core().as_str()), (1, "not committed\n"));
    assert_eq!(written(&tree, folder.path()), 0);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".new")), "{left:?}");
}

#[test]
fn a_patch_is_applied_to_the_files_of_the_ref() {
    let dir = repository();
    let bytes = b"--- a/mm/damon/core.c\n+++ b/mm/damon/core.c\n@@ -1 +1 @@\n-one\n+patched\n".to_vec();
    let patch = Patch { path: "p".into(), subject: None, bytes };
    let touched = SourceTree::of_ref(dir.path(), "one")
        .unwrap()
        .apply(std::slice::from_ref(&patch), Rules::STRICT)
        .unwrap()
        .touched;
    assert_eq!(touched["mm/damon/core.c"].as_ref().unwrap().1, b"patched\n");
    let refused = SourceTree::of_ref(dir.path(), "HEAD")
        .unwrap()
        .apply(&[patch], Rules::STRICT)
        .unwrap_err()
        .to_string();
    assert!(refused.contains("@HEAD (linux 7.2.0): mm/damon/core.c: hunk #1"), "{refused}");
}
