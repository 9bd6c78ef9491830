//! apt with its own state: sources, lists and downloads in damonlab's cache, so that the machine's apt configuration, lists
//! and caches stay as they are. Only `install` changes the system, through dpkg.
//!
//! All settings are in one configuration file, so that a user can paste `apt-get -c FILE ...`. Archives that are not signed
//! by a key that the machine trusts are refused.

use crate::host::command::{self, Limits, RunError, command_for};
use crate::host::paths;
use fs_err as fs;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A private apt state in a folder.
#[derive(Debug)]
pub struct Apt {
    folder: PathBuf,
}

impl Apt {
    /// Creates the state in `folder` with `sources` (deb822).
    pub fn prepare(folder: &Path, sources: &str) -> io::Result<Apt> {
        for inner in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(inner))?;
        }
        let apt = Apt { folder: folder.to_owned() };
        for (name, content) in [("etc/machine.sources", sources), ("apt.conf", &apt.configuration())] {
            let path = folder.join(name);
            // A file that is right is not written, so that another user can own the state.
            if fs::read_to_string(&path).ok().as_deref() != Some(content) {
                paths::write_atomic(&path, content.as_bytes())?;
                make_readable(&path)?;
            }
        }
        Ok(apt)
    }

    /// The configuration file, which `-c` reads after the machine's.
    pub fn configuration_file(&self) -> PathBuf {
        self.folder.join("apt.conf")
    }

    fn configuration(&self) -> String {
        let at = |name: &str| self.folder.join(name).to_string_lossy().into_owned();
        format!(
            "// Written by damonlab: apt with a state of its own.\n\
             Dir::Etc::sourcelist \"/dev/null\";\n\
             Dir::Etc::sourceparts \"{}\";\n\
             Dir::State::lists \"{}\";\n\
             Dir::Cache \"{}\";\n\
             Dir::Cache::archives \"{}\";\n\
             {CONSTANT}",
            at("etc"),
            at("lists"),
            at("cache"),
            at("cache/archives"),
        )
    }

    /// Fetches the lists and checks their signatures.
    pub fn update(&self) -> Result<(), RunError> {
        command::succeed(self.command("apt-get").args(["-q", "update"]), Limits::NETWORK).map(drop)
    }

    /// The version of `package` that would be installed, if a source has one.
    pub fn candidate(&self, package: &str) -> Result<Option<String>, RunError> {
        let output = command::succeed(self.command("apt-cache").args(["policy", package]), Limits::LOCAL)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let candidate =
            text.lines().find_map(|line| line.trim().strip_prefix("Candidate: ").map(str::to_owned));
        Ok(candidate.filter(|version| version != "(none)"))
    }

    /// The versions of `package` that `suite` has, newest first.
    pub fn versions_in(&self, package: &str, suite: &str) -> Result<Vec<String>, RunError> {
        let output = command::succeed(self.command("apt-cache").args(["madison", package]), Limits::LOCAL)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.lines().filter_map(|line| version_in(line, suite)).collect())
    }

    /// Downloads `package` (`NAME` or `NAME/SUITE`) into `folder` and returns the file.
    pub fn download(&self, package: &str, folder: &Path) -> Result<PathBuf, RunError> {
        let mut command = self.command("apt-get");
        command::succeed(command.args(["-q", "download", package]).current_dir(folder), Limits::NETWORK)?;
        let is_deb = |path: &PathBuf| path.extension() == Some(OsStr::new("deb"));
        let listed = fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()));
        listed
            .and_then(|mut files| {
                files.find(is_deb).ok_or_else(|| io::Error::other("apt-get download left no .deb file"))
            })
            .map_err(|cause| RunError::Follow { program: "apt-get".to_owned(), cause })
    }

    /// The arguments of `apt-get` that install `packages`, from the suite `from` if one is given.
    pub fn install_arguments(&self, packages: &[&str], from: Option<&str>) -> Vec<String> {
        let mut arguments = vec!["-c".to_owned(), self.configuration_file().to_string_lossy().into_owned()];
        arguments.extend(["install", "-y", "--no-install-recommends"].map(str::to_owned));
        arguments.extend(from.map(|suite| ["-t".to_owned(), suite.to_owned()]).into_iter().flatten());
        arguments.extend(packages.iter().map(|package| (*package).to_owned()));
        arguments
    }

    fn command(&self, program: &str) -> Command {
        let mut command = command_for(program);
        command.arg("-c").arg(self.configuration_file()).env("LC_ALL", "C.UTF-8");
        command
    }
}

/// Removes the packages that an installation downloaded into the state in `folder`. If root made it, an empty folder may
/// stay that this user cannot read.
pub fn remove_downloads(folder: &Path) {
    let _ = std::fs::remove_dir_all(folder.join("cache/archives"));
}

/// The version in a line of `apt-cache madison`, `PACKAGE | VERSION | URI SUITE/COMPONENT ...`, if it is of `suite`.
fn version_in(line: &str, suite: &str) -> Option<String> {
    let mut cells = line.split('|').map(str::trim);
    let (version, place) = (cells.nth(1)?, cells.next()?);
    let of_suite = |part: &str| part.strip_prefix(suite).is_some_and(|rest| rest.starts_with('/'));
    place.split_whitespace().any(of_suite).then(|| version.to_owned())
}

/// apt may read these files as another user.
fn make_readable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))
}

/// The settings of every state. Hooks that the machine adds to `update` are cleared: containers empty the system's cache
/// with one.
const CONSTANT: &str = "\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Update::Error-Mode \"any\";
APT::Get::AllowUnauthenticated \"false\";
APT::Install-Recommends \"false\";
Acquire::AllowInsecureRepositories \"false\";
Acquire::AllowWeakRepositories \"false\";
Acquire::AllowDowngradeToInsecureRepositories \"false\";
Acquire::Languages \"none\";
Acquire::Retries \"3\";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";
DPkg::Lock::Timeout \"300\";
";

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive in a folder: one package list and an unsigned Release file.
    fn unsigned_archive() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let suite = folder.path().join("dists/rel");
        fs::create_dir_all(suite.join("main/binary-amd64")).unwrap();
        fs::write(suite.join("main/binary-amd64/Packages"), "").unwrap();
        fs::write(
            suite.join("Release"),
            "Suite: rel\nCodename: rel\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nArchitectures: amd64\nComponents: main\n\
             SHA256:\n e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 main/binary-amd64/Packages\n",
        )
        .unwrap();
        folder
    }

    #[test]
    fn an_unsigned_archive_is_refused() {
        if paths::find_program(OsStr::new("/usr/bin"), "apt-get").is_none() {
            eprintln!("skipped: no apt-get on this machine");
            return;
        }
        let archive = unsigned_archive();
        let state = tempfile::tempdir().unwrap();
        let sources =
            format!("Types: deb\nURIs: file:{}\nSuites: rel\nComponents: main\n", archive.path().display());
        let error = Apt::prepare(state.path(), &sources).unwrap().update().unwrap_err();
        assert!(error.to_string().contains("is not signed"), "{error}");
    }

    #[test]
    fn a_version_belongs_to_its_suite_only() {
        let line = "qemu-system-x86 | 1:10.0.2+ds-2~bpo12+1 | http://a/debian bookworm-backports/main amd64 Packages";
        assert_eq!(version_in(line, "bookworm-backports").unwrap(), "1:10.0.2+ds-2~bpo12+1");
        assert_eq!(version_in(line, "bookworm"), None);
        assert_eq!(version_in("N: nothing found", "bookworm"), None);
    }

    #[test]
    fn an_up_to_date_state_is_not_written_again() {
        let state = tempfile::tempdir().unwrap();
        let apt = Apt::prepare(state.path(), "Types: deb\n").unwrap();
        let before = fs::metadata(apt.configuration_file()).unwrap().modified().unwrap();
        Apt::prepare(state.path(), "Types: deb\n").unwrap();
        assert_eq!(fs::metadata(apt.configuration_file()).unwrap().modified().unwrap(), before);
    }

    #[test]
    fn an_installation_has_its_configuration_and_its_suite() {
        let state = tempfile::tempdir().unwrap();
        let apt = Apt::prepare(state.path(), "").unwrap();
        let arguments = apt.install_arguments(&["flex", "bison"], Some("bookworm-backports")).join(" ");
        assert_eq!(
            arguments,
            format!(
                "-c {}/apt.conf install -y --no-install-recommends -t bookworm-backports flex bison",
                state.path().display()
            )
        );
    }
}
