//! The machine that is looked at.

use crate::host::paths;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// Where to look: the real machine, or in a test one of folders.
#[derive(Debug, Clone)]
pub struct Env {
    /// Below it lie `etc/os-release`, `etc/apt` and `usr/include`.
    pub root: PathBuf,
    /// As in `PATH`.
    pub path: OsString,
    /// damonlab's cache.
    pub cache: PathBuf,
}

impl Env {
    /// The machine this runs on.
    ///
    /// # Errors
    /// There is no cache folder: neither `XDG_CACHE_HOME` nor `HOME` is an absolute path.
    pub fn machine() -> io::Result<Env> {
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        Ok(Env { root: "/".into(), path, cache: paths::cache()? })
    }
}
