//! The default kernel: the newest release of one series from Debian's archive, else the tarball of the
//! same version from kernel.org. Once unpacked it stays, and nobody is asked again.
//!
//! Debian's package is checked by apt against the machine's keys. kernel.org's tarball is checked
//! against the list of checksums beside it, which comes over HTTPS.

use super::error::{KernelError, Kind};
use super::listing::{self, Listing};
use crate::host::command;
use crate::host::lock::Lock;
use crate::host::paths;
use crate::host::progress::Progress;
use crate::setup::apt::Apt;
use crate::setup::{Archives, Env, Version};
use fs_err as fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The series that the patches and the scenarios are for.
const SERIES: &str = "7.3";
/// The package with its source, and the suite that has it.
const PACKAGE: &str = "linux-source-7.3";
const SUITE: &str = "trixie-backports";
/// The version that is taken from kernel.org when Debian's archive cannot be asked.
const FALLBACK: &str = "7.3.4";
/// The folder of kernel.org's tarballs; `DAMONLAB_KERNEL_MIRROR` names another.
const MIRROR: &str = "https://cdn.kernel.org/pub/linux/kernel/v7.x";

/// An unpacked release.
#[derive(Debug, Clone)]
pub struct Release {
    /// Debian's version (`7.3.4-1~bpo13+1`) or kernel.org's (`7.3.4`).
    pub version: String,
    /// Its tree, which nobody changes.
    pub dir: PathBuf,
}

/// Where a release comes from.
#[derive(Debug, Clone)]
pub struct Origins {
    /// The machine, for its apt sources and its cache.
    pub env: Env,
    /// The folder of tarballs, as a URL.
    pub mirror: String,
}

impl Origins {
    /// Those of this machine.
    pub fn of(env: Env) -> Origins {
        let mirror = std::env::var("DAMONLAB_KERNEL_MIRROR").unwrap_or_else(|_| MIRROR.to_owned());
        Origins { env, mirror }
    }

    /// The release in the cache, fetched first where there is none.
    pub fn obtain(&self, progress: &Progress) -> Result<Release, KernelError> {
        if let Some(release) = self.newest() {
            return Ok(release);
        }
        let lock = self.env.cache.join("source.lock");
        let _lock = Lock::acquire(&lock, || {
            progress.say("kernel: waiting for another damonlab to fetch the source")
        })?;
        if let Some(release) = self.newest() {
            return Ok(release);
        }
        paths::sweep(&self.folder())?;
        let debian = match self.fetch_debian(progress) {
            Err(error) if error.kind() == Kind::Interrupted => return Err(error),
            Err(error) => error,
            Ok(release) => return Ok(release),
        };
        progress.say(&format!("kernel: not from Debian's archive: {debian}"));
        self.fetch_mirror(progress).map_err(|mirror| match mirror.kind() {
            Kind::Interrupted => mirror,
            _ => KernelError::Fetch { debian: Box::new(debian), mirror: Box::new(mirror) },
        })
    }

    fn folder(&self) -> PathBuf {
        self.env.cache.join("source")
    }

    /// The newest unpacked release. A folder gets its name when it is whole.
    pub(super) fn newest(&self) -> Option<Release> {
        let entries = std::fs::read_dir(self.folder()).ok()?;
        let release = |entry: std::fs::DirEntry| {
            let version = entry.file_name().into_string().ok()?.strip_prefix("linux-")?.to_owned();
            entry.path().is_dir().then(|| Release { version, dir: entry.path() })
        };
        let releases = entries.flatten().filter_map(release);
        releases.max_by_key(|release| (Version::find(&release.version), release.version.clone()))
    }

    fn fetch_debian(&self, progress: &Progress) -> Result<Release, KernelError> {
        let archives = Archives::of_machine(&self.env.root)?;
        let apt =
            Apt::prepare(&self.env.cache.join("apt/kernel"), &archives.main.stanza(&[SUITE.to_owned()]))?;
        apt.update()?;
        let version = apt.versions_in(PACKAGE, SUITE)?.into_iter().next();
        let version = version
            .ok_or_else(|| KernelError::NoPackage { package: PACKAGE.to_owned(), suite: SUITE.to_owned() })?;
        progress.say(&format!("kernel: fetching {PACKAGE} {version} from Debian's archive (about 170 MB)"));
        let scratch = paths::scratch(&self.folder())?;
        let package = apt.download(&format!("{PACKAGE}={version}"), scratch.path())?;
        let inside = scratch.path().join("package");
        command::succeed(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&inside))?;
        fs::remove_file(&package)?;
        let tarball = inside.join(format!("usr/src/{PACKAGE}.tar.xz"));
        self.unpack(&tarball, &version, scratch.path(), progress)
    }

    fn fetch_mirror(&self, progress: &Progress) -> Result<Release, KernelError> {
        let file = format!("linux-{FALLBACK}.tar.xz");
        progress.say(&format!("kernel: fetching {file} from {} (about 160 MB)", self.mirror));
        let scratch = paths::scratch(&self.folder())?;
        let list = self.fetch("sha256sums.asc", scratch.path())?;
        let tarball = self.fetch(&file, scratch.path())?;
        check(&tarball, &list, &file)?;
        self.unpack(&tarball, FALLBACK, scratch.path(), progress)
    }

    fn fetch(&self, file: &str, folder: &Path) -> Result<PathBuf, KernelError> {
        let path = folder.join(file);
        let curl = paths::find_program(&self.env.path, "curl").ok_or(KernelError::NoCurl)?;
        let mut curl = Command::new(curl);
        curl.args([
            "--fail",
            "--silent",
            "--show-error",
            "--location",
            "--proto-redir",
            "=https",
            "--retry",
            "3",
        ]);
        curl.arg("--output").arg(&path).arg(format!("{}/{file}", self.mirror.trim_end_matches('/')));
        command::succeed(&mut curl)?;
        Ok(path)
    }

    fn unpack(
        &self,
        tarball: &Path,
        version: &str,
        scratch: &Path,
        progress: &Progress,
    ) -> Result<Release, KernelError> {
        progress.say("kernel: unpacking the source");
        let tree = scratch.join("tree");
        fs::create_dir(&tree)?;
        let mut tar = Command::new("tar");
        tar.args(["--extract", "--xz", "--strip-components=1", "--no-same-owner", "--file"]).arg(tarball);
        command::succeed(tar.arg("--directory").arg(&tree))?;
        super::inspect::tree(&tree)?;
        let dir = self.folder().join(format!("linux-{version}"));
        fs::rename(&tree, &dir)?;
        Ok(Release { version: version.to_owned(), dir })
    }
}

impl Release {
    /// The release's files. Walking them takes a second, so the list is kept beside the tree.
    pub fn listing(&self) -> Result<Listing, KernelError> {
        let mut stored = self.dir.clone().into_os_string();
        stored.push(".list");
        let stored = PathBuf::from(stored);
        if let Some(listing) = Listing::load(&stored) {
            return Ok(listing);
        }
        let listing = listing::of_release(&self.dir, &self.version)?;
        listing.store(&stored)?;
        Ok(listing)
    }
}

/// The series that damonlab's own patches are for.
pub fn series() -> &'static str {
    SERIES
}

/// Compares `tarball` with its line in `list`, `CHECKSUM  NAME`.
fn check(tarball: &Path, list: &Path, name: &str) -> Result<(), KernelError> {
    let text = fs::read_to_string(list)?;
    let wanted = text.lines().find_map(|line| {
        let (sum, file) = line.split_once(char::is_whitespace)?;
        (file.trim_start().trim_start_matches('*') == name).then(|| sum.to_ascii_lowercase())
    });
    let output = command::succeed(Command::new("sha256sum").arg("--").arg(tarball))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.split_whitespace().next().unwrap_or_default().to_owned();
    match wanted {
        Some(wanted) if wanted == found => Ok(()),
        wanted => Err(KernelError::Checksum {
            file: name.to_owned(),
            list: "sha256sums.asc".to_owned(),
            wanted: wanted.unwrap_or_else(|| "an entry in the list".to_owned()),
            found,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    /// A folder as kernel.org has it, with a kernel of three files.
    fn mirror() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join(format!("linux-{FALLBACK}"));
        for (name, text) in [
            ("Makefile", "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\nEXTRAVERSION =\n"),
            ("mm/damon/Kconfig", ""),
            ("include/linux/damon.h", "DAMOS_QUOTA_NODE_ELIGIBLE_MEM_BP"),
        ] {
            fs::create_dir_all(tree.join(name).parent().unwrap()).unwrap();
            fs::write(tree.join(name), text).unwrap();
        }
        let file = format!("linux-{FALLBACK}.tar.xz");
        let run = |program: &str, arguments: &[&str]| {
            command::succeed(Command::new(program).args(arguments).current_dir(folder.path())).unwrap()
        };
        run("tar", &["-cJf", &file, &format!("linux-{FALLBACK}")]);
        fs::write(folder.path().join("sha256sums.asc"), run("sha256sum", &[&file]).stdout).unwrap();
        folder
    }

    /// A machine without apt sources, so that only the mirror is left.
    fn origins(mirror: &Path, cache: &Path) -> Origins {
        let env =
            Env { root: cache.to_owned(), path: std::env::var_os("PATH").unwrap(), cache: cache.to_owned() };
        Origins { env, mirror: format!("file://{}", mirror.display()) }
    }

    fn has_curl() -> bool {
        let has = paths::find_program(OsStr::new("/usr/bin:/usr/local/bin"), "curl").is_some();
        if !has {
            eprintln!("no curl on this machine: the way over kernel.org is not there");
        }
        has
    }

    #[test]
    fn without_debians_archive_the_tarball_is_checked_and_unpacked_once() {
        if !has_curl() {
            return;
        }
        let (mirror, cache) = (mirror(), tempfile::tempdir().unwrap());
        let release = origins(mirror.path(), cache.path()).obtain(&Progress::silent()).unwrap();
        assert_eq!(release.version, FALLBACK);
        assert_eq!(release.listing().unwrap().0.len(), 3);
        // A second time nobody is asked: the mirror is gone.
        drop(mirror);
        let again = origins(Path::new("/nonexistent"), cache.path()).obtain(&Progress::silent()).unwrap();
        assert_eq!(again.dir, release.dir);
        assert_eq!(again.listing().unwrap(), release.listing().unwrap());
    }

    #[test]
    fn without_curl_the_message_says_how_to_get_it() {
        let cache = tempfile::tempdir().unwrap();
        let mut origins = origins(Path::new("/nonexistent"), cache.path());
        origins.env.path = "/nonexistent".into();
        let error = origins.obtain(&Progress::silent()).unwrap_err();
        assert!(error.to_string().contains("kernel.org: no curl in PATH"), "{error}");
        assert!(error.to_string().contains("apt-get install curl ca-certificates"), "{error}");
    }

    #[test]
    fn a_tarball_with_another_checksum_is_refused_and_nothing_is_left() {
        if !has_curl() {
            return;
        }
        let (mirror, cache) = (mirror(), tempfile::tempdir().unwrap());
        let list = format!("{}  linux-{FALLBACK}.tar.xz\n", "0".repeat(64));
        fs::write(mirror.path().join("sha256sums.asc"), list).unwrap();
        let error = origins(mirror.path(), cache.path()).obtain(&Progress::silent()).unwrap_err();
        assert!(
            error.to_string().contains("does not have the checksum of sha256sums.asc: wanted 0000"),
            "{error}"
        );
        assert_eq!(error.kind(), Kind::Infra);
        assert_eq!(fs::read_dir(cache.path().join("source")).unwrap().count(), 0);
    }

    #[test]
    fn of_several_releases_the_newest_counts() {
        let cache = tempfile::tempdir().unwrap();
        for version in ["7.3.4-1~bpo13+1", "7.3.10-1~bpo13+1", "7.3.9"] {
            fs::create_dir_all(cache.path().join(format!("source/linux-{version}"))).unwrap();
        }
        fs::create_dir_all(cache.path().join("source/.new-linux-9.9.9")).unwrap();
        let newest = origins(Path::new("/nonexistent"), cache.path()).newest().unwrap();
        assert_eq!(newest.version, "7.3.10-1~bpo13+1");
    }
}
