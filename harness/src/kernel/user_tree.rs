//! A user's kernel tree: its files and the hashes of their content.
//!
//! In a git repository the files are those that git tracks or does not ignore, with uncommitted changes. Elsewhere a list
//! of patterns and the `.gitignore` files of the tree exclude the products of builds. The tree is only read. Each file is
//! hashed once, and the hash is remembered with its size and times, so that a second look costs a stat for each file.

use super::error::KernelError;
use super::listing::{Content, Entry, FileKind, Listing, kind_of};
use crate::host::command::{self, Limits, command_for};
use crate::host::file_state::FileState;
use crate::host::{git, paths};
use fs_err as fs;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Patterns to exclude from a tree without git, besides its `.gitignore` files; a later pattern overrides an earlier one.
/// Debian's source package ignores everything at the top (`/*`), so that is reverted first, and the products of a build
/// there are listed. No file at the top that begins with a dot is needed for a build.
const WITHOUT_GIT: [&str; 17] = [
    "!/*",
    "/.*",
    "*.o",
    "*.a",
    "*.cmd",
    "*.ko",
    "*.mod",
    "*.mod.c",
    "*.order",
    "*~",
    "/vmlinux*",
    "/System.map",
    "/Module.symvers",
    "/modules.*",
    "/include/generated",
    "/include/config",
    "/arch/*/include/generated",
];

/// The hashes of earlier runs.
#[derive(Debug, Default)]
struct Known(BTreeMap<String, (FileState, Content)>);

/// Lists the tree in `dir`; `memory` is the file with the remembered hashes.
pub fn list(dir: &Path, memory: &Path) -> Result<Listing, KernelError> {
    list_at(dir, memory, SystemTime::now())
}

fn list_at(dir: &Path, memory: &Path, now: SystemTime) -> Result<Listing, KernelError> {
    let names = names(dir)?;
    let known = Known::load(memory);
    // A file that changes again within the resolution of the clock keeps its time, so recent files are read again.
    let settled = nanoseconds(now) - Duration::from_secs(2).as_nanos().cast_signed();
    let mut next = Known::default();
    let mut files = BTreeMap::new();
    for name in names {
        let path = dir.join(&name);
        // A tracked file may be deleted in the working tree.
        let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
        let Some(kind) = kind_of(&meta) else { continue };
        let stat = FileState::of(&meta);
        let content = match known.0.get(&name) {
            Some((before, content)) if *before == stat => *content,
            _ => Content::of(&read(&path, kind)?),
        };
        if stat.modified.max(stat.changed) < settled {
            next.0.insert(name.clone(), (stat, content));
        }
        files.insert(name, Entry { kind, content });
    }
    paths::write_atomic(memory, next.text().as_bytes())?;
    Ok(Listing(files))
}

/// The bytes of a file, or the target of a link.
pub fn read(path: &Path, kind: FileKind) -> std::io::Result<Vec<u8>> {
    match kind {
        FileKind::Link => Ok(fs::read_link(path)?.as_os_str().as_bytes().to_vec()),
        FileKind::Plain | FileKind::Executable => fs::read(path),
    }
}

fn nanoseconds(time: SystemTime) -> i128 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos().cast_signed())
}

/// The paths of the tree's files without products of a build.
fn names(dir: &Path) -> Result<Vec<String>, KernelError> {
    if dir.join(".git").exists() {
        let mut git = git::at(dir);
        let names =
            names_of(git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]), dir)?;
        // A repository without the kernel's Makefile does not track the kernel.
        if names.iter().any(|name| name == "Makefile") {
            return Ok(names);
        }
    }
    // git needs a repository: an empty one, which is removed afterwards.
    let empty = tempfile::tempdir()?;
    let repository = empty.path().join("git");
    command::succeed(command_for("git").args(["init", "-q", "--bare"]).arg(&repository), Limits::LOCAL)?;
    let mut git = git::at(dir);
    git.arg("--git-dir").arg(&repository).arg("--work-tree").arg(dir).args(["-c", "core.bare=false"]);
    git.args(["ls-files", "-z", "--others", "--exclude-per-directory=.gitignore"]);
    names_of(git.args(WITHOUT_GIT.iter().flat_map(|pattern| ["-x", pattern])), dir)
}

/// The names that `git` lists with `-z`.
pub(super) fn names_of(git: &mut Command, dir: &Path) -> Result<Vec<String>, KernelError> {
    let output = command::succeed(git, Limits::LOCAL)?;
    let name = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(name) if !name.contains('\n') => Ok(name.to_owned()),
        _ => Err(KernelError::BadName {
            dir: dir.to_owned(),
            name: String::from_utf8_lossy(bytes).into_owned(),
        }),
    };
    output.stdout.split(|byte| *byte == 0).filter(|bytes| !bytes.is_empty()).map(name).collect()
}

impl Known {
    fn load(path: &Path) -> Known {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        Known(text.lines().filter_map(Known::entry).collect())
    }

    fn entry(line: &str) -> Option<(String, (FileState, Content))> {
        let mut fields = line.splitn(6, ' ');
        let size = fields.next()?.parse().ok()?;
        let modified = fields.next()?.parse().ok()?;
        let changed = fields.next()?.parse().ok()?;
        let inode = fields.next()?.parse().ok()?;
        let content = Content::parse(fields.next()?)?;
        Some((fields.next()?.to_owned(), (FileState { size, modified, changed, inode }, content)))
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (path, (FileState { size, modified, changed, inode }, content)) in &self.0 {
            let _ = writeln!(text, "{size} {modified} {changed} {inode} {content} {path}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    /// Late enough that every file has settled.
    fn in_an_hour() -> SystemTime {
        SystemTime::now() + Duration::from_secs(3600)
    }

    fn listed(dir: &Path, memory: &Path) -> Vec<String> {
        list(dir, memory).unwrap().0.into_keys().collect()
    }

    #[test]
    fn a_git_tree_has_its_tracked_and_new_files_but_no_ignored_or_deleted_ones() {
        let dir = tree(&[(".gitignore", "*.o\n"), ("Makefile", ""), ("a.c", "1"), ("gone.c", "2")]);
        git::run_in_test(dir.path(), &["init", "-q"]);
        git::run_in_test(dir.path(), &["add", "."]);
        git::run_in_test(dir.path(), &["commit", "-qm", "all"]);
        fs::write(dir.path().join("new.c"), "3").unwrap();
        fs::write(dir.path().join("a.o"), "object").unwrap();
        fs::remove_file(dir.path().join("gone.c")).unwrap();
        let memory = tempfile::tempdir().unwrap();
        assert_eq!(listed(dir.path(), &memory.path().join("m")), [".gitignore", "Makefile", "a.c", "new.c"]);
    }

    /// A tree in which something was built.
    const BUILT: [(&str, &str); 9] = [
        ("Makefile", ""),
        ("mm/damon/core.c", "1"),
        ("mm/damon/core.o", "2"),
        ("mm/damon/.core.o.cmd", "3"),
        ("scripts/.gitignore", "fixdep\n"),
        ("scripts/fixdep", "4"),
        (".config", "5"),
        ("vmlinux", "6"),
        ("include/generated/autoconf.h", "7"),
    ];

    #[test]
    fn a_tree_without_git_has_no_products_of_a_build() {
        let dir = tree(&BUILT);
        let memory = tempfile::tempdir().unwrap();
        let names = listed(dir.path(), &memory.path().join("m"));
        assert_eq!(names, ["Makefile", "mm/damon/core.c", "scripts/.gitignore"]);
        assert!(!dir.path().join(".git").exists());
    }

    #[test]
    fn debians_tree_that_ignores_all_of_itself_is_listed() {
        let dir = tree(&BUILT);
        fs::write(dir.path().join(".gitignore"), "*.o\n/*\n!/debian/\n").unwrap();
        let memory = tempfile::tempdir().unwrap();
        let expected = ["Makefile", "mm/damon/core.c", "scripts/.gitignore"];
        assert_eq!(listed(dir.path(), &memory.path().join("m")), expected);
        // A repository that tracks none of it changes nothing.
        git::run_in_test(dir.path(), &["init", "-q"]);
        assert_eq!(listed(dir.path(), &memory.path().join("m")), expected);
    }

    #[test]
    fn a_changed_file_of_the_same_size_is_noticed() {
        let dir = tree(&[("a.c", "one")]);
        let memory = tempfile::tempdir().unwrap();
        let before = list(dir.path(), &memory.path().join("m")).unwrap();
        fs::write(dir.path().join("a.c"), "two").unwrap();
        assert_ne!(list(dir.path(), &memory.path().join("m")).unwrap(), before);
    }

    #[test]
    fn hashes_are_remembered_by_size_times_and_inode() {
        let dir = tree(&[("old.c", "text")]);
        let folder = tempfile::tempdir().unwrap();
        let memory = folder.path().join("m");
        let first = list_at(dir.path(), &memory, in_an_hour()).unwrap();
        // A wrong remembered hash shows that the file is not read again.
        let text = fs::read_to_string(&memory).unwrap();
        let wrong = text.replace(&Content::of(b"text").to_string(), &Content::of(b"other").to_string());
        fs::write(&memory, wrong).unwrap();
        let second = list(dir.path(), &memory).unwrap();
        assert_eq!(first.0["old.c"].content, Content::of(b"text"));
        assert_eq!(second.0["old.c"].content, Content::of(b"other"));
    }

    #[test]
    fn a_file_whose_old_time_was_restored_is_read_again() {
        let dir = tree(&[("a.c", "one")]);
        let folder = tempfile::tempdir().unwrap();
        let (path, memory) = (dir.path().join("a.c"), folder.path().join("m"));
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        list_at(dir.path(), &memory, in_an_hour()).unwrap();
        // More than the resolution of the file system's clock.
        std::thread::sleep(Duration::from_millis(30));
        fs::write(&path, "two").unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
        assert_eq!(list(dir.path(), &memory).unwrap().0["a.c"].content, Content::of(b"two"));
    }

    #[test]
    fn links_are_listed_by_their_target() {
        let dir = tree(&[("a.c", "1")]);
        std::os::unix::fs::symlink("a.c", dir.path().join("b.c")).unwrap();
        let memory = tempfile::tempdir().unwrap();
        let list = list(dir.path(), &memory.path().join("m")).unwrap();
        assert_eq!(list.0["b.c"], Entry { kind: FileKind::Link, content: Content::of(b"a.c") });
    }
}
