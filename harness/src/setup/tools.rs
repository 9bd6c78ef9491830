//! The programs that a run starts, or which requirements are missing.

use super::detect::State;
use super::doctor::{Row, doctor};
use super::env::Env;
use super::own_command::ourselves;
use super::requirements::Work;
use super::venv::Venv;
use crate::host::fault::{Fault, Faulty};
use crate::host::paths;
use crate::host::program_version::version_line;
use fs_err as fs;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

const QEMU: &str = "qemu-system-x86_64";

/// The tools that a run starts.
#[derive(Debug, Clone)]
#[cfg_attr(test, derive(Default))]
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

/// The tools, if all requirements of `work` are there.
///
/// # Errors
/// All missing requirements.
pub fn tools(env: &Env, work: Work) -> Result<Tools, Missing> {
    tools_of(&doctor(env), env, work)
}

/// The tools for `work`, if all its requirements are there according to `rows`, the report on them.
///
/// # Errors
/// All missing requirements.
pub fn tools_of(rows: &[Row], env: &Env, work: Work) -> Result<Tools, Missing> {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.work <= work).collect();
    let qemu = paths::find_program(&env.path, QEMU);
    let (Some(qemu), None) = (qemu, rows.iter().find(|row| row.blocks())) else {
        return Err(missing(&rows));
    };
    let no = |what: String| Missing { what: vec![what], command: ourselves("doctor") };
    let qemu_version = version_line(QEMU, &env.path, &env.cache).map_err(|error| no(error.to_string()))?;
    let venv = Venv::of(env);
    let home = home(&env.cache).map_err(|cause| no(format!("a folder for virtme-ng ({cause})")))?;
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

fn missing(rows: &[&Row]) -> Missing {
    let blocking = rows.iter().filter(|row| row.blocks());
    let what = blocking.map(|row| match &row.state {
        State::TooOld { found, wanted } => format!("{} {wanted} or newer (found {found})", row.name),
        State::Broken(why) => format!("{} that works ({why})", row.name),
        State::Moved { made } => format!("{} for this place (it was {made})", row.name),
        State::Found(_) | State::Missing => row.name.clone(),
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
        let missing = tools(&env, Work::Kernel).unwrap_err();
        assert_eq!(missing.what.first().unwrap(), "QEMU");
        assert_eq!(missing.what.last().unwrap(), "virtme-ng");
        assert!(missing.command.ends_with("setup"));
    }

    #[test]
    fn a_guest_needs_no_tools_that_build_kernels() {
        let folder = tempfile::tempdir().unwrap();
        let env =
            Env { root: folder.path().into(), path: "/nonexistent".into(), cache: folder.path().into() };
        let missing = tools(&env, Work::Guest).unwrap_err().what;
        assert_eq!(missing, ["QEMU", "python3", "python3-venv", "file", "virtme-ng"]);
    }
}
