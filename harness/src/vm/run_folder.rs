//! The private folder of one run: sockets, the plan, the initramfs, virtme-ng's HOME.
//!
//! Short paths, because a Unix socket's has 107 bytes. A folder is locked while its run lives; what
//! a killed run has left is found unlocked and removed by the next.

use super::error::VmError;
use crate::host::lock::Lock;
use crate::host::paths;
use fs_err as fs;
use std::io;
use std::path::Path;
use tempfile::TempDir;

const LOCK: &str = "lock";

/// Names of the files and sockets of one run, all in its private folder.
pub mod file {
    /// QEMU's QMP socket.
    pub const QMP: &str = "qmp.sock";
    /// The gdb stub's socket, where there is one.
    pub const GDB: &str = "gdb.sock";
    /// The console's socket (the guest's ttyS1).
    pub const CONSOLE: &str = "console.sock";
    /// The results' socket.
    pub const RESULTS: &str = "results.sock";
    /// The plan, as fw_cfg hands it to the guest.
    pub const PLAN: &str = "plan";
    /// The initramfs.
    pub const INITRD: &str = "guest.cpio";
    /// A link to the kernel.
    pub const KERNEL: &str = "bzImage";
    /// A link to the guest's saved state.
    pub const STATE: &str = "state";
    /// An empty folder: what virtme-ng exports as the guest's root.
    pub const ROOT: &str = "root";
}

/// The folder of a live run.
#[derive(Debug)]
pub struct RunFolder {
    folder: TempDir,
    _lock: Lock,
}

impl RunFolder {
    /// Makes one, after removing those whose runs are gone.
    pub fn new() -> Result<RunFolder, VmError> {
        let base = paths::runtime()?;
        // Between making a folder and locking it, a sweep would find it unlocked: one at a time.
        let _sweeping = Lock::acquire(&base.join("sweep.lock"), || {})?;
        sweep(&base)?;
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&base)?;
        let lock = Lock::acquire(&folder.path().join(LOCK), || {})?;
        fs::create_dir(folder.path().join(file::ROOT))?;
        Ok(RunFolder { folder, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn sweep(base: &Path) -> Result<(), VmError> {
    for entry in fs::read_dir(base)? {
        let path = entry?.path();
        if path.is_dir() && is_free(&path.join(LOCK)) {
            match fs::remove_dir_all(&path) {
                // A run that ends removes its folder itself, perhaps in this moment.
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause.into()),
                _ => {}
            }
        }
    }
    Ok(())
}

fn is_free(lock: &Path) -> bool {
    match fs::File::open(lock) {
        Ok(file) => file.file().try_lock().is_ok(),
        Err(cause) => cause.kind() == io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_is_removed_and_a_live_run_stays() {
        let base = tempfile::tempdir().unwrap();
        let (dead, live) = (base.path().join("run-dead"), base.path().join("run-live"));
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        let _held = Lock::acquire(&live.join(LOCK), || {}).unwrap();
        sweep(base.path()).unwrap();
        assert!(!dead.exists());
        assert!(live.exists());
    }
}
