//! The installation of what is missing: Debian packages, virtme-ng and, on request, extras.

use super::apt::{self, Apt};
use super::detect::State;
use super::doctor::{Row, doctor};
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
    let packages = packages(&doctor(env));
    if !packages.is_empty() {
        install_packages(env, &packages, progress)?;
    }
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

/// The packages to install, sorted. Optional ones are installed along with required ones, never alone.
fn packages(rows: &[Row]) -> Vec<&'static str> {
    if !rows.iter().any(|row| row.blocks() && row.package.is_some() && !matches!(row.state, State::Broken(_)))
    {
        return Vec::new();
    }
    // What is broken is there, and to install it would change nothing.
    let missing = rows.iter().filter(|row| matches!(row.state, State::Missing | State::TooOld { .. }));
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
    Ok(command::succeed_showing(&mut command, Limits::NETWORK, |line| task.show(line.trim()))?)
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

/// `apt-get` as root; none if that needs a password or another user.
fn as_root(env: &Env) -> Option<Command> {
    let mut command = if nix::unistd::geteuid().is_root() {
        command_for("apt-get")
    } else {
        let sudo = paths::find_program(&env.path, "sudo")?;
        command::succeed(command_for(&sudo).args(["-n", "true"]), Limits::QUERY).ok()?;
        let mut command = command_for(sudo);
        command.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command
    };
    command.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C.UTF-8");
    Some(command)
}

/// `su -` rather than `su`: dpkg needs folders that are in root's PATH only.
fn command_to_paste(env: &Env, arguments: &[String]) -> String {
    let apt = std::iter::once("apt-get".to_owned()).chain(arguments.iter().map(|argument| quoted(argument)));
    let apt = apt.collect::<Vec<_>>().join(" ");
    match paths::find_program(&env.path, "sudo") {
        Some(_) => format!("sudo {apt}"),
        None => format!("su - -c {}", quoted(&apt)),
    }
}

/// Software that some scenarios use and damonlab does not need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// damo from PyPI, for the scenario of that name.
    Damo,
    /// bubblewrap from Debian, for `--build-in bwrap`.
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
mod tests {
    use super::*;
    use crate::setup::Importance;

    #[test]
    fn optional_packages_are_installed_along_and_never_alone() {
        let folder = tempfile::tempdir().unwrap();
        let env =
            Env { root: folder.path().into(), path: "/nonexistent".into(), cache: folder.path().into() };
        let mut rows = doctor(&env);
        let all = packages(&rows);
        assert!(["ca-certificates", "curl", "flex"].iter().all(|package| all.contains(package)), "{all:?}");
        // virtme-ng, which is not a package, and curl stay missing.
        for row in
            rows.iter_mut().filter(|row| row.importance == Importance::Required && row.package.is_some())
        {
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
    fn qemu_comes_from_the_backports_where_they_are_listed_and_newer_or_the_only_ones_new_enough() {
        let takes = |release: &str, backports: &str, listed| {
            takes_backports(Version::find(release), Version::find(backports), &Version::of(9, 0), listed)
        };
        assert_eq!(takes("10.0.13", "11.1.3", true), Some(true));
        assert_eq!(takes("10.0.13", "11.1.3", false), Some(false), "a release's own is new enough");
        assert_eq!(takes("10.0.13", "10.0.2", true), Some(false), "older");
        assert_eq!(takes("10.0.13", "(none)", true), Some(false));
        assert_eq!(takes("7.2", "10.0.2", false), Some(true));
        assert_eq!(takes("7.2", "8.2", true), None);
    }

    #[test]
    fn the_command_to_paste_is_one_line_for_root() {
        let env = Env { root: "/".into(), path: "/nonexistent".into(), cache: "/c".into() };
        let arguments = ["-c", "/home/a b/apt.conf", "install", "flex"].map(str::to_owned);
        assert_eq!(
            command_to_paste(&env, &arguments),
            r"su - -c 'apt-get -c '\''/home/a b/apt.conf'\'' install flex'"
        );
    }
}
