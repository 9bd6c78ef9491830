//! Locks between damonlab processes: one file for each resource. The kernel releases a lock with its process, so no
//! crash can leave one behind.
//!
//! The file itself stays: if it were removed, two processes could each lock a file of that name.

use super::fault::{Fault, Faulty};
use super::interrupt::{self, Interrupted};
use super::regular_file::{self, opened};
use super::text::shown;
use super::waiting::Waiting;
use fs_err as fs;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A lock. Dropping it releases it.
#[derive(Debug)]
pub struct Lock {
    pub(super) file: File,
}

impl Drop for Lock {
    /// Closing the file is not enough: a child that another thread is just starting has a copy of it until its exec, and
    /// the lock would last that long.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Why a lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The user asked to stop while waiting.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The file could not be opened or locked.
    #[error("cannot lock {path}: {cause}", path = shown(.path))]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
}

impl Faulty for LockError {
    fn fault(&self) -> Fault {
        match self {
            LockError::Interrupted(stop) => stop.fault(),
            LockError::Io { .. } => Fault::Infra,
        }
    }
}

impl Lock {
    /// Waits for the lock at `path`, whose file is made if it is missing. After two seconds it reports that it waits for
    /// `what`: what another process does or has.
    pub fn acquire(path: &Path, what: &str) -> Result<Lock, LockError> {
        wait(path, File::try_lock, what)
    }

    /// Waits until no process has the lock exclusively, and shares it with others that do the same. After two seconds it
    /// reports that it waits for `what`.
    pub fn share(path: &Path, what: &str) -> Result<Lock, LockError> {
        wait(path, File::try_lock_shared, what)
    }

    /// Shares the lock, if its file is there or can be made. A place that cannot be written has none: nothing is removed
    /// there.
    pub fn share_if_possible(path: &Path, what: &str) -> Result<Option<Lock>, LockError> {
        unless_read_only(Lock::share(path, what))
    }

    /// Waits for the lock, if its file is there or can be made.
    pub fn acquire_if_possible(path: &Path, what: &str) -> Result<Option<Lock>, LockError> {
        unless_read_only(Lock::acquire(path, what))
    }

    /// The lock, if no process has or shares it now.
    pub fn try_acquire(path: &Path) -> Result<Option<Lock>, LockError> {
        let file = open(path)?;
        Ok(attempt(&file, path, File::try_lock)?.then_some(Lock { file }))
    }
}

fn unless_read_only(lock: Result<Lock, LockError>) -> Result<Option<Lock>, LockError> {
    match lock {
        Err(LockError::Io { cause, .. }) if cannot_write(&cause) => Ok(None),
        lock => lock.map(Some),
    }
}

/// A way to lock a file without waiting.
type Try = fn(&File) -> Result<(), TryLockError>;

fn wait(path: &Path, way: Try, what: &str) -> Result<Lock, LockError> {
    let file = open(path)?;
    let mut waiting = Waiting::begin();
    loop {
        if attempt(&file, path, way)? {
            return Ok(Lock { file });
        }
        waiting.still(|| format!("{what} (its lock is {})", shown(path)));
        interrupt::check()?;
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn open(path: &Path) -> Result<File, LockError> {
    let failed = |cause| LockError::Io { path: path.to_owned(), cause };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let opened = match opened(File::options().create(true).truncate(false).write(true), path) {
        // A file that is open for reading can be locked as well: the lock of a cache without write access excludes who
        // has it.
        Err(cause) if cannot_write(&cause) => opened(File::options().read(true), path).map_err(|_| cause),
        opened => opened,
    };
    match (opened, path.symlink_metadata()) {
        (_, Ok(found)) if !found.is_file() => {
            let kind = regular_file::kind(found.file_type());
            Err(failed(io::Error::other(format!("it is {kind} and no lock file; remove it"))))
        }
        (opened, _) => opened.map_err(failed),
    }
}

/// Whether the place of a file cannot be written, now or by this user.
fn cannot_write(cause: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(cause.kind(), PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

fn attempt(file: &File, path: &Path, way: Try) -> Result<bool, LockError> {
    match way(file) {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(cause)) => Err(LockError::Io { path: path.to_owned(), cause }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_waits_until_the_first_releases_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/build.lock");
        let first = Lock::acquire(&path, "the first").unwrap();
        let (sender, ends) = std::sync::mpsc::channel();
        let second = std::thread::spawn({
            let path = path.clone();
            move || Lock::acquire(&path, "the first").map(drop).inspect(|()| sender.send(()).unwrap())
        });
        ends.recv_timeout(Duration::from_millis(300)).unwrap_err();
        drop(first);
        second.join().unwrap().unwrap();
    }

    #[test]
    fn a_released_lock_is_free_although_a_child_still_has_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = Lock::acquire(&path, "nobody").unwrap();
        let of_child = lock.file.try_clone().unwrap();
        drop(lock);
        assert!(Lock::try_acquire(&path).unwrap().is_some());
        drop(of_child);
    }

    #[test]
    fn what_stands_in_the_place_of_a_lock_is_named_and_never_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        fs::os::unix::fs::symlink("elsewhere", at("link")).unwrap();
        for (name, kind) in [("folder", "a folder"), ("fifo", "a FIFO"), ("link", "a symbolic link")] {
            let error = Lock::share(&at(name), "nobody").unwrap_err();
            assert_eq!(error.fault(), Fault::Infra);
            let wanted =
                format!("cannot lock {}: it is {kind} and no lock file; remove it", at(name).display());
            assert_eq!(error.to_string(), wanted);
        }
        assert!(!at("elsewhere").exists());
    }

    #[test]
    fn a_shared_lock_cannot_be_taken_exclusively() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let (first, second) = (Lock::share(&path, "nobody").unwrap(), Lock::share(&path, "nobody").unwrap());
        assert!(Lock::try_acquire(&path).unwrap().is_none());
        drop((first, second));
        assert!(Lock::try_acquire(&path).unwrap().is_some());
    }
}
