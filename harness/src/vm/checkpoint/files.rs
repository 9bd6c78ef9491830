//! The files of one checkpoint.

use super::digest::digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// What QEMU saved of the devices.
pub(super) const STATE: &str = "state";
/// QEMU's command line as virtme-ng composed it, a word a line, with [`RUN`](super::argv::RUN) for the run's folder.
pub(super) const ARGV: &str = "argv.json";
/// What the console said until the ready point.
pub(super) const CONSOLE: &str = "console.txt";
/// What every checkpoint has besides its memory.
pub(super) const FILES: &[&str] = &[STATE, ARGV, CONSOLE];
/// [`About`], written last.
pub(super) const ABOUT: &str = "about.json";
/// Touched at each use.
pub(super) const USED: &str = "used";

/// What a checkpoint says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    pub key: String,
    /// For people.
    pub describe: String,
    /// Files of the nodes' memory.
    pub ram: Vec<String>,
    /// Of each file, by name.
    pub digests: BTreeMap<String, String>,
}

/// What was read of a checkpoint.
pub(super) struct Contents {
    pub argv: Vec<String>,
    pub console: Vec<u8>,
    pub ram: Vec<String>,
}

/// What it holds, if every file is as it was made.
pub(super) fn whole(place: &Path, key: &str) -> Result<Contents, String> {
    let read = |name: &str| std::fs::read(place.join(name)).map_err(|cause| format!("{name}: {cause}"));
    let about: About = serde_json::from_slice(&read(ABOUT)?).map_err(|cause| format!("{ABOUT}: {cause}"))?;
    if about.key != key {
        return Err(format!("it is the checkpoint {} under another name", about.key));
    }
    for name in FILES.iter().copied().chain(about.ram.iter().map(String::as_str)) {
        let found = digest(&place.join(name)).map_err(|cause| format!("{name}: {cause}"))?;
        if about.digests.get(name) != Some(&found) {
            return Err(format!("{name} is not as it was saved"));
        }
    }
    let argv = serde_json::from_slice(&read(ARGV)?).map_err(|cause| format!("{ARGV}: {cause}"))?;
    Ok(Contents { argv, console: read(CONSOLE)?, ram: about.ram })
}

pub(super) fn touch(path: &Path) -> io::Result<()> {
    let file = std::fs::File::options().create(true).truncate(false).write(true).open(path)?;
    file.set_modified(SystemTime::now())
}
