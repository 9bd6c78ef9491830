//! What a guest and its QEMU send, for the fuzz targets: the results' stream and QEMU's replies, from bytes instead of
//! from a socket.

use super::qmp::Qmp;
use super::{capability, cxl_mapping, debug, results};
use damonlab_protocol::wire::{self, WireError};
use serde_json::json;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

/// The most that a socket takes without a reader.
const SOCKET: usize = 64 << 10;

/// Reads a stream of results as a run does, with the sections and limits of a run, and stores nothing.
///
/// # Errors
/// As for a run.
pub fn results(stream: &[u8]) -> Result<Vec<String>, WireError> {
    wire::receive(stream, &results::sections(), |_, _| Ok(()))
}

/// Reads `replies` as those of a QEMU, and interprets each as a run does.
///
/// # Errors
/// What the monitor reports about them.
pub fn replies(replies: &[u8]) -> io::Result<()> {
    let (own, mut qemu) = UnixStream::pair()?;
    qemu.write_all(&replies[..replies.len().min(SOCKET)])?;
    qemu.shutdown(Shutdown::Write)?;
    let mut qmp = Qmp::over(own)?;
    qmp.status()?;
    let _ = debug::find_card(&qmp.execute("query-pci", json!({}))?);
    let tree = qmp.execute("human-monitor-command", json!({"command-line": "info mtree -f"}))?;
    let _ = cxl_mapping::system_memory(tree.as_str().unwrap_or_default());
    capability::query(&mut qmp).map(drop)
}
