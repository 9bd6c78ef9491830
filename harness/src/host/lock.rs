//! Locks between damonlab processes: one file for each resource. The kernel releases a lock with its process, so no
//! crash can leave one behind.
//!
//! The file itself stays: if it were removed, two processes could each lock a file of that name.

use super::fault::{Fault, Faulty};
use super::interrupt::{self, Interrupted};
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

    /// The lock, if no process has or shares it now.
    pub fn try_acquire(path: &Path) -> Result<Option<Lock>, LockError> {
        let file = open(path)?;
        Ok(attempt(&file, path, File::try_lock)?.then_some(Lock { file }))
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
        waiting.still(|| format!("{what} (its lock is {})", path.display()));
        interrupt::check()?;
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn open(path: &Path) -> Result<File, LockError> {
    let failed = |cause| LockError::Io { path: path.to_owned(), cause };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    File::options().create(true).truncate(false).write(true).open(path).map_err(failed)
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
    fn a_shared_lock_cannot_be_taken_exclusively() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let (first, second) = (Lock::share(&path, "nobody").unwrap(), Lock::share(&path, "nobody").unwrap());
        assert!(Lock::try_acquire(&path).unwrap().is_none());
        drop((first, second));
        assert!(Lock::try_acquire(&path).unwrap().is_some());
    }
}
