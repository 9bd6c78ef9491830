//! The private folder of one run: sockets, the plan and the initramfs.
//!
//! Its path is short, because the path of a Unix socket has at most 107 bytes. A folder is locked while its run lives; the
//! folder of a killed run is unlocked, and the next run removes it.

use super::error::VmError;
use crate::host::lock::Lock;
use crate::host::paths;
use crate::host::regular_file::{ReadError, RegularFile};
use damonlab_protocol::units::Bytes;
use fs_err as fs;
use std::io;
use std::path::Path;
use tempfile::TempDir;

const LOCK: &str = "lock";
const PREFIX: &str = "run-";

/// The longest path of a Unix socket: 108 bytes with the zero at its end.
const SOCKET_PATH: usize = 107;

/// Names of the files and sockets of one run, all in its private folder.
pub mod file {
    /// QEMU's QMP socket.
    pub const QMP: &str = "qmp.sock";
    /// The socket of the gdb stub, if there is one.
    pub const GDB: &str = "gdb.sock";
    /// The console's socket (the guest's ttyS1).
    pub const CONSOLE: &str = "console.sock";
    /// The results' socket.
    pub const RESULTS: &str = "results.sock";
    /// The plan, which the guest reads through fw_cfg.
    pub const PLAN: &str = "plan";
    /// The initramfs.
    pub const INITRD: &str = "guest.cpio";
    /// A link to the kernel.
    pub const KERNEL: &str = "bzImage";
    /// A link to the saved state of the devices.
    pub const STATE: &str = "state";
    /// An empty folder, which virtme-ng exports as the guest's root.
    pub const ROOT: &str = "root";
}

/// The folder of a run that lives.
#[derive(Debug)]
pub struct RunFolder {
    folder: TempDir,
    _lock: Lock,
}

impl RunFolder {
    /// Makes a folder, after it removes those of killed runs.
    pub fn new() -> Result<RunFolder, VmError> {
        RunFolder::below(&paths::runtime()?)
    }

    fn below(base: &Path) -> Result<RunFolder, VmError> {
        // One at a time: between its creation and its lock, a sweep would find a folder unlocked.
        let _sweeping =
            Lock::acquire(&base.join("sweep.lock"), "another damonlab to remove old run folders")?;
        sweep(base)?;
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(base)?;
        let sockets =
            [file::QMP, file::GDB, file::CONSOLE, file::RESULTS].map(|name| folder.path().join(name));
        if let Some(path) = sockets.into_iter().find(|path| path.as_os_str().len() > SOCKET_PATH) {
            return Err(VmError::LongPath { path });
        }
        let lock = Lock::acquire(&folder.path().join(LOCK), "a new run folder")?;
        fs::create_dir(folder.path().join(file::ROOT))?;
        Ok(RunFolder { folder, _lock: lock })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn sweep(base: &Path) -> Result<(), VmError> {
    for entry in fs::read_dir(base)? {
        let path = entry?.path();
        let is_runs =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()));
        if is_runs && path.is_dir() && is_free(&path.join(LOCK)) {
            match fs::remove_dir_all(&path) {
                // A run that ends removes its folder itself, perhaps right now.
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause.into()),
                _ => {}
            }
        }
    }
    Ok(())
}

fn is_free(lock: &Path) -> bool {
    match RegularFile::open(lock, Bytes(u64::MAX)) {
        Ok(file) => file.into_file().try_lock().is_ok(),
        Err(ReadError::Io { cause, .. }) => cause.kind() == io::ErrorKind::NotFound,
        // Nobody can have locked it.
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_which_no_socket_fits_is_refused_with_the_variable_to_set() {
        let base = tempfile::tempdir().unwrap();
        let long = base.path().join("x".repeat(100));
        fs::create_dir(&long).unwrap();
        let error = RunFolder::below(&long).unwrap_err().to_string();
        assert!(error.contains("at most 107 bytes") && error.contains("TMPDIR"), "{error}");
        let left = fs::read_dir(&long).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
        assert_eq!(left.count(), 0);
        RunFolder::below(base.path()).unwrap();
    }

    #[test]
    fn the_folder_of_a_killed_run_is_removed_and_that_of_a_live_run_stays() {
        let base = tempfile::tempdir().unwrap();
        let (dead, live) = (base.path().join("run-dead"), base.path().join("run-live"));
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        let _lock = Lock::acquire(&live.join(LOCK), "nobody").unwrap();
        sweep(base.path()).unwrap();
        assert!(!dead.exists());
        assert!(live.exists());
    }
}
