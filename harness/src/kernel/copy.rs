//! The working copy: the files that make sees, kept equal to a source plus its patches by writing only
//! what differs, so that make rebuilds only that.
//!
//! Files of an unpacked release come in as hard links, so they are replaced by rename and never written
//! through. A file that comes back later is a copy with a new time: make goes by times, and a link
//! would bring back an old one. What is about to change is written down first; after a kill in the
//! middle those files, and only those, are taken as unknown.

use super::apply::Touched;
use super::error::KernelError;
use super::listing::{Content, Entry, FileKind, Listing};
use super::usertree;
use crate::host::{interrupt, paths};
use fs_err as fs;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The file beside a working copy with the bytes that it takes, as they were measured once.
pub(super) const SIZE_FILE: &str = "size";

/// A folder with a working copy, and what is known about it.
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
    /// Whether its files stay as they are for good, so that links to them will do.
    pub frozen: bool,
}

/// What a synchronisation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changes {
    /// Files written.
    pub written: usize,
    /// Files removed.
    pub removed: usize,
    /// The copy was made from nothing: objects built from an earlier one are worth nothing.
    pub fresh: bool,
}

impl WorkingCopy {
    /// The working copy in `folder`. The caller holds its lock.
    pub fn in_folder(folder: &Path) -> WorkingCopy {
        WorkingCopy { folder: folder.to_owned() }
    }

    /// The tree that make sees.
    pub fn tree(&self) -> PathBuf {
        self.folder.join("src")
    }

    fn list(&self) -> PathBuf {
        self.folder.join("src.list")
    }

    fn journal(&self) -> PathBuf {
        self.folder.join("src.changing")
    }

    /// The files of `want` that the copy does not have, or in another state.
    pub fn stale(&self, want: &Listing) -> BTreeSet<String> {
        let have = Listing::load(&self.list()).unwrap_or_default();
        stale(&have, want, &self.interrupted())
    }

    /// Makes the copy equal to `origin` with the `touched` files in their place.
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

    /// Paths that an interrupted synchronisation may have changed.
    fn interrupted(&self) -> BTreeSet<String> {
        let text = std::fs::read_to_string(self.journal()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Writes down what is about to change, besides what an earlier, interrupted change left.
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
        // Folders that became empty go too: a folder with nothing but a gone Kconfig would mislead nobody,
        // but a file may come back under its name.
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
            // Another file system, or one that has no links.
            Err(_) => self.put(path, kind(from)?, &usertree::read(from, kind(from)?)?),
            Ok(()) => Ok(()),
        }
    }

    fn put_from(&self, origin: &Origin<'_>, path: &str, entry: Entry) -> Result<(), KernelError> {
        let bytes = usertree::read(&origin.dir.join(path), entry.kind)?;
        if !origin.frozen && Content::of(&bytes) != entry.content {
            return Err(KernelError::Moving(origin.dir.to_owned()));
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

    /// Where `path` lies, with its folder made. A folder in its place, as of a name that was one, goes.
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

/// The files of `want` that differ in `have`, or about which nothing is known.
fn stale(have: &Listing, want: &Listing, unknown: &BTreeSet<String>) -> BTreeSet<String> {
    let stale = |path: &&String| have.0.get(*path) != want.0.get(*path) || unknown.contains(*path);
    want.0.keys().filter(stale).cloned().collect()
}

fn kind(path: &Path) -> Result<FileKind, KernelError> {
    let meta = fs::symlink_metadata(path)?;
    super::listing::kind_of(&meta)
        .ok_or_else(|| std::io::Error::other(format!("{} is no file any more", path.display())).into())
}

/// `listing` with the patched files in the place of theirs.
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

    struct Setting {
        source: tempfile::TempDir,
        folder: tempfile::TempDir,
    }

    impl Setting {
        fn new(files: &[(&str, &str)]) -> Setting {
            let setting =
                Setting { source: tempfile::tempdir().unwrap(), folder: tempfile::tempdir().unwrap() };
            for (name, text) in files {
                setting.write(name, text);
            }
            setting
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
            let listing = usertree::list(self.source.path(), &self.folder.path().join("known")).unwrap();
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
    fn a_releases_files_are_linked_and_a_patched_one_is_replaced() {
        let setting = Setting::new(&[("mm/core.c", "old"), ("Makefile", "all:")]);
        let changes = setting.sync_release(&patched("mm/core.c", "new"));
        assert_eq!(changes, Changes { written: 2, removed: 0, fresh: true });
        assert_eq!(fs::metadata(setting.source.path().join("Makefile")).unwrap().nlink(), 2);
        assert_eq!(setting.read("mm/core.c"), "new");
        assert_eq!(fs::read_to_string(setting.source.path().join("mm/core.c")).unwrap(), "old");
    }

    #[test]
    fn only_what_differs_is_written() {
        let setting = Setting::new(&[("mm/core.c", "old"), ("Makefile", "all:")]);
        setting.sync_release(&patched("mm/core.c", "new"));
        let none = Changes { written: 0, removed: 0, fresh: false };
        assert_eq!(setting.sync_release(&patched("mm/core.c", "new")), none);
        let one = Changes { written: 1, removed: 0, fresh: false };
        assert_eq!(setting.sync_release(&patched("mm/core.c", "newer")), one);
    }

    #[test]
    fn a_patch_that_is_gone_brings_the_old_text_back_with_a_new_time() {
        let setting = Setting::new(&[("mm/core.c", "old")]);
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        let file =
            std::fs::File::options().write(true).open(setting.source.path().join("mm/core.c")).unwrap();
        file.set_modified(long_ago).unwrap();
        setting.sync_release(&patched("mm/core.c", "new"));
        let copy = setting.copy().tree().join("mm/core.c");
        let before = time(&copy);
        setting.sync_release(&Touched::new());
        assert_eq!(setting.read("mm/core.c"), "old");
        assert!(time(&copy) >= before, "make would keep the object of the patched file");
        assert_eq!(time(&setting.source.path().join("mm/core.c")), long_ago);
    }

    #[test]
    fn a_file_deleted_in_the_source_vanishes_with_its_folder() {
        let setting = Setting::new(&[("a/b/gone.c", "1"), ("kept.c", "2")]);
        setting.sync_tree();
        fs::remove_file(setting.source.path().join("a/b/gone.c")).unwrap();
        assert_eq!(setting.sync_tree(), Changes { written: 0, removed: 1, fresh: false });
        assert!(!setting.copy().tree().join("a").exists());
    }

    #[test]
    fn a_folder_in_a_files_place_goes() {
        let setting = Setting::new(&[("a.c", "1")]);
        setting.sync_tree();
        let file = setting.copy().tree().join("a.c");
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        fs::write(file.join("left"), "").unwrap();
        setting.write("a.c", "2");
        setting.sync_tree();
        assert_eq!(setting.read("a.c"), "2");
    }

    #[test]
    fn modes_and_links_are_kept() {
        let setting = Setting::new(&[("run.sh", "#!/bin/sh")]);
        let script = setting.source.path().join("run.sh");
        fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("run.sh", setting.source.path().join("link")).unwrap();
        setting.sync_tree();
        let tree = setting.copy().tree();
        assert_eq!(fs::metadata(tree.join("run.sh")).unwrap().mode() & 0o777, 0o755);
        assert_eq!(fs::read_link(tree.join("link")).unwrap(), Path::new("run.sh"));
    }

    #[test]
    fn after_a_kill_in_the_middle_the_files_it_was_changing_are_written_again() {
        let setting = Setting::new(&[("a.c", "1"), ("b.c", "2")]);
        setting.sync_tree();
        // As if a run had been killed after it wrote a.c and made new.c, which the source no longer has.
        let tree = setting.copy().tree();
        fs::write(tree.join("a.c"), "half").unwrap();
        fs::write(tree.join("new.c"), "left").unwrap();
        fs::write(setting.copy().journal(), "a.c\nnew.c\n").unwrap();
        assert_eq!(setting.sync_tree(), Changes { written: 1, removed: 1, fresh: false });
        assert_eq!(setting.read("a.c"), "1");
        assert!(!tree.join("new.c").exists());
        assert!(!setting.copy().journal().exists());
    }
}
