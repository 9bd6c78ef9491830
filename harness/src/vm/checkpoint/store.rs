//! The folder of all checkpoints: one is found in it, checked and discarded.

use super::argv;
use super::files::{Contents, STATE, USED, touch, whole};
use crate::host::lock::Lock;
use crate::vm::error::VmError;
use std::io;
use std::path::{Path, PathBuf};

/// The folder of all checkpoints.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) folder: PathBuf,
}

/// What is found under a key.
#[derive(Debug)]
pub(crate) enum Found {
    /// A checkpoint that fits its digests, locked against its removal.
    Whole(Checkpoint),
    /// Something that must not be used, and why.
    Broken(String),
    /// Nothing.
    Nothing,
}

/// A checkpoint in use.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    pub key: String,
    /// The devices.
    pub state: PathBuf,
    /// Each node's memory.
    pub ram: Vec<PathBuf>,
    /// What the console said before.
    pub console: Vec<u8>,
    argv: Vec<String>,
    _lock: Lock,
}

impl Store {
    /// The checkpoints below a cache folder.
    pub fn of(cache: &Path) -> Store {
        Store { folder: cache.join("checkpoint") }
    }

    pub(super) fn lock(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.lock"))
    }

    pub(super) fn place(&self, key: &str) -> PathBuf {
        self.folder.join(key)
    }

    /// Looks for a checkpoint and checks every byte of it.
    pub(crate) fn find(&self, key: &str) -> Result<Found, VmError> {
        let place = self.place(key);
        if !place.exists() {
            return Ok(Found::Nothing);
        }
        let lock = Lock::share(&self.lock(key))?;
        Ok(match whole(&place, key) {
            Ok(Contents { argv, console, ram }) => {
                // A file system that refuses the time stamp only makes this one look older.
                let _ = touch(&place.join(USED));
                let ram = ram.iter().map(|name| place.join(name)).collect();
                let (key, state) = (key.to_owned(), place.join(STATE));
                Found::Whole(Checkpoint { key, state, ram, argv, console, _lock: lock })
            }
            // Taken away while we waited.
            Err(_) if !place.exists() => Found::Nothing,
            Err(why) => Found::Broken(why),
        })
    }

    /// Takes a checkpoint away that QEMU would not start from.
    pub(crate) fn discard(&self, key: &str) -> Result<(), VmError> {
        let _lock = Lock::acquire(&self.lock(key), || {})?;
        match std::fs::remove_dir_all(self.place(key)) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause.into()),
            _ => Ok(()),
        }
    }
}

impl Checkpoint {
    /// QEMU's words for a run in `folder`, the program first.
    pub(crate) fn argv(&self, folder: &str) -> Vec<String> {
        argv::in_folder(&self.argv, folder)
    }
}
