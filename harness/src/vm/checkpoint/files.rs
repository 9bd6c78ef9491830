//! The files of one checkpoint.

use super::digest::digest;
use crate::host::names::Key;
use crate::host::regular_file;
use crate::vm::ram;
use damonlab_protocol::units::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The state of the devices, as QEMU saved it.
pub(super) const STATE: &str = "state";
/// QEMU's command line as virtme-ng composed it, with [`RUN`](super::argv::RUN) in place of the run folder.
pub(super) const ARGV: &str = "argv.json";
/// The console's output up to the ready point.
pub(super) const CONSOLE: &str = "console.txt";
/// The files that every checkpoint has besides its memory.
pub(super) const FILES: &[&str] = &[STATE, ARGV, CONSOLE];
/// [`About`], written last.
pub(super) const ABOUT: &str = "about.json";
/// Its modification time is the last use.
pub(super) const USED: &str = "used";

/// The files besides the memory are small: the largest is the console's output of a boot.
pub(super) const LIMIT: Bytes = Bytes(16 << 20);

/// The description of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    pub key: Key,
    /// Its description for users.
    pub describe: String,
    /// The files of the nodes' memory.
    pub ram: Vec<String>,
    /// The digest of each file, by name.
    pub digests: BTreeMap<String, String>,
}

/// The content of a checkpoint that is read.
pub(super) struct Contents {
    pub argv: Vec<String>,
    pub console: Vec<u8>,
    pub ram: Vec<String>,
}

/// The content of a checkpoint whose files all match their digests.
///
/// # Errors
/// The file that is damaged.
pub(super) fn verified(place: &Path, key: &Key) -> Result<Contents, String> {
    let read = |name: &str| regular_file::bytes(&place.join(name), LIMIT).map_err(|error| error.to_string());
    let about: About = serde_json::from_slice(&read(ABOUT)?).map_err(|cause| format!("{ABOUT}: {cause}"))?;
    if about.key != *key {
        return Err(format!("it is the checkpoint {} under another name", about.key));
    }
    if let Some(name) = about.ram.iter().find(|name| !ram::is_file(name)) {
        return Err(format!("{ABOUT} names {name:?}, which is no memory of a node"));
    }
    for name in FILES.iter().copied().chain(about.ram.iter().map(String::as_str)) {
        let found = digest(&place.join(name)).map_err(|cause| format!("{name}: {cause}"))?;
        if about.digests.get(name) != Some(&found) {
            return Err(format!("{name} has changed since it was saved"));
        }
    }
    let argv = serde_json::from_slice(&read(ARGV)?).map_err(|cause| format!("{ARGV}: {cause}"))?;
    Ok(Contents { argv, console: read(CONSOLE)?, ram: about.ram })
}
