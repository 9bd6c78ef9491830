//! Where the programs of a build run: on the host, or in bubblewrap, which shows them the compiler, the source and one
//! folder that they may write.
//!
//! A kernel's Makefiles run any command, and so may those of a stranger's patch. What a confined build writes would run on the
//! host if an unconfined one found it, so its build folder and its ccache are its own.

use super::error::KernelError;
use super::image::KEY_FILE;
use crate::host::command::{self, Limits, command_for};
use fs_err as fs;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

/// Where the programs of a build run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BuildIn {
    /// On the host, as the user.
    #[default]
    Host,
    /// In bubblewrap: without network, without the user's files, and with the build's own folders to write.
    Bubblewrap,
}

/// Parts of the host that compilers need, where they exist. They are read-only. No home and no `/etc` as a whole.
const SYSTEM: [&str; 9] =
    ["/usr", "/opt", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/ld.so.cache"];

/// The files of a build folder that damonlab reads or writes.
const OURS: [&str; 8] = [
    ".config",
    "System.map",
    "arch/x86/boot/bzImage",
    "config.log",
    "damonlab.stamp",
    "make.log",
    "vmlinux",
    KEY_FILE,
];

/// What a confined program may see and write.
pub(super) struct Places<'a> {
    /// The working copy, which it may read.
    pub tree: &'a Path,
    /// Folders that it may write.
    pub writable: [&'a Path; 2],
    /// Its home, an empty folder that is gone afterwards.
    pub home: &'a Path,
}

impl BuildIn {
    /// A command that starts `program` there.
    pub(super) fn command(self, program: &str, places: &Places<'_>) -> Command {
        match self {
            BuildIn::Host => command_for(program),
            BuildIn::Bubblewrap => confined(program, places),
        }
    }

    /// What is added to the names of its build folders.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            BuildIn::Host => "",
            BuildIn::Bubblewrap => "-bwrap",
        }
    }

    /// Its ccache.
    pub(super) fn ccache(self, cache: &Path) -> PathBuf {
        cache.join(format!("ccache{}", self.suffix()))
    }

    /// Checks that this host can run a build there.
    ///
    /// # Errors
    /// bubblewrap is missing, or the host does not let it make namespaces.
    pub fn check(self, path: &OsStr) -> Result<(), KernelError> {
        let mut command = match self {
            BuildIn::Host => return Ok(()),
            BuildIn::Bubblewrap => command_for("bwrap"),
        };
        command.args(["--unshare-all", "--ro-bind", "/", "/", "true"]).env("PATH", path);
        command::succeed(&mut command, Limits::QUERY).map(drop).map_err(KernelError::NoConfinement)
    }

    /// Refuses a confined build that has left a link or a device in `out` where damonlab reads or writes: it would lead out
    /// of the folder.
    pub(super) fn check_left(self, out: &Path) -> Result<(), KernelError> {
        if self == BuildIn::Host {
            return Ok(());
        }
        let inside = fs::canonicalize(out)?;
        for name in OURS {
            let path = out.join(name);
            let left = path.symlink_metadata().is_ok();
            let plain =
                || path.is_file() && fs::canonicalize(&path).is_ok_and(|found| found == inside.join(name));
            if left && !plain() {
                return Err(KernelError::LeadsOut(path));
            }
        }
        Ok(())
    }
}

fn confined(program: &str, places: &Places<'_>) -> Command {
    let mut command = command_for("bwrap");
    // A new session, because a program could type into the terminal of this one.
    command.args(["--die-with-parent", "--new-session", "--unshare-all"]);
    for path in SYSTEM {
        command.args(["--ro-bind-try", path, path]);
    }
    command.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]);
    command.arg("--tmpfs").arg(places.home);
    command.arg("--ro-bind").args([places.tree; 2]);
    for path in places.writable {
        command.arg("--bind").args([path; 2]);
    }
    // The temporary folder of the user is not there.
    command.args(["--setenv", "TMPDIR", "/tmp", "--", program]);
    command
}

impl fmt::Display for BuildIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BuildIn::Host => "host",
            BuildIn::Bubblewrap => "bwrap",
        })
    }
}

impl FromStr for BuildIn {
    type Err = String;

    fn from_str(word: &str) -> Result<BuildIn, String> {
        match word {
            "host" => Ok(BuildIn::Host),
            "bwrap" => Ok(BuildIn::Bubblewrap),
            _ => Err(format!("a build runs in host or bwrap, not in '{word}'; containers are not supported")),
        }
    }
}

#[cfg(test)]
mod tests;
