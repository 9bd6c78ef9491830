//! A look for leaked memory at the end of a run, where the kernel can (`CONFIG_DEBUG_KMEMLEAK`). The kernel reports what it finds in
//! the kernel log, which is judged.

use super::{clock, files};
use damonlab_protocol::units::Nanos;
use std::path::Path;

const KMEMLEAK: &str = "/sys/kernel/debug/kmemleak";

/// An object is suspected once it is older than this (`MSECS_MIN_AGE`, 5 s).
const OLD_ENOUGH: Nanos = Nanos(5_100_000_000);

/// Has the kernel look twice: an object that changed since the first look is not suspected yet.
pub fn scan() -> Result<(), files::FileError> {
    if !Path::new(KMEMLEAK).exists() {
        return Ok(());
    }
    files::write(KMEMLEAK, "scan")?;
    clock::sleep(OLD_ENOUGH);
    files::write(KMEMLEAK, "scan")
}
