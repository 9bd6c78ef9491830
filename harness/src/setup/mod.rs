//! What damonlab needs from the machine: found, reported, and installed when asked.
//!
//! Debian packages come through a private apt state, virtme-ng through a private virtual environment.
//! Nothing is installed unless [`install`] is called, and a machine that has everything is left alone:
//! no program of the network is started then.

mod detect;
mod doctor;
mod requirements;
mod sources;
mod venv;
mod version;

pub mod apt;

pub use detect::State;
pub use doctor::{Row, doctor, render};
pub use requirements::Need;
pub use sources::{Archive, Archives, SourcesError};
pub use venv::VenvError;
pub use version::Version;

use crate::host::command::{self, RunError};
use crate::host::fault::{Fault, Faulty};
use crate::host::lock::{Lock, LockError};
use crate::host::paths::{self, quoted};
use crate::host::progress::Progress;
use apt::Apt;
use fs_err as fs;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;
use venv::Venv;

/// Where the apt state for tools lies in the cache.
const APT_FOLDER: &str = "apt/tools";

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

/// The tools that a run starts.
#[derive(Debug, Clone)]
pub struct Tools {
    /// `qemu-system-x86_64`.
    pub qemu: PathBuf,
    /// The first line of what QEMU says of its version.
    pub qemu_version: String,
    /// `vng` of the private environment.
    pub vng: PathBuf,
    /// `PATH` for vng: the private environment first.
    pub path: OsString,
    /// A private `HOME`: vng reads and writes `~/.config` and `~/.cache`.
    pub home: PathBuf,
}

/// What is not there, and the command that installs it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("missing: {}; `{command}` installs what is missing", .what.join(", "))]
pub struct Missing {
    /// Names of requirements, in the order of the table.
    pub what: Vec<String>,
    /// What to type.
    pub command: String,
}

impl Faulty for Missing {
    fn fault(&self) -> Fault {
        Fault::Infra
    }
}

/// Why nothing, or not everything, could be installed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Installing Debian packages needs root.
    #[error("installing {} needs root; paste this, then try again:\n\n  {command}\n", .packages.join(", "))]
    NeedsRoot {
        /// The packages.
        packages: Vec<String>,
        /// One command that works.
        command: String,
    },
    /// No apt-get here.
    #[error("this machine has no apt-get; install what these Debian packages bring: {}", .packages.join(", "))]
    NoApt {
        /// The packages.
        packages: Vec<String>,
    },
    /// The machine's sources are of no use.
    #[error(transparent)]
    Sources(#[from] SourcesError),
    /// No archive of the machine has a QEMU that is new enough.
    #[error("neither {release} nor {release}-backports has QEMU {wanted} or newer")]
    NoQemu {
        /// The release's codename.
        release: String,
        /// The oldest that would do.
        wanted: Version,
    },
    /// The installation ended well and something is missing all the same.
    #[error("installed, and yet {0}")]
    Still(Missing),
    /// The virtual environment.
    #[error(transparent)]
    Venv(#[from] VenvError),
    /// A program failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Another damonlab holds the setup, or its lock cannot be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file of the cache.
    #[error("cannot prepare the cache: {0}")]
    Io(#[from] io::Error),
}

impl Faulty for SetupError {
    fn fault(&self) -> Fault {
        match self {
            SetupError::Run(error) => error.fault(),
            SetupError::Lock(error) => error.fault(),
            SetupError::Venv(error) => error.fault(),
            SetupError::NeedsRoot { .. }
            | SetupError::NoApt { .. }
            | SetupError::Sources(_)
            | SetupError::NoQemu { .. }
            | SetupError::Still(_)
            | SetupError::Io(_) => Fault::Infra,
        }
    }
}

/// The tools of a machine that has everything.
///
/// # Errors
/// What is missing, all of it.
pub fn tools(env: &Env) -> Result<Tools, Missing> {
    let rows = doctor(env);
    let qemu = paths::find_program(&env.path, "qemu-system-x86_64");
    let (Some(qemu), None) = (qemu, rows.iter().find(|row| row.blocks())) else {
        return Err(missing(&rows));
    };
    let qemu_version = detect::version_line(&qemu);
    let venv = Venv::of(env);
    let home = env.cache.join("home");
    if let Err(cause) = fs::create_dir_all(&home) {
        return Err(Missing { what: vec![cause.to_string()], command: ourselves("doctor") });
    }
    Ok(Tools { qemu, qemu_version, vng: venv.vng(), path: venv.path(env), home })
}

fn missing(rows: &[Row]) -> Missing {
    let blocking = rows.iter().filter(|row| row.blocks());
    let what = blocking.map(|row| match &row.state {
        State::TooOld { found, wanted } => format!("{} {wanted} or newer (found {found})", row.name),
        _ => row.name.clone(),
    });
    Missing { what: what.collect(), command: ourselves("setup") }
}

/// What some scenarios want and damonlab itself does not need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// damo from PyPI, for the scenario of that name.
    Damo,
}

impl FromStr for Extra {
    type Err = String;

    fn from_str(word: &str) -> Result<Extra, String> {
        (word == "damo")
            .then_some(Extra::Damo)
            .ok_or_else(|| format!("nothing is called '{word}' here: damo"))
    }
}

/// Installs `extras`, those that are not there yet, into damonlab's own environment, which is whole.
///
/// # Errors
/// pip could not install it.
pub fn install_extras(env: &Env, extras: &[Extra], progress: &Progress) -> Result<(), SetupError> {
    let venv = Venv::of(env);
    if !extras.contains(&Extra::Damo) || venv.damo().is_some() {
        return Ok(());
    }
    let _lock = hold(env, progress)?;
    let mut task = progress.task("setup", "steps", None);
    venv.add_damo(&mut |line| task.show(line.trim()))?;
    drop(task);
    let version = venv.damo().ok_or_else(|| io::Error::other("pip was content, and there is no damo"))?;
    progress.say(&format!("setup: installed damo {version} in damonlab's own environment"));
    Ok(())
}

fn hold(env: &Env, progress: &Progress) -> Result<Lock, LockError> {
    Lock::acquire(&env.cache.join("setup.lock"), || progress.say("setup: waiting for another damonlab"))
}

/// Installs what is missing, and nothing else. A second call finds nothing to do and asks nobody.
pub fn install(env: &Env, progress: &Progress) -> Result<(), SetupError> {
    if tools(env).is_ok() {
        return Ok(());
    }
    let _lock = hold(env, progress)?;
    let packages = packages(&doctor(env));
    if !packages.is_empty() {
        install_packages(env, &packages, progress)?;
    }
    apt::remove_downloads(&env.cache.join(APT_FOLDER));
    let venv = Venv::of(env);
    if venv.version().is_none() {
        let mut task = progress.task("setup", "steps", None);
        venv.make(env, &mut |line| task.show(line.trim()))?;
        drop(task);
        progress.say("setup: installed virtme-ng in damonlab's own environment");
    }
    tools(env).map(drop).map_err(SetupError::Still)
}

/// The packages to install, sorted. What is optional comes along with what is not, and is no reason of its own.
fn packages(rows: &[Row]) -> Vec<&'static str> {
    if !rows.iter().any(|row| row.blocks() && row.package.is_some()) {
        return Vec::new();
    }
    let missing = rows.iter().filter(|row| !matches!(row.state, State::Found(_)));
    let mut packages: Vec<&'static str> = missing.filter_map(|row| row.package).collect();
    packages.extend(packages.clone().into_iter().filter_map(requirements::companion));
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn install_packages(env: &Env, packages: &[&str], progress: &Progress) -> Result<(), SetupError> {
    let names = || packages.iter().map(|package| (*package).to_owned()).collect();
    if paths::find_program(&env.path, "apt-get").is_none() {
        return Err(SetupError::NoApt { packages: names() });
    }
    let archives = Archives::of_machine(&env.root)?;
    let apt = Apt::prepare(&env.cache.join(APT_FOLDER), &archives.for_tools())?;
    apt.update()?;
    let from = newer_suite(&apt, &archives, packages)?;
    let arguments = apt.install_arguments(packages, from.as_deref());
    let Some(mut command) = as_root(env) else {
        let command = command_to_paste(env, &arguments);
        return Err(SetupError::NeedsRoot { packages: names(), command });
    };
    command.args(&arguments);
    progress.say(&format!("setup: installing {}", packages.join(" ")));
    let mut task = progress.task("setup", "steps", None);
    Ok(command::succeed_showing(&mut command, |line| task.show(line.trim()))?)
}

/// The suite to prefer: none where the release's own QEMU does, else its backports.
fn newer_suite(apt: &Apt, archives: &Archives, packages: &[&str]) -> Result<Option<String>, SetupError> {
    let qemu = requirements::all().into_iter().find_map(|requirement| match requirement.detect {
        requirements::Detect::ProgramAtLeast(_, wanted) => Some((requirement.package, wanted)),
        _ => None,
    });
    let Some((package, wanted)) = qemu.filter(|(package, _)| packages.contains(package)) else {
        return Ok(None);
    };
    if apt.has(package, &wanted)? {
        return Ok(None);
    }
    match apt.has_in(package, &archives.backports(), &wanted)? {
        true => Ok(Some(archives.backports())),
        false => Err(SetupError::NoQemu { release: archives.codename.clone(), wanted }),
    }
}

/// `apt-get` as root; none where that would need a password or another person.
fn as_root(env: &Env) -> Option<Command> {
    let mut command = if nix::unistd::geteuid().is_root() {
        Command::new("apt-get")
    } else {
        let sudo = paths::find_program(&env.path, "sudo")?;
        command::succeed(Command::new(&sudo).args(["-n", "true"])).ok()?;
        let mut command = Command::new(sudo);
        command.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command
    };
    command.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C.UTF-8");
    Some(command)
}

/// `su -` rather than `su`: dpkg needs the folders of programs that only root's PATH has.
fn command_to_paste(env: &Env, arguments: &[String]) -> String {
    let apt = std::iter::once("apt-get".to_owned()).chain(arguments.iter().map(|word| quoted(word)));
    let apt = apt.collect::<Vec<_>>().join(" ");
    match paths::find_program(&env.path, "sudo") {
        Some(_) => format!("sudo {apt}"),
        None => format!("su - -c {}", quoted(&apt)),
    }
}

/// How the user started this program, with another verb: through cargo inside the source tree,
/// by its name elsewhere.
pub fn ourselves(verb: &str) -> String {
    let inside = |target: &Path| std::env::current_exe().is_ok_and(|exe| exe.starts_with(target));
    match inside(&paths::project().join("target")) {
        true => format!("cargo run --release -- {verb}"),
        false => format!("damonlab {verb}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_anything_is_told_all_of_it_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let env =
            Env { root: folder.path().into(), path: "/nonexistent".into(), cache: folder.path().into() };
        let missing = tools(&env).unwrap_err();
        assert_eq!(missing.what.first().unwrap(), "QEMU");
        assert_eq!(missing.what.last().unwrap(), "virtme-ng");
        assert!(missing.command.ends_with("setup"));
    }

    #[test]
    fn what_is_optional_is_installed_along_and_never_alone() {
        let folder = tempfile::tempdir().unwrap();
        let env =
            Env { root: folder.path().into(), path: "/nonexistent".into(), cache: folder.path().into() };
        let mut rows = doctor(&env);
        let all = packages(&rows);
        assert!(["ca-certificates", "curl", "flex"].iter().all(|package| all.contains(package)), "{all:?}");
        // virtme-ng, which is no package, and curl stay missing.
        for row in rows.iter_mut().filter(|row| row.need == Need::Required && row.package.is_some()) {
            row.state = State::Found("here".into());
        }
        assert!(packages(&rows).is_empty());
    }

    #[test]
    fn without_apt_get_the_packages_are_named_and_nothing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let env =
            Env { root: folder.path().into(), path: "/nonexistent".into(), cache: folder.path().join("c") };
        let error = install(&env, &Progress::silent()).unwrap_err();
        assert!(
            matches!(&error, SetupError::NoApt { packages } if packages.contains(&"flex".to_owned())),
            "{error}"
        );
        assert!(!env.cache.join("venv").exists());
    }

    #[test]
    fn the_command_to_paste_is_one_line_for_root() {
        let env = Env { root: "/".into(), path: "/nonexistent".into(), cache: "/c".into() };
        let words = ["-c", "/home/a b/apt.conf", "install", "flex"].map(str::to_owned);
        assert_eq!(
            command_to_paste(&env, &words),
            r"su - -c 'apt-get -c '\''/home/a b/apt.conf'\'' install flex'"
        );
    }
}
