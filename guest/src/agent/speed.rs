//! How fast memory is, as the four files of an access class in sysfs have it.

use super::files;
use damonlab_protocol::machine_view::SpeedView;
use std::path::{Path, PathBuf};

/// The four files of an access class.
pub fn read(folder: &Path) -> SpeedView {
    SpeedView {
        read_latency: number(folder.join("read_latency")),
        write_latency: number(folder.join("write_latency")),
        read_bandwidth: number(folder.join("read_bandwidth")),
        write_bandwidth: number(folder.join("write_bandwidth")),
    }
}

/// The number in a file; 0 where there is none.
pub fn number(path: PathBuf) -> u64 {
    files::read_line(path).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}
