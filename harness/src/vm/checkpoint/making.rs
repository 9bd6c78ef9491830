//! A checkpoint that is being made: completed under another name, then renamed.

use super::argv;
use super::digest::digest;
use super::evict::{evict, limit};
use super::files::{ABOUT, ARGV, About, CONSOLE, FILES, STATE, USED, verified};
use super::store::Store;
use crate::host::lock::Lock;
use crate::host::names::Key;
use crate::host::paths::{self, write_atomic};
use crate::host::regular_file::touch;
use crate::host::text::shown;
use crate::machine::{Argv, NodeMemory};
use crate::vm::error::VmError;
use crate::vm::ram;
use damonlab_protocol::units::Bytes;
use fs_err as fs;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

/// A checkpoint that is being made, exclusively.
#[derive(Debug)]
pub(crate) struct Making {
    store: Store,
    key: Key,
    pub(super) scratch: PathBuf,
    _lock: Lock,
}

impl Making {
    /// Waits until no other process makes the checkpoint, and removes unfinished and damaged ones. None if it is there by
    /// now.
    pub(crate) fn begin(store: &Store, key: &Key) -> Result<Option<Making>, VmError> {
        let lock = Lock::acquire(&store.lock(key), "another run to make this checkpoint")?;
        let place = store.place(key);
        if verified(&place, key).is_ok() {
            return Ok(None);
        }
        paths::remove(&place)?;
        let scratch = store.folder.join(format!("{key}.new"));
        paths::remove(&scratch)?;
        fs::create_dir_all(&scratch)?;
        Ok(Some(Making { store: store.clone(), key: key.clone(), scratch, _lock: lock }))
    }

    /// The file for the state of the devices.
    pub(crate) fn state(&self) -> PathBuf {
        self.scratch.join(STATE)
    }

    /// Checks that the disk has space for all that the guest may write until it is saved: a full disk would end QEMU with a
    /// signal.
    pub(crate) fn check_space(&self, machine: &Argv) -> Result<(), VmError> {
        let disk = nix::sys::statvfs::statvfs(&self.scratch).map_err(io::Error::from)?;
        let free = Bytes(disk.blocks_available().saturating_mul(disk.fragment_size()));
        let wanted = Bytes(machine.memories.iter().map(|memory| memory.size.0).sum());
        if free < wanted {
            let folder = shown(&self.store.folder);
            return Err(VmError::NoCheckpoint(format!(
                "{folder} has {free} left, and the guest may write {wanted}"
            )));
        }
        Ok(())
    }

    /// Makes the file of a node's memory, which is one hole.
    pub(crate) fn ram(&self, memory: &NodeMemory) -> io::Result<PathBuf> {
        let path = self.scratch.join(ram::file(memory));
        fs::File::create(&path)?.set_len(memory.size.0)?;
        Ok(path)
    }

    /// Completes the checkpoint once QEMU has saved, makes it visible, and removes the longest unused ones beyond the limit.
    pub(crate) fn publish(
        self,
        argv: &[String],
        folder: &str,
        memories: &[NodeMemory],
        console: &[u8],
        describe: &str,
    ) -> io::Result<()> {
        let argv = serde_json::to_vec_pretty(&argv::of_folder(argv, folder))?;
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
        evict(&self.store, limit(), &self.key)
    }
}

impl Drop for Making {
    /// Removes what was not published. After a SIGKILL, the next process that makes this checkpoint removes it.
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}
