//! The folder of all checkpoints: finds, verifies and discards one.

use super::argv;
use super::files::{Contents, STATE, USED, verified};
use crate::host::lock::Lock;
use crate::host::names::Key;
use crate::host::paths;
use crate::host::regular_file::touch;
use crate::vm::error::VmError;
use std::path::{Path, PathBuf};

/// The folder of all checkpoints.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) folder: PathBuf,
}

/// The checkpoint of a key.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// A checkpoint that matches its digests, locked against its removal.
    Intact(Checkpoint),
    /// A checkpoint that must not be used, and why.
    Damaged(String),
    /// There is none.
    Missing,
}

/// A checkpoint in use.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    pub key: Key,
    /// The state of the devices.
    pub state: PathBuf,
    /// The memory of each node.
    pub ram: Vec<PathBuf>,
    /// The console's output up to the ready point.
    pub console: Vec<u8>,
    argv: Vec<String>,
    _lock: Option<Lock>,
}

impl Store {
    /// The checkpoints of a cache.
    pub fn of(cache: &Path) -> Store {
        Store { folder: cache.join("checkpoint") }
    }

    pub(super) fn lock(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{key}.lock"))
    }

    pub(super) fn place(&self, key: &Key) -> PathBuf {
        self.folder.join(key)
    }

    /// Finds a checkpoint and verifies every byte of it.
    pub(crate) fn find(&self, key: &Key) -> Result<Lookup, VmError> {
        let place = self.place(key);
        if place.symlink_metadata().is_err() {
            return Ok(Lookup::Missing);
        }
        let lock = Lock::share_if_possible(&self.lock(key), "another run to make this checkpoint")?;
        Ok(match verified(&place, key) {
            Ok(Contents { argv, console, ram }) => {
                // A file system that refuses the time stamp only makes this one look older.
                let _ = touch(&place.join(USED));
                let ram = ram.iter().map(|name| place.join(name)).collect();
                let (key, state) = (key.clone(), place.join(STATE));
                Lookup::Intact(Checkpoint { key, state, ram, argv, console, _lock: lock })
            }
            // Removed meanwhile.
            Err(_) if place.symlink_metadata().is_err() => Lookup::Missing,
            Err(why) => Lookup::Damaged(why),
        })
    }

    /// Removes a checkpoint that QEMU cannot start from. Where it cannot be removed, each run boots instead.
    pub(crate) fn discard(&self, key: &Key) -> Result<(), VmError> {
        let lock = Lock::acquire_if_possible(&self.lock(key), "the runs that use this checkpoint")?;
        if lock.is_some() {
            let _ = paths::remove(&self.place(key));
        }
        Ok(())
    }
}

impl Checkpoint {
    /// QEMU's command line for a run in `folder`, with the program.
    pub(crate) fn argv(&self, folder: &str) -> Vec<String> {
        argv::in_folder(&self.argv, folder)
    }
}
