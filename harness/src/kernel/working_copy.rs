//! The working copy: the files that make reads. It is made equal to a source plus its patches by writing only what
//! differs, so that make rebuilds only that.
//!
//! Files of an unpacked release are hard links, so they are replaced by rename and never written in place. A file that
//! comes back later is a copy with a new time: make compares times, and a link would have the old one. The paths that are
//! about to change are written to a journal first; after a kill those files, and only those, count as unknown.

use super::apply::Touched;
use super::error::KernelError;
use super::listing::{Content, Entry, FileKind, Listing};
use super::user_tree;
use crate::host::regular_file::cached_text;
use crate::host::text::shown;
use crate::host::{interrupt, paths};
use fs_err as fs;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The file beside a working copy with its measured size in bytes.
pub(super) const SIZE_FILE: &str = "size";

/// A folder with a working copy, its list and its journal.
#[derive(Debug)]
pub struct WorkingCopy {
    folder: PathBuf,
}

/// Where the files of a working copy come from.
#[derive(Debug)]
pub struct Origin<'a> {
    /// The tree's root.
    pub dir: &'a Path,
    /// Its files.
    pub listing: &'a Listing,
    /// Whether its files do not change, so that hard links can be used.
    pub frozen: bool,
}

/// The result of a synchronisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changes {
    /// Files written.
    pub written: usize,
    /// Files removed.
    pub removed: usize,
    /// Whether the copy was made anew: objects that were built from an earlier one are stale.
    pub fresh: bool,
}

impl WorkingCopy {
    /// The working copy in `folder`. The caller has its lock.
    pub fn in_folder(folder: &Path) -> WorkingCopy {
        WorkingCopy { folder: folder.to_owned() }
    }

    /// The tree that make reads.
    pub fn tree(&self) -> PathBuf {
        self.folder.join("src")
    }

    fn list(&self) -> PathBuf {
        self.folder.join("src.list")
    }

    fn journal(&self) -> PathBuf {
        self.folder.join("src.changing")
    }

    /// The files of `want` that are missing in the copy, or differ.
    pub fn stale(&self, want: &Listing) -> BTreeSet<String> {
        let have = Listing::load(&self.list()).unwrap_or_default();
        stale(&have, want, &self.interrupted())
    }

    /// Makes the copy equal to `origin` with the `touched` files replaced.
    pub fn sync(&self, origin: &Origin<'_>, touched: &Touched) -> Result<Changes, KernelError> {
        let want = overlaid(origin.listing, touched);
        let have = Listing::load(&self.list());
        let fresh = have.is_none();
        let have = have.unwrap_or_default();
        let unknown = self.interrupted();
        let stale = stale(&have, &want, &unknown);
        let write: Vec<&String> = stale.iter().collect();
        let known = have.0.keys().chain(&unknown).collect::<BTreeSet<_>>();
        let remove: Vec<&String> = known.into_iter().filter(|path| !want.0.contains_key(*path)).collect();
        let changes = Changes { written: write.len(), removed: remove.len(), fresh };
        if write.is_empty() && remove.is_empty() {
            return Ok(changes);
        }
        if fresh {
            self.forget()?;
        }
        self.begin(&write, &remove)?;
        for path in remove {
            self.remove(path)?;
        }
        for path in write {
            interrupt::check()?;
            let entry = want.0[path];
            match touched.get(path) {
                Some(Some((_, bytes))) => self.put(path, entry.kind, bytes)?,
                _ if fresh && origin.frozen => self.link(&origin.dir.join(path), path)?,
                _ => self.put_from(origin, path, entry)?,
            }
        }
        want.store(&self.list())?;
        fs::remove_file(self.journal())?;
        Ok(changes)
    }

    /// Removes what is left of an earlier copy.
    fn forget(&self) -> Result<(), KernelError> {
        if self.tree().exists() {
            fs::remove_dir_all(self.tree())?;
        }
        let size = self.folder.join(SIZE_FILE);
        if size.exists() {
            fs::remove_file(size)?;
        }
        Ok(())
    }

    /// The paths that an interrupted synchronisation may have changed.
    fn interrupted(&self) -> BTreeSet<String> {
        let text = cached_text(&self.journal()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Writes the journal: what is about to change, besides what an earlier, interrupted synchronisation left.
    fn begin(&self, write: &[&String], remove: &[&String]) -> Result<(), KernelError> {
        let mut all = self.interrupted();
        all.extend(write.iter().chain(remove).map(|path| (*path).clone()));
        let text: String = all.iter().map(|path| format!("{path}\n")).collect();
        Ok(paths::write_atomic(&self.journal(), text.as_bytes())?)
    }

    fn remove(&self, path: &str) -> Result<(), KernelError> {
        let file = self.tree().join(path);
        match fs::remove_file(&file) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(cause.into()),
            _ => {}
        }
        // Empty folders are removed too: a file may come back under such a name.
        let mut folder = file.parent();
        while let Some(empty) =
            folder.filter(|folder| *folder != self.tree() && fs::remove_dir(folder).is_ok())
        {
            folder = empty.parent();
        }
        Ok(())
    }

    fn link(&self, from: &Path, path: &str) -> Result<(), KernelError> {
        let to = self.place(path)?;
        match fs::hard_link(from, &to) {
            // Another file system, or one without hard links.
            Err(_) => self.put(path, kind(from)?, &user_tree::read(from, kind(from)?)?),
            Ok(()) => Ok(()),
        }
    }

    fn put_from(&self, origin: &Origin<'_>, path: &str, entry: Entry) -> Result<(), KernelError> {
        let bytes = user_tree::read(&origin.dir.join(path), entry.kind)?;
        if !origin.frozen && Content::of(&bytes) != entry.content {
            return Err(KernelError::ChangedDuringCopy(origin.dir.to_owned()));
        }
        self.put(path, entry.kind, &bytes)
    }

    /// Replaces `path` by a new file.
    fn put(&self, path: &str, kind: FileKind, bytes: &[u8]) -> Result<(), KernelError> {
        let to = self.place(path)?;
        let next = self.folder.join("src.next");
        if std::fs::symlink_metadata(&next).is_ok() {
            fs::remove_file(&next)?;
        }
        match kind {
            FileKind::Link => {
                use std::os::unix::ffi::OsStrExt;
                std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(bytes), &next)?;
            }
            FileKind::Plain | FileKind::Executable => {
                fs::write(&next, bytes)?;
                let mode = if kind == FileKind::Executable { 0o755 } else { 0o644 };
                fs::set_permissions(&next, std::fs::Permissions::from_mode(mode))?;
            }
        }
        Ok(fs::rename(&next, to)?)
    }

    /// The place of `path`, with its folder made. A folder in its place is removed.
    fn place(&self, path: &str) -> Result<PathBuf, KernelError> {
        let to = self.tree().join(path);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        if std::fs::symlink_metadata(&to).is_ok_and(|meta| meta.is_dir()) {
            fs::remove_dir_all(&to)?;
        }
        Ok(to)
    }
}

/// The files of `want` that differ in `have`, or are unknown.
fn stale(have: &Listing, want: &Listing, unknown: &BTreeSet<String>) -> BTreeSet<String> {
    let stale = |path: &&String| have.0.get(*path) != want.0.get(*path) || unknown.contains(*path);
    want.0.keys().filter(stale).cloned().collect()
}

fn kind(path: &Path) -> Result<FileKind, KernelError> {
    let meta = fs::symlink_metadata(path)?;
    super::listing::kind_of(&meta)
        .ok_or_else(|| std::io::Error::other(format!("{} is no longer a file", shown(path))).into())
}

/// `listing` with the patched files replaced.
pub fn overlaid(listing: &Listing, touched: &Touched) -> Listing {
    let mut want = listing.clone();
    for (path, file) in touched {
        match file {
            Some((entry, _)) => drop(want.0.insert(path.clone(), *entry)),
            None => drop(want.0.remove(path)),
        }
    }
    want
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::listing;
    use std::os::unix::fs::MetadataExt;

    struct Fixture {
        source: tempfile::TempDir,
        folder: tempfile::TempDir,
    }

    impl Fixture {
        fn new(files: &[(&str, &str)]) -> Fixture {
            let fixture =
                Fixture { source: tempfile::tempdir().unwrap(), folder: tempfile::tempdir().unwrap() };
            for (name, text) in files {
                fixture.write(name, text);
            }
            fixture
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.source.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn copy(&self) -> WorkingCopy {
            WorkingCopy::in_folder(self.folder.path())
        }

        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.copy().tree().join(name)).unwrap()
        }

        fn sync_release(&self, touched: &Touched) -> Changes {
            let listing = listing::of_release(self.source.path(), "1").unwrap();
            let origin = Origin { dir: self.source.path(), listing: &listing, frozen: true };
            self.copy().sync(&origin, touched).unwrap()
        }

        fn sync_tree(&self) -> Changes {
            let listing = user_tree::list(self.source.path(), &self.folder.path().join("known")).unwrap();
            let origin = Origin { dir: self.source.path(), listing: &listing, frozen: false };
            self.copy().sync(&origin, &Touched::new()).unwrap()
        }
    }

    fn patched(name: &str, text: &str) -> Touched {
        let entry = Entry { kind: FileKind::Plain, content: Content::of(text.as_bytes()) };
        Touched::from([(name.to_owned(), Some((entry, text.as_bytes().to_vec())))])
    }

    fn time(path: &Path) -> std::time::SystemTime {
        fs::metadata(path).unwrap().modified().unwrap()
    }

    #[test]
    fn files_of_a_release_are_linked_and_a_patched_one_is_replaced() {
        let fixture = Fixture::new(&[("mm/core.c", "old"), ("Makefile", "all:")]);
        let changes = fixture.sync_release(&patched("mm/core.c", "new"));
        assert_eq!(changes, Changes { written: 2, removed: 0, fresh: true });
        assert_eq!(fs::metadata(fixture.source.path().join("Makefile")).unwrap().nlink(), 2);
        assert_eq!(fixture.read("mm/core.c"), "new");
        assert_eq!(fs::read_to_string(fixture.source.path().join("mm/core.c")).unwrap(), "old");
    }

    #[test]
    fn only_what_differs_is_written() {
        let fixture = Fixture::new(&[("mm/core.c", "old"), ("Makefile", "all:")]);
        fixture.sync_release(&patched("mm/core.c", "new"));
        let none = Changes { written: 0, removed: 0, fresh: false };
        assert_eq!(fixture.sync_release(&patched("mm/core.c", "new")), none);
        let one = Changes { written: 1, removed: 0, fresh: false };
        assert_eq!(fixture.sync_release(&patched("mm/core.c", "newer")), one);
    }

    #[test]
    fn removing_a_patch_restores_the_old_text_with_a_new_time() {
        let fixture = Fixture::new(&[("mm/core.c", "old")]);
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        let file =
            std::fs::File::options().write(true).open(fixture.source.path().join("mm/core.c")).unwrap();
        file.set_modified(long_ago).unwrap();
        fixture.sync_release(&patched("mm/core.c", "new"));
        let copy = fixture.copy().tree().join("mm/core.c");
        let before = time(&copy);
        fixture.sync_release(&Touched::new());
        assert_eq!(fixture.read("mm/core.c"), "old");
        assert!(time(&copy) >= before, "make would keep the object of the patched file");
        assert_eq!(time(&fixture.source.path().join("mm/core.c")), long_ago);
    }

    #[test]
    fn a_file_deleted_in_the_source_is_removed_with_its_folder() {
        let fixture = Fixture::new(&[("a/b/gone.c", "1"), ("other.c", "2")]);
        fixture.sync_tree();
        fs::remove_file(fixture.source.path().join("a/b/gone.c")).unwrap();
        assert_eq!(fixture.sync_tree(), Changes { written: 0, removed: 1, fresh: false });
        assert!(!fixture.copy().tree().join("a").exists());
    }

    #[test]
    fn a_folder_in_the_place_of_a_file_is_removed() {
        let fixture = Fixture::new(&[("a.c", "1")]);
        fixture.sync_tree();
        let file = fixture.copy().tree().join("a.c");
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        fs::write(file.join("left"), "").unwrap();
        fixture.write("a.c", "2");
        fixture.sync_tree();
        assert_eq!(fixture.read("a.c"), "2");
    }

    #[test]
    fn modes_and_links_are_preserved() {
        let fixture = Fixture::new(&[("run.sh", "#!/bin/sh")]);
        let script = fixture.source.path().join("run.sh");
        fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("run.sh", fixture.source.path().join("link")).unwrap();
        fixture.sync_tree();
        let tree = fixture.copy().tree();
        assert_eq!(fs::metadata(tree.join("run.sh")).unwrap().mode() & 0o777, 0o755);
        assert_eq!(fs::read_link(tree.join("link")).unwrap(), Path::new("run.sh"));
    }

    #[test]
    fn after_a_kill_the_files_in_the_journal_are_written_again() {
        let fixture = Fixture::new(&[("a.c", "1"), ("b.c", "2")]);
        fixture.sync_tree();
        // As if damonlab was killed after it wrote a.c and new.c, which the source no longer has.
        let tree = fixture.copy().tree();
        fs::write(tree.join("a.c"), "half").unwrap();
        fs::write(tree.join("new.c"), "left").unwrap();
        fs::write(fixture.copy().journal(), "a.c\nnew.c\n").unwrap();
        assert_eq!(fixture.sync_tree(), Changes { written: 1, removed: 1, fresh: false });
        assert_eq!(fixture.read("a.c"), "1");
        assert!(!tree.join("new.c").exists());
        assert!(!fixture.copy().journal().exists());
    }
}
