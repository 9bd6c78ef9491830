//! A look for counters of `/proc/vmstat` below 0 at the end of a run. `/proc/vmstat` shows such a counter as 0; the kernel
//! logs it when a write makes it fold what CPUs keep to themselves, and the kernel log is judged.

use super::files;
use std::path::Path;

const REFRESH: &str = "/proc/sys/vm/stat_refresh";

/// Has the kernel fold all counters and log those below 0.
pub fn refresh() -> Result<(), files::FileError> {
    if !Path::new(REFRESH).exists() {
        return Ok(());
    }
    files::write(REFRESH, "1")
}
