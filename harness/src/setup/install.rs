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

/// Software that some commands, scenarios and tests use and damonlab does not need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// damo from PyPI, for the scenario of that name.
    Damo,
    /// bubblewrap, a package of the distribution, for `--build-in bwrap`.
    Bubblewrap,
    /// trace-cmd from Debian, which reads what `damonlab export --to trace.dat` writes.
    TraceCmd,
    /// perfetto's Python package from PyPI, with the definitions by which tests read an export.
    Perfetto,
    /// Chromium from Debian, in which damonlab's own tests look at pages.
    Chromium,
}

/// Where an extra comes from.
enum Origin {
    /// A package of Debian, with its program.
    Debian(&'static str),
    /// A package of PyPI, in damonlab's environment.
    Pypi,
}

impl Extra {
    /// All of them.
    pub const ALL: [Extra; 5] =
        [Extra::Damo, Extra::Bubblewrap, Extra::TraceCmd, Extra::Perfetto, Extra::Chromium];

    /// Its name, which is also that of its package.
    fn name(self) -> &'static str {
        match self {
            Extra::Damo => "damo",
            Extra::Bubblewrap => "bubblewrap",
            Extra::TraceCmd => "trace-cmd",
            Extra::Perfetto => "perfetto",
            Extra::Chromium => "chromium",
        }
    }

    fn origin(self) -> Origin {
        match self {
            Extra::Bubblewrap => Origin::Debian("bwrap"),
            Extra::TraceCmd => Origin::Debian("trace-cmd"),
            Extra::Chromium => Origin::Debian("chromium"),
            Extra::Damo | Extra::Perfetto => Origin::Pypi,
        }
    }
}

impl FromStr for Extra {
    type Err = String;

    fn from_str(name: &str) -> Result<Extra, String> {
        Extra::ALL.into_iter().find(|extra| extra.name() == name).ok_or_else(|| {
            let names = Extra::ALL.map(Extra::name).join(", ");
            format!("there is no extra '{name}'; there are {names}")
        })
    }
}

/// Installs those of `extras` that are not there yet, those of PyPI into damonlab's environment, which exists, and returns
/// the names.
///
/// # Errors
/// pip or apt could not install one.
pub fn install_extras(env: &Env, extras: &[Extra], progress: &Progress) -> Result<Vec<String>, SetupError> {
    let mut installed = Vec::new();
    for extra in Extra::ALL.into_iter().filter(|extra| extras.contains(extra)) {
        let name = extra.name();
        let is_new = match extra.origin() {
            Origin::Debian(program) => install_package(env, name, program, progress)?,
            Origin::Pypi => install_from_pypi(env, name, progress)?,
        };
        installed.extend(is_new.then(|| name.to_owned()));
    }
    Ok(installed)
}

/// Installs one package of Debian, unless its program is there.
fn install_package(env: &Env, name: &str, program: &str, progress: &Progress) -> Result<bool, SetupError> {
    if paths::find_program(&env.path, program).is_some() {
        return Ok(false);
    }
    let _lock = lock(env)?;
    install_packages(env, &[name], progress)?;
    apt::remove_downloads(&env.cache.join(APT_FOLDER));
    Ok(true)
}

/// Installs one package of PyPI, unless it is there.
fn install_from_pypi(env: &Env, name: &str, progress: &Progress) -> Result<bool, SetupError> {
    let venv = Venv::of(env);
    if venv.has(name) {
        return Ok(false);
    }
    let _lock = lock(env)?;
    let mut task = progress.task("setup", "steps", None);
    venv.add(name, &mut |line| task.show(line.trim()))?;
    drop(task);
    if !venv.has(name) {
        return Err(io::Error::other(format!("pip succeeded, but installed no {name}")).into());
    }
    progress.say(&format!("setup: installed {name} in damonlab's own environment"));
    Ok(true)
}

fn lock(env: &Env) -> Result<Lock, LockError> {
    Lock::acquire(&env.cache.join("setup.lock"), "another damonlab to install")
}

#[cfg(test)]
mod tests;
