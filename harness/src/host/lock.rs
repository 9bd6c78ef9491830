//! Locks between damonlab processes: one file a resource, held by the kernel for as long as the
//! process lives, so that no ending can leave one behind.
//!
//! The file itself stays: removing it would let two processes hold a lock on two files of one name.

use super::interrupt::{self, Interrupted};
use fs_err as fs;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A held lock. Dropping it lets go.
#[derive(Debug)]
pub struct Lock {
    _file: File,
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

impl Lock {
    /// Waits for the lock at `path`, made where it is missing. `waiting` is called once if another
    /// process holds it.
    pub fn acquire(path: &Path, waiting: impl FnOnce()) -> Result<Lock, LockError> {
        let failed = |cause| LockError::Io { path: path.to_owned(), cause };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = File::options().create(true).truncate(false).write(true).open(path).map_err(failed)?;
        let mut waiting = Some(waiting);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(cause)) => return Err(failed(cause)),
            }
            if let Some(waiting) = waiting.take() {
                waiting();
            }
            interrupt::check()?;
            std::thread::sleep(Duration::from_millis(100));
        }
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
}
