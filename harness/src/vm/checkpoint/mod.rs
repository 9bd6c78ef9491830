//! Checkpoints: guests that were booted once and saved at their ready point, to be started from there.
//!
//! A folder each, named by everything that went in ([`key`]). It is made whole under another name and then
//! renamed; before each use its files are compared with their digests, and what does not fit is made anew.
//! A lock a key: whoever makes one holds it alone, whoever starts from one shares it, so nobody makes the
//! same one twice and nobody's is taken away while QEMU reads it.

mod digest;
mod evict;
pub(super) mod key;
mod words;

pub use evict::{Listed, limit, list};

use super::VmError;
use super::ram;
use crate::host::lock::Lock;
use crate::host::paths::write_atomic;
use crate::machine::{Argv, NodeMemory};
use damonlab_protocol::units::Bytes;
use digest::digest;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What QEMU saved of the devices.
const STATE: &str = "state";
/// QEMU's command line as virtme-ng composed it, a word a line, with [`words::RUN`] for the run's folder.
const ARGV: &str = "argv.json";
/// What the console said until the ready point.
const CONSOLE: &str = "console.txt";
/// What every checkpoint has besides its memory.
const FILES: &[&str] = &[STATE, ARGV, CONSOLE];
/// [`About`], written last.
const ABOUT: &str = "about.json";
/// Touched at each use.
const USED: &str = "used";

/// What a checkpoint says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    key: String,
    /// For people.
    describe: String,
    /// Files of the nodes' memory.
    ram: Vec<String>,
    /// Of each file, by name.
    digests: BTreeMap<String, String>,
}

/// The folder of all checkpoints.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

/// What is found under a key.
#[derive(Debug)]
pub(super) enum Found {
    /// A checkpoint that fits its digests, locked against its removal.
    Whole(Checkpoint),
    /// Something that must not be used, and why.
    Broken(String),
    /// Nothing.
    Nothing,
}

/// A checkpoint in use.
#[derive(Debug)]
pub(super) struct Checkpoint {
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

/// A checkpoint in the making: nobody else makes it.
#[derive(Debug)]
pub(super) struct Making {
    store: Store,
    key: String,
    scratch: PathBuf,
    _lock: Lock,
}

impl Store {
    /// The checkpoints below a cache folder.
    pub fn of(cache: &Path) -> Store {
        Store { folder: cache.join("checkpoint") }
    }

    fn lock(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.lock"))
    }

    fn place(&self, key: &str) -> PathBuf {
        self.folder.join(key)
    }

    /// Looks for a checkpoint and checks every byte of it.
    pub(super) fn find(&self, key: &str) -> Result<Found, VmError> {
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

    /// Waits until nobody else makes the checkpoint, and takes what is left of unfinished and broken ones
    /// away. None if it is there by now.
    pub(super) fn make(&self, key: &str) -> Result<Option<Making>, VmError> {
        let lock = Lock::acquire(&self.lock(key), || {})?;
        let place = self.place(key);
        if place.exists() {
            if whole(&place, key).is_ok() {
                return Ok(None);
            }
            fs::remove_dir_all(&place)?;
        }
        let scratch = self.folder.join(format!("{key}.new"));
        if scratch.exists() {
            fs::remove_dir_all(&scratch)?;
        }
        fs::create_dir_all(&scratch)?;
        Ok(Some(Making { store: self.clone(), key: key.to_owned(), scratch, _lock: lock }))
    }

    /// Takes a checkpoint away that QEMU would not start from.
    pub(super) fn discard(&self, key: &str) -> Result<(), VmError> {
        let _lock = Lock::acquire(&self.lock(key), || {})?;
        match std::fs::remove_dir_all(self.place(key)) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause.into()),
            _ => Ok(()),
        }
    }
}

impl Checkpoint {
    /// QEMU's words for a run in `folder`, the program first.
    pub(super) fn argv(&self, folder: &str) -> Vec<String> {
        words::in_folder(&self.argv, folder)
    }
}

impl Making {
    /// Where QEMU is to save the devices.
    pub(super) fn state(&self) -> PathBuf {
        self.scratch.join(STATE)
    }

    /// Whether the disk has room for all that a guest may write until it is saved: a full one would end
    /// QEMU with a signal.
    pub(super) fn check_room(&self, machine: &Argv) -> Result<(), VmError> {
        let disk = nix::sys::statvfs::statvfs(&self.scratch).map_err(io::Error::from)?;
        let free = Bytes(disk.blocks_available().saturating_mul(disk.fragment_size()));
        let wanted = Bytes(machine.memories.iter().map(|memory| memory.size.0).sum());
        if free < wanted {
            let folder = self.store.folder.display();
            return Err(VmError::NotSaved(format!(
                "{folder} has {free} left and the guest may write {wanted}"
            )));
        }
        Ok(())
    }

    /// Makes the file of a node's memory, a single hole.
    pub(super) fn ram(&self, memory: &NodeMemory) -> io::Result<PathBuf> {
        let path = self.scratch.join(ram::file(memory));
        fs::File::create(&path)?.set_len(memory.size.0)?;
        Ok(path)
    }

    /// Makes the checkpoint visible, whole, once QEMU has saved, and takes the oldest away where all of
    /// them are more than the limit.
    pub(super) fn publish(
        self,
        argv: &[String],
        folder: &str,
        memories: &[NodeMemory],
        console: &[u8],
        describe: &str,
    ) -> io::Result<()> {
        let argv = serde_json::to_vec_pretty(&words::of_folder(argv, folder))?;
        fs::write(self.scratch.join(ARGV), argv)?;
        fs::write(self.scratch.join(CONSOLE), console)?;
        let mut digests = BTreeMap::new();
        let ram: Vec<String> = memories.iter().map(ram::file).collect();
        for name in FILES.iter().copied().chain(ram.iter().map(String::as_str)) {
            digests.insert(name.to_owned(), digest(&self.scratch.join(name))?);
        }
        let about = About { key: self.key.clone(), describe: describe.to_owned(), ram, digests };
        touch(&self.scratch.join(USED))?;
        write_atomic(&self.scratch.join(ABOUT), &serde_json::to_vec_pretty(&about)?)?;
        fs::rename(&self.scratch, self.store.place(&self.key))?;
        evict::evict(&self.store, limit(), &self.key)
    }
}

impl Drop for Making {
    /// What was not published is of no use; after a SIGKILL the next who makes this one removes it.
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}

/// What was read of a checkpoint.
struct Contents {
    argv: Vec<String>,
    console: Vec<u8>,
    ram: Vec<String>,
}

/// What it holds, if every file is as it was made.
fn whole(place: &Path, key: &str) -> Result<Contents, String> {
    let read = |name: &str| std::fs::read(place.join(name)).map_err(|cause| format!("{name}: {cause}"));
    let about: About = serde_json::from_slice(&read(ABOUT)?).map_err(|cause| format!("{ABOUT}: {cause}"))?;
    if about.key != key {
        return Err(format!("it is the checkpoint {} under another name", about.key));
    }
    for name in FILES.iter().copied().chain(about.ram.iter().map(String::as_str)) {
        let found = digest(&place.join(name)).map_err(|cause| format!("{name}: {cause}"))?;
        if about.digests.get(name) != Some(&found) {
            return Err(format!("{name} is not as it was saved"));
        }
    }
    let argv = serde_json::from_slice(&read(ARGV)?).map_err(|cause| format!("{ARGV}: {cause}"))?;
    Ok(Contents { argv, console: read(CONSOLE)?, ram: about.ram })
}

fn touch(path: &Path) -> io::Result<()> {
    let file = std::fs::File::options().create(true).truncate(false).write(true).open(path)?;
    file.set_modified(SystemTime::now())
}

#[cfg(test)]
mod tests;
