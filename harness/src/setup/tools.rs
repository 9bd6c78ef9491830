//! The programs that a run starts, or which requirements are missing.

use super::detect::{self, State};
use super::doctor::{Row, doctor};
use super::env::Env;
use super::own_command::ourselves;
use super::venv::Venv;
use crate::host::fault::{Fault, Faulty};
use crate::host::paths;
use fs_err as fs;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The tools that a run starts.
#[derive(Debug, Clone)]
pub struct Tools {
    /// `qemu-system-x86_64`.
    pub qemu: PathBuf,
    /// The first line of `qemu-system-x86_64 --version`.
    pub qemu_version: String,
    /// `vng` of the private environment.
    pub vng: PathBuf,
    /// `PATH` for vng, with the private environment first.
    pub path: OsString,
    /// A private `HOME`: vng reads and writes `~/.config` and `~/.cache`.
    pub home: PathBuf,
}

/// The missing requirements, and the command that installs them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("missing: {}; `{command}` installs what is missing", .what.join(", "))]
pub struct Missing {
    /// Their names, in the order of the table.
    pub what: Vec<String>,
    /// The command.
    pub command: String,
}

impl Faulty for Missing {
    fn fault(&self) -> Fault {
        Fault::Infra
    }
}

/// The tools, if all requirements are there.
///
/// # Errors
/// All missing requirements.
pub fn tools(env: &Env) -> Result<Tools, Missing> {
    let rows = doctor(env);
    let qemu = paths::find_program(&env.path, "qemu-system-x86_64");
    let (Some(qemu), None) = (qemu, rows.iter().find(|row| row.blocks())) else {
        return Err(missing(&rows));
    };
    let qemu_version = detect::version_line(&qemu);
    let venv = Venv::of(env);
    let home = home(&env.cache).map_err(|cause| Missing {
        what: vec![format!("a folder for virtme-ng ({cause})")],
        command: ourselves("doctor"),
    })?;
    Ok(Tools { qemu, qemu_version, vng: venv.vng(), path: venv.path(env), home })
}

/// The private HOME of virtme-ng: in the cache or, if that cannot be written, beside the run folders.
fn home(cache: &Path) -> io::Result<PathBuf> {
    let home = cache.join("home");
    if fs::create_dir_all(&home).is_ok() {
        return Ok(home);
    }
    let home = paths::runtime()?.join("home");
    fs::create_dir_all(&home)?;
    Ok(home)
}

fn missing(rows: &[Row]) -> Missing {
    let blocking = rows.iter().filter(|row| row.blocks());
    let what = blocking.map(|row| match &row.state {
        State::TooOld { found, wanted } => format!("{} {wanted} or newer (found {found})", row.name),
        _ => row.name.clone(),
    });
    Missing { what: what.collect(), command: ourselves("setup") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_an_empty_machine_all_missing_requirements_are_reported_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let env =
            Env { root: folder.path().into(), path: "/nonexistent".into(), cache: folder.path().into() };
        let missing = tools(&env).unwrap_err();
        assert_eq!(missing.what.first().unwrap(), "QEMU");
        assert_eq!(missing.what.last().unwrap(), "virtme-ng");
        assert!(missing.command.ends_with("setup"));
    }
}
