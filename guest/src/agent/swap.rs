//! Swap to compressed memory: `zram0`, formatted and switched on.

use super::failure::Failure;
use super::files;
use damonlab_protocol::swap_header;
use damonlab_protocol::units::Bytes;
use nix::errno::Errno;
use nix::libc;
use std::fs::OpenOptions;
use std::io::Write;

const DEVICE: &std::ffi::CStr = c"/dev/zram0";
const DISKSIZE: &str = "/sys/block/zram0/disksize";

/// Switches it on, so large.
pub fn on(size: Bytes) -> Result<(), Failure> {
    files::write(DISKSIZE, &size.0.to_string())?;
    let path = DEVICE.to_string_lossy();
    let failed = |what: &str, error: &dyn std::fmt::Display| format!("{path}: cannot {what}: {error}");
    let mut device =
        OpenOptions::new().write(true).open(&*path).map_err(|error| failed("be opened", &error))?;
    device.write_all(&swap_header::page(size)).map_err(|error| failed("be formatted", &error))?;
    drop(device);
    #[expect(unsafe_code, reason = "nix has no wrapper for swapon")]
    // SAFETY: the path is a C string that outlives the call, and swapon reads nothing else.
    let result = unsafe { libc::swapon(DEVICE.as_ptr(), 0) };
    Errno::result(result).map_err(|errno| failed("be switched on", &errno))?;
    Ok(())
}
