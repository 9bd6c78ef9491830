//! The installation of what is missing: packages of the distribution, virtme-ng and, on request, extras.

use super::apt::{self, Apt};
use super::detect::State;
use super::distribution;
use super::doctor::{Row, doctor, packages};
use super::env::Env;
use super::error::SetupError;
use super::requirements::{self, Work};
use super::sources::Archives;
use super::tools::tools;
use super::venv::Venv;
use super::version::Version;
use crate::host::command::{self, Limits, command_for};
use crate::host::lock::{Lock, LockError};
use crate::host::paths::{self, quoted};
use crate::host::progress::Progress;
use std::io;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;

/// Where the apt state for tools lies in the cache.
const APT_FOLDER: &str = "apt/tools";

/// Installs what is missing and nothing else, and returns the names. A second call does nothing.
pub fn install(env: &Env, progress: &Progress) -> Result<Vec<String>, SetupError> {
    if tools(env, Work::Kernel).is_ok() {
        return Ok(Vec::new());
    }
    let _lock = lock(env)?;
    let rows = doctor(env);
    let packages = packages(&rows);
    if !packages.is_empty() {
        install_packages(env, &packages, progress)?;
    }
    without_package(env, &rows)?;
    let mut installed: Vec<String> = packages.into_iter().map(str::to_owned).collect();
    apt::remove_downloads(&env.cache.join(APT_FOLDER));
    let venv = Venv::of(env);
    if venv.version().is_none() {
        let mut task = progress.task("setup", "steps", None);
        venv.make(env, &mut |line| task.show(line.trim()))?;
        drop(task);
        progress.say("setup: installed virtme-ng in damonlab's own environment");
        installed.push("virtme-ng".to_owned());
    }
    tools(env, Work::Kernel).map(|_| installed).map_err(SetupError::StillMissing)
}

/// Refuses to go on where something is missing that no package of the distribution is known to have.
fn without_package(env: &Env, rows: &[Row]) -> Result<(), SetupError> {
    let missing = |row: &&Row| row.blocks() && matches!(row.state, State::Missing | State::TooOld { .. });
    let found = distribution::of_machine(&env.root);
    let unknown = requirements::all().into_iter().filter(|requirement| match &found {
        Ok(one) => one.packages(requirement.package).is_none(),
        Err(_) => true,
    });
    let unknown: Vec<String> = unknown
        .filter(|requirement| rows.iter().filter(missing).any(|row| row.name == requirement.name))
        .map(|requirement| requirement.detect.to_string())
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let distribution = found.map_or_else(|name| name, |one| one.name);
    Err(SetupError::NoPackage { distribution, what: unknown })
}

/// Installs `packages` by the distribution's own manager.
fn install_packages(env: &Env, packages: &[&str], progress: &Progress) -> Result<(), SetupError> {
    let names = || packages.iter().map(|package| (*package).to_owned()).collect();
    let one = distribution::of_machine(&env.root).map_err(SetupError::UnknownDistribution)?;
    let mut words = one.command(packages);
    if one.is_per_shell() {
        return Err(SetupError::PerShell { distribution: one.name, command: words.join(" ") });
    }
    let Some(manager) = paths::find_program(&env.path, one.family.manager) else {
        return Err(SetupError::NoManager {
            distribution: one.name,
            manager: one.family.manager,
            packages: names(),
        });
    };
    if one.has_apt() {
        words = by_apt(env, packages)?;
    }
    let arguments = &words[1..];
    let Some(mut command) = as_root(env, &manager) else {
        return Err(SetupError::NeedsRoot { packages: names(), command: command_to_paste(env, &words) });
    };
    command.args(arguments);
    progress.say(&format!("setup: installing {}", packages.join(" ")));
    let mut task = progress.task("setup", "steps", None);
    Ok(command::succeed_showing(&mut command, Limits::NETWORK, |line| task.show(line.trim()))?)
}

/// The words that install `packages` by apt with damonlab's own state.
fn by_apt(env: &Env, packages: &[&str]) -> Result<Vec<String>, SetupError> {
    let archives = Archives::of_machine(&env.root)?;
    let apt = Apt::prepare(&env.cache.join(APT_FOLDER), &archives.for_tools())?;
    apt.update()?;
    let from = newer_suite(&apt, &archives, packages)?;
    let mut words = vec!["apt-get".to_owned()];
    words.extend(apt.install_arguments(packages, from.as_deref()));
    Ok(words)
}

/// The suite to prefer: the backports if QEMU comes from there, otherwise none.
fn newer_suite(apt: &Apt, archives: &Archives, packages: &[&str]) -> Result<Option<String>, SetupError> {
    let qemu = requirements::all().into_iter().find_map(|requirement| match requirement.detect {
        requirements::Detect::ProgramAtLeast(_, wanted) => Some((requirement.package, wanted)),
        _ => None,
    });
    let Some((package, wanted)) = qemu.filter(|(package, _)| packages.contains(package)) else {
        return Ok(None);
    };
    let backports = archives.backports();
    let listed = archives.main.suites.contains(&backports);
    let [release, newer] =
        [apt.candidate(package)?, apt.versions_in(package, &backports)?.into_iter().next()]
            .map(|version| version.and_then(|version| Version::find(&version)));
    match takes_backports(release, newer, &wanted, listed) {
        Some(true) => Ok(Some(backports)),
        Some(false) => Ok(None),
        None => Err(SetupError::NoQemu { release: archives.codename.clone(), wanted }),
    }
}

/// Whether QEMU comes from the backports: if the machine's sources have them (`listed`) and theirs is newer, or if the
/// release's is older than `wanted`. None if both are.
fn takes_backports(
    release: Option<Version>,
    backports: Option<Version>,
    wanted: &Version,
    listed: bool,
) -> Option<bool> {
    let [release, backports] = [release, backports].map(|found| found.filter(|version| version >= wanted));
    match (&release, &backports) {
        (None, None) => None,
        (None, Some(_)) => Some(true),
        (Some(_), _) => Some(listed && backports > release),
    }
}

/// The package manager as root; none if that needs a password or another user.
fn as_root(env: &Env, manager: &Path) -> Option<Command> {
    let mut command = if nix::unistd::geteuid().is_root() {
        command_for(manager)
    } else {
        let sudo = paths::find_program(&env.path, "sudo")?;
        command::succeed(command_for(&sudo).args(["-n", "true"]), Limits::QUERY).ok()?;
        let mut command = command_for(sudo);
        command.args(["-n", "DEBIAN_FRONTEND=noninteractive"]).arg(manager);
        command
    };
    command.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C.UTF-8");
    Some(command)
}

/// `su -` rather than `su`: package managers need folders that are in root's PATH only.
fn command_to_paste(env: &Env, words: &[String]) -> String {
    let line = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    match paths::find_program(&env.path, "sudo") {
        Some(_) => format!("sudo {line}"),
        None => format!("su - -c {}", quoted(&line)),
    }
}

/// Software that some scenarios use and damonlab does not need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// damo from PyPI, for the scenario of that name.
    Damo,
    /// bubblewrap, a package of the distribution, for `--build-in bwrap`.
    Bubblewrap,
}

impl FromStr for Extra {
    type Err = String;

    fn from_str(name: &str) -> Result<Extra, String> {
        match name {
            "damo" => Ok(Extra::Damo),
            "bubblewrap" => Ok(Extra::Bubblewrap),
            _ => Err(format!("there is no extra '{name}'; there are damo and bubblewrap")),
        }
    }
}

/// Installs those of `extras` that are not there yet, damo into damonlab's environment, which exists, and returns the
/// names.
///
/// # Errors
/// pip or apt could not install one.
pub fn install_extras(env: &Env, extras: &[Extra], progress: &Progress) -> Result<Vec<String>, SetupError> {
    let mut installed = Vec::new();
    if extras.contains(&Extra::Bubblewrap) && paths::find_program(&env.path, "bwrap").is_none() {
        let _lock = lock(env)?;
        install_packages(env, &["bubblewrap"], progress)?;
        apt::remove_downloads(&env.cache.join(APT_FOLDER));
        installed.push("bubblewrap".to_owned());
    }
    let venv = Venv::of(env);
    if !extras.contains(&Extra::Damo) || venv.damo().is_some() {
        return Ok(installed);
    }
    let _lock = lock(env)?;
    let mut task = progress.task("setup", "steps", None);
    venv.add_damo(&mut |line| task.show(line.trim()))?;
    drop(task);
    let version = venv.damo().ok_or_else(|| io::Error::other("pip succeeded, but installed no damo"))?;
    progress.say(&format!("setup: installed damo {version} in damonlab's own environment"));
    installed.push("damo".to_owned());
    Ok(installed)
}

fn lock(env: &Env) -> Result<Lock, LockError> {
    Lock::acquire(&env.cache.join("setup.lock"), "another damonlab to install")
}

#[cfg(test)]
#[path = "install_tests.rs"]
mod tests;
