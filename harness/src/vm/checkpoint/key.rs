//! The name of a checkpoint: a digest over all that decides what a booted guest is.

use super::super::{Launch, VmError, command, initramfs};
use fs_err as fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The layout of a checkpoint's folder and the meaning of its key.
const VERSION: u32 = 1;

/// As many digits as tell all checkpoints of a machine apart.
const DIGITS: usize = 24;

/// The key of the guest that `launch` would boot: the kernel's bytes, the initramfs, virtme-ng and its
/// arguments (the machine and the kernel's words are in them), the plan's size, and QEMU, which is known by
/// its version and its file, for it is too large to be read each time.
pub(in super::super) fn key(launch: &Launch<'_>, plan_size: usize) -> Result<String, VmError> {
    let mut hasher = blake3::Hasher::new();
    let mut add = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    };
    add(&VERSION.to_le_bytes());
    add(&fs::read(launch.bzimage)?);
    add(&initramfs::archive(launch.agent)?);
    for word in command::arguments(launch.machine, Path::new("/run"), &launch.timing)? {
        add(word.as_encoded_bytes());
    }
    add(&(plan_size as u64).to_le_bytes());
    add(launch.tools.qemu_version.as_bytes());
    for program in [&launch.tools.qemu, &launch.tools.vng] {
        let file = fs::metadata(program)?;
        add(program.as_os_str().as_encoded_bytes());
        add(&[file.len().to_le_bytes(), file.mtime().to_le_bytes(), file.mtime_nsec().to_le_bytes()].concat());
    }
    let mut key = hasher.finalize().to_hex().to_string();
    key.truncate(DIGITS);
    Ok(key)
}
