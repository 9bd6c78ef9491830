//! Locks between damonlab processes: one file a resource, held by the kernel for as long as the
//! process lives, so that no ending can leave one behind.
//!
//! The file itself stays: removing it would let two processes hold a lock on two files of one name.

use super::fault::{Fault, Faulty};
use super::interrupt::{self, Interrupted};
use fs_err as fs;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A held lock. Dropping it lets go.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Closing the file is not enough: a child that another thread is just starting has it too until it becomes another
    /// program, and would hold the lock for that long.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Why a lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The user asked to stop while waiting.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The file could not be opened or locked.
    #[error("cannot lock {path}: {cause}", path = .path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
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
    /// Waits for the lock at `path`, made where it is missing. `waiting` is called once if another
    /// process holds it.
    pub fn acquire(path: &Path, waiting: impl FnOnce()) -> Result<Lock, LockError> {
        wait(path, File::try_lock, waiting)
    }

    /// Waits until nobody holds the lock alone, and shares it with others who do the same.
    pub fn share(path: &Path) -> Result<Lock, LockError> {
        wait(path, File::try_lock_shared, || {})
    }

    /// The lock, if nobody holds or shares it now.
    pub fn try_acquire(path: &Path) -> Result<Option<Lock>, LockError> {
        let file = open(path)?;
        Ok(attempt(&file, path, File::try_lock)?.then_some(Lock { file }))
    }
}

/// One way to lock a file without waiting.
type Try = fn(&File) -> Result<(), TryLockError>;

fn wait(path: &Path, way: Try, waiting: impl FnOnce()) -> Result<Lock, LockError> {
    let file = open(path)?;
    let mut waiting = Some(waiting);
    loop {
        if attempt(&file, path, way)? {
            return Ok(Lock { file });
        }
        if let Some(waiting) = waiting.take() {
            waiting();
        }
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
    fn a_second_holder_waits_until_the_first_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/build.lock");
        let first = Lock::acquire(&path, || panic!("nobody else holds it")).unwrap();
        let (told, was_told) = std::sync::mpsc::channel();
        let second = std::thread::spawn({
            let path = path.clone();
            move || Lock::acquire(&path, || told.send(()).unwrap()).map(drop)
        });
        was_told.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(!second.is_finished());
        drop(first);
        second.join().unwrap().unwrap();
    }

    #[test]
    fn a_lock_that_was_let_go_is_free_although_a_child_still_has_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = Lock::acquire(&path, || {}).unwrap();
        let the_childs = lock.file.try_clone().unwrap();
        drop(lock);
        assert!(Lock::try_acquire(&path).unwrap().is_some());
        drop(the_childs);
    }

    #[test]
    fn those_who_share_a_lock_keep_away_who_wants_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let (first, second) = (Lock::share(&path).unwrap(), Lock::share(&path).unwrap());
        assert!(Lock::try_acquire(&path).unwrap().is_none());
        drop((first, second));
        assert!(Lock::try_acquire(&path).unwrap().is_some());
    }
}
