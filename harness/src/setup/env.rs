//! The machine to be checked: its root folder, `PATH` and damonlab's cache.

use crate::host::paths;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// The real machine or, in a test, folders.
#[derive(Debug, Clone)]
pub struct Env {
    /// The folder with `etc/os-release`, `etc/apt` and `usr/include`.
    pub root: PathBuf,
    /// The value of `PATH`.
    pub path: OsString,
    /// damonlab's cache.
    pub cache: PathBuf,
}

impl Env {
    /// This machine.
    ///
    /// # Errors
    /// There is no cache folder: neither `XDG_CACHE_HOME` nor `HOME` is an absolute path.
    pub fn machine() -> io::Result<Env> {
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        Ok(Env { root: "/".into(), path, cache: paths::cache()? })
    }
}
