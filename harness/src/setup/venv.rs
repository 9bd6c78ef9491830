//! virtme-ng and, on request, damo, in a private virtual environment. A `vng` of the system is never used: its version, and
//! so its command line, would depend on the machine.
//!
//! The scripts of an environment name its Python by path, so it cannot be made elsewhere and renamed. It is made in place,
//! and a marker, written last, says that it is complete, for which path and which Python. An environment without a valid
//! marker is removed and made again.

use super::env::Env;
use super::requirements::oldest_virtme_ng;
use super::version::Version;
use crate::host::command::{self, Limits, RunError, command_for};
use crate::host::fault::{Fault, Faulty};
use crate::host::paths;
use crate::host::regular_file::cached_text;
use crate::host::text::{excerpt, shown};
use fs_err as fs;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The private environment, complete or not.
#[derive(Debug)]
pub(super) struct Venv {
    folder: PathBuf,
}

/// Why the environment could not be made.
#[derive(Debug, thiserror::Error)]
pub enum VenvError {
    /// There is no python3.
    #[error("cannot make a virtual environment: there is no python3 in PATH")]
    NoPython,
    /// python3 or pip failed.
    #[error("cannot install from PyPI: {0}")]
    Run(#[from] RunError),
    /// A file could not be written or removed.
    #[error("cannot make the virtual environment: {0}")]
    Io(#[from] io::Error),
    /// pip succeeded, but there is no `vng` of a sufficient version.
    #[error("pip installed no virtme-ng of version {wanted} or newer in {folder}", folder = shown(.folder), wanted = .wanted)]
    NotInstalled {
        /// The environment.
        folder: PathBuf,
        /// The oldest version that is sufficient.
        wanted: Version,
    },
}

impl Faulty for VenvError {
    fn fault(&self) -> Fault {
        match self {
            VenvError::Run(error) => error.fault(),
            VenvError::NoPython | VenvError::Io(_) | VenvError::NotInstalled { .. } => Fault::Infra,
        }
    }
}

impl Venv {
    pub fn of(env: &Env) -> Venv {
        Venv { folder: env.cache.join("venv") }
    }

    /// The version of virtme-ng, if the environment is complete and was made at this path.
    pub fn version(&self) -> Option<Version> {
        let marker = cached_text(&self.marker())?;
        let complete = marker == self.marker_text().ok()? && self.vng().is_file();
        self.installed("virtme_ng").filter(|version| complete && *version >= oldest_virtme_ng())
    }

    /// What it was made for, if that is another place or another Python: `made in FOLDER with PYTHON`.
    pub fn made_elsewhere(&self) -> Option<String> {
        let made = fs::read_to_string(self.marker()).ok()?;
        let elsewhere = self.marker_text().map_or(true, |text| made != text);
        elsewhere.then(|| excerpt(made.trim_end()))
    }

    /// `vng` inside the environment.
    pub fn vng(&self) -> PathBuf {
        self.folder.join("bin/vng")
    }

    /// `PATH` with the environment's programs first: vng calls `virtme-run` by name.
    pub fn path(&self, env: &Env) -> OsString {
        let mut path = self.folder.join("bin").into_os_string();
        path.push(":");
        path.push(&env.path);
        path
    }

    /// Makes the environment anew. The caller has the lock of the setup.
    pub fn make(&self, env: &Env, line: &mut dyn FnMut(&str)) -> Result<(), VenvError> {
        let python = paths::find_program(&env.path, "python3").ok_or(VenvError::NoPython)?;
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        command::succeed(command_for(python).args(["-I", "-m", "venv"]).arg(&self.folder), Limits::LOCAL)?;
        self.pip_install(&format!("virtme-ng>={}", oldest_virtme_ng()), line)?;
        if self.installed("virtme_ng").is_none_or(|version| version < oldest_virtme_ng())
            || !self.vng().is_file()
        {
            return Err(VenvError::NotInstalled { folder: self.folder.clone(), wanted: oldest_virtme_ng() });
        }
        Ok(paths::write_atomic(&self.marker(), self.marker_text()?.as_bytes())?)
    }

    /// The version of damo, if it is installed.
    pub fn damo(&self) -> Option<Version> {
        self.installed("damo").filter(|_| self.folder.join("bin/damo").is_file())
    }

    /// Whether a package is installed beside virtme-ng.
    pub fn has(&self, package: &str) -> bool {
        match package {
            "damo" => self.damo().is_some(),
            package => self.installed(package).is_some(),
        }
    }

    /// Installs a package into a complete environment. The caller has the lock of the setup.
    pub fn add(&self, package: &str, line: &mut dyn FnMut(&str)) -> Result<(), VenvError> {
        self.pip_install(package, line)
    }

    fn pip_install(&self, what: &str, line: &mut dyn FnMut(&str)) -> Result<(), VenvError> {
        let mut pip = command_for(self.folder.join("bin/python3"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "--no-cache-dir",
            what,
        ]);
        // The caller's Python settings are for the caller's Python.
        pip.env_remove("PYTHONHOME").env_remove("PYTHONPATH").env_remove("PIP_TARGET").env_remove("PIP_USER");
        Ok(command::succeed_showing(&mut pip, Limits::NETWORK, line)?)
    }

    fn marker(&self) -> PathBuf {
        self.folder.join("damonlab-complete")
    }

    /// The marker has the Python behind the environment's link: packages that were installed for one Python do not work
    /// with another.
    fn marker_text(&self) -> io::Result<String> {
        let python = fs::canonicalize(self.folder.join("bin/python3"))?;
        Ok(format!("made in {} with {}\n", self.folder.to_string_lossy(), python.to_string_lossy()))
    }

    /// The version in the name of a package's metadata folder, which needs no Python.
    fn installed(&self, package: &str) -> Option<Version> {
        let folders = |path: &Path| {
            let entries = std::fs::read_dir(path).ok();
            entries.into_iter().flatten().flatten().map(|entry| entry.path())
        };
        folders(&self.folder.join("lib")).flat_map(|python| folders(&python.join("site-packages"))).find_map(
            |path| {
                let name = path.file_name()?.to_str()?;
                Version::find(name.strip_prefix(package)?.strip_prefix('-')?.strip_suffix(".dist-info")?)
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::fs::symlink;

    /// An environment as pip leaves it, with virtme-ng of `version`.
    fn environment(cache: &Path, version: &str) -> Venv {
        let env = Env { root: "/".into(), path: OsString::new(), cache: cache.to_owned() };
        let venv = Venv::of(&env);
        let metadata = format!("lib/python3.11/site-packages/virtme_ng-{version}.dist-info");
        for folder in [metadata.as_str(), "bin"] {
            fs::create_dir_all(venv.folder.join(folder)).unwrap();
        }
        for file in [venv.vng(), cache.join("python3.11")] {
            fs::write(file, "").unwrap();
        }
        symlink(cache.join("python3.11"), venv.folder.join("bin/python3")).unwrap();
        venv
    }

    #[test]
    fn an_environment_without_its_marker_is_not_complete() {
        let cache = tempfile::tempdir().unwrap();
        let venv = environment(cache.path(), "1.42");
        assert_eq!((venv.version(), venv.made_elsewhere()), (None, None));
        fs::write(venv.marker(), venv.marker_text().unwrap()).unwrap();
        assert_eq!(venv.version(), Version::find("1.42"));
    }

    #[test]
    fn an_environment_that_was_moved_is_not_complete() {
        let cache = tempfile::tempdir().unwrap();
        let venv = environment(cache.path(), "1.42");
        let text = venv.marker_text().unwrap();
        let elsewhere = text.replace(&venv.folder.display().to_string(), "/elsewhere/venv");
        fs::write(venv.marker(), elsewhere).unwrap();
        assert_eq!(venv.version(), None);
        let made = venv.made_elsewhere().unwrap();
        assert!(made.starts_with("made in /elsewhere/venv with "), "{made}");
    }

    #[test]
    fn an_environment_of_another_or_a_removed_python_is_not_complete() {
        let cache = tempfile::tempdir().unwrap();
        let venv = environment(cache.path(), "1.42");
        fs::write(venv.marker(), venv.marker_text().unwrap()).unwrap();
        assert!(venv.version().is_some());
        fs::rename(cache.path().join("python3.11"), cache.path().join("python3.13")).unwrap();
        assert_eq!(venv.version(), None);
        fs::remove_file(venv.folder.join("bin/python3")).unwrap();
        symlink(cache.path().join("python3.13"), venv.folder.join("bin/python3")).unwrap();
        assert_eq!(venv.version(), None);
    }

    #[test]
    fn an_older_virtme_ng_is_not_sufficient() {
        let cache = tempfile::tempdir().unwrap();
        let venv = environment(cache.path(), "1.38");
        fs::write(venv.marker(), venv.marker_text().unwrap()).unwrap();
        assert_eq!(venv.version(), None);
    }

    #[test]
    fn damo_needs_its_program_and_its_metadata() {
        let cache = tempfile::tempdir().unwrap();
        let venv = environment(cache.path(), "1.42");
        assert_eq!(venv.damo(), None);
        fs::create_dir_all(venv.folder.join("lib/python3.11/site-packages/damo-3.4.3.dist-info")).unwrap();
        assert_eq!(venv.damo(), None);
        fs::write(venv.folder.join("bin/damo"), "").unwrap();
        assert_eq!(venv.damo(), Version::find("3.4.3"));
    }

    #[test]
    fn the_environments_programs_come_first_in_path() {
        let cache = tempfile::tempdir().unwrap();
        let env = Env { root: "/".into(), path: "/usr/bin".into(), cache: cache.path().to_owned() };
        let expected = format!("{}/venv/bin:/usr/bin", cache.path().display());
        assert_eq!(Venv::of(&env).path(&env), OsStr::new(&expected));
    }
}
