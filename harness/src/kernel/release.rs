//! A release: one version, or the newest of a series, from Debian's archive, else its tarball from kernel.org. It is
//! fetched and unpacked once.
//!
//! apt checks Debian's package against the keys of this machine. kernel.org's tarball is checked against the list of
//! checksums beside it, which is fetched over HTTPS.

use super::error::KernelError;
use super::listing::{self, Listing};
use super::version_request::VersionRequest;
use crate::host::command::{self, Limits, command_for};
use crate::host::fault::Faulty;
use crate::host::lock::Lock;
use crate::host::paths;
use crate::host::progress::Progress;
use crate::host::variables;
use crate::setup::apt::Apt;
use crate::setup::{Archives, Env, Version};
use fs_err as fs;
use std::path::{Path, PathBuf};

/// The suites with the source packages: newer series, and the one of Debian 13 itself.
const SUITES: [&str; 2] = ["trixie-backports", "trixie"];
/// kernel.org's tarballs, without the folder of a major version; `DAMONLAB_KERNEL_MIRROR` names another folder.
const MIRROR: &str = "https://cdn.kernel.org/pub/linux/kernel";
/// The list of checksums in it.
const CHECKSUMS: &str = "sha256sums.asc";

/// An unpacked release.
#[derive(Debug, Clone)]
pub struct Release {
    /// Debian's version (`7.3.4-1~bpo13+1`) or kernel.org's (`7.3.4`).
    pub version: String,
    /// Its tree, which does not change.
    pub dir: PathBuf,
}

/// Where releases come from.
#[derive(Debug, Clone)]
pub struct Origins {
    /// The machine, for its apt sources and its cache.
    pub env: Env,
    /// The folder of tarballs, as a URL, instead of kernel.org's for the major version.
    pub mirror: Option<String>,
}

impl Origins {
    /// The origins for this machine.
    pub fn of(env: Env) -> Origins {
        let mirror = variables::value(variables::KERNEL_MIRROR);
        Origins { env, mirror: mirror.map(|url| url.to_string_lossy().into_owned()) }
    }

    /// The newest release in the cache that is `wanted`; if there is none, it is fetched.
    pub fn obtain(&self, wanted: &VersionRequest, progress: &Progress) -> Result<Release, KernelError> {
        if let Some(release) = self.newest(wanted) {
            return Ok(release);
        }
        let lock = self.env.cache.join("source.lock");
        let _lock = Lock::acquire(&lock, "another damonlab to fetch the source")?;
        if let Some(release) = self.newest(wanted) {
            return Ok(release);
        }
        paths::sweep(&self.folder())?;
        let debian = match self.fetch_debian(wanted, progress) {
            Err(error) if error.is_interrupt() => return Err(error),
            Err(error) => error,
            Ok(release) => return Ok(release),
        };
        progress.say(&format!("kernel: Debian's archive does not have it: {debian}"));
        self.fetch_mirror(wanted, progress).map_err(|mirror| match mirror.is_interrupt() {
            true => mirror,
            false => KernelError::Fetch {
                wanted: wanted.to_string(),
                debian: Box::new(debian),
                mirror: Box::new(mirror),
            },
        })
    }

    fn folder(&self) -> PathBuf {
        self.env.cache.join("source")
    }

    /// The newest unpacked release that is `wanted`.
    pub fn newest(&self, wanted: &VersionRequest) -> Option<Release> {
        self.releases().into_iter().rfind(|release| wanted.is(&release.version))
    }

    /// Every unpacked release, the newest last. A folder gets its name once it is complete.
    pub(super) fn releases(&self) -> Vec<Release> {
        let Ok(entries) = std::fs::read_dir(self.folder()) else { return Vec::new() };
        let release = |entry: std::fs::DirEntry| {
            let version = entry.file_name().into_string().ok()?.strip_prefix("linux-")?.to_owned();
            entry.path().is_dir().then(|| Release { version, dir: entry.path() })
        };
        let mut releases: Vec<Release> = entries.flatten().filter_map(release).collect();
        releases.sort_by_key(|release| (Version::find(&release.version), release.version.clone()));
        releases
    }

    fn fetch_debian(&self, wanted: &VersionRequest, progress: &Progress) -> Result<Release, KernelError> {
        let archives = Archives::of_machine(&self.env.root)?;
        let package = format!("linux-source-{}", wanted.series());
        let (version, apt) = self.find_debian(&archives, &package, wanted)?;
        progress.say(&format!("kernel: fetching {package} {version} from Debian's archive (about 170 MB)"));
        let scratch = paths::scratch(&self.folder())?;
        let file = apt.download(&format!("{package}={version}"), scratch.path())?;
        let inside = scratch.path().join("package");
        command::succeed(command_for("dpkg-deb").arg("-x").arg(&file).arg(&inside), Limits::LOCAL)?;
        fs::remove_file(&file)?;
        let tarball = inside.join(format!("usr/src/{package}.tar.xz"));
        self.unpack(&tarball, &version, scratch.path(), progress)
    }

    /// The version of `package` that is `wanted`, and the apt state that has it: of the first suite with one.
    fn find_debian(
        &self,
        archives: &Archives,
        package: &str,
        wanted: &VersionRequest,
    ) -> Result<(String, Apt), KernelError> {
        let mut others = Vec::new();
        for suite in SUITES {
            let sources = archives.main.stanza(&[suite.to_owned()]);
            let apt = Apt::prepare(&self.env.cache.join("apt/kernel"), &sources)?;
            apt.update()?;
            let versions = apt.versions_in(package, suite)?;
            if let Some(version) = versions.iter().find(|version| wanted.is(version)) {
                return Ok((version.clone(), apt));
            }
            others.extend(versions);
        }
        Err(no_package(package.to_owned(), &others, wanted))
    }

    fn fetch_mirror(&self, wanted: &VersionRequest, progress: &Progress) -> Result<Release, KernelError> {
        let scratch = paths::scratch(&self.folder())?;
        let mirror = self.mirror_of(wanted);
        let list = self.fetch(&mirror, CHECKSUMS, scratch.path())?;
        let listed = newest_listed(&fs::read_to_string(&list)?, wanted);
        // A version that the list does not have may exist; the checksum is then the error.
        let version = wanted.number().map(str::to_owned).or(listed).ok_or_else(|| {
            KernelError::NotListed { list: CHECKSUMS.to_owned(), wanted: wanted.to_string() }
        })?;
        let file = format!("linux-{version}.tar.xz");
        progress.say(&format!("kernel: fetching {file} from {mirror} (about 160 MB)"));
        let tarball = self.fetch(&mirror, &file, scratch.path())?;
        check(&tarball, &list, &file)?;
        self.unpack(&tarball, &version, scratch.path(), progress)
    }

    fn mirror_of(&self, wanted: &VersionRequest) -> String {
        let major = wanted.series().split('.').next().unwrap_or_default();
        let url = self.mirror.clone().unwrap_or_else(|| format!("{MIRROR}/v{major}.x"));
        url.trim_end_matches('/').to_owned()
    }

    fn fetch(&self, mirror: &str, file: &str, folder: &Path) -> Result<PathBuf, KernelError> {
        let path = folder.join(file);
        let curl = paths::find_program(&self.env.path, "curl").ok_or(KernelError::NoCurl)?;
        let mut curl = command_for(curl);
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
        curl.arg("--output").arg(&path).arg(format!("{mirror}/{file}"));
        command::succeed(&mut curl, Limits::NETWORK)?;
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
        let mut tar = command_for("tar");
        tar.args(["--extract", "--xz", "--strip-components=1", "--no-same-owner", "--file"]).arg(tarball);
        command::succeed(tar.arg("--directory").arg(&tree), Limits::LOCAL)?;
        super::inspect::tree(tree.as_path(), &tree)?;
        let dir = self.folder().join(format!("linux-{version}"));
        fs::rename(&tree, &dir)?;
        Ok(Release { version: version.to_owned(), dir })
    }
}

impl Release {
    /// The files of the release. To walk them takes a second, so the list is stored beside the tree.
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

fn no_package(package: String, versions: &[String], wanted: &VersionRequest) -> KernelError {
    let others = match versions {
        [] => String::new(),
        versions => format!(" {wanted}; they have {}", versions.join(", ")),
    };
    KernelError::NoPackage { package, suites: SUITES.join(" and "), others }
}

/// The newest version in a list of checksums, `CHECKSUM  linux-VERSION.tar.xz`, that is `wanted`.
fn newest_listed(list: &str, wanted: &VersionRequest) -> Option<String> {
    let version = |line: &str| {
        let file = line.split_whitespace().nth(1)?.trim_start_matches('*');
        let version = file.strip_prefix("linux-")?.strip_suffix(".tar.xz")?;
        (wanted.is(version) && !version.contains('-')).then(|| version.to_owned())
    };
    list.lines().filter_map(version).max_by_key(|version| Version::find(version))
}

/// Compares `tarball` with its line in `list`, `CHECKSUM  NAME`.
fn check(tarball: &Path, list: &Path, name: &str) -> Result<(), KernelError> {
    let text = fs::read_to_string(list)?;
    let wanted = text.lines().find_map(|line| {
        let (sum, file) = line.split_once(char::is_whitespace)?;
        (file.trim_start().trim_start_matches('*') == name).then(|| sum.to_ascii_lowercase())
    });
    let output = command::succeed(command_for("sha256sum").arg("--").arg(tarball), Limits::LOCAL)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.split_whitespace().next().unwrap_or_default().to_owned();
    match wanted {
        Some(wanted) if wanted == found => Ok(()),
        wanted => Err(KernelError::Checksum {
            file: name.to_owned(),
            list: CHECKSUMS.to_owned(),
            wanted: wanted.unwrap_or_else(|| "an entry in the list".to_owned()),
            found,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fault::Fault;
    use std::ffi::OsStr;

    const NEWEST: &str = "7.3.4";

    /// A folder as kernel.org has it, with a kernel of three files.
    fn mirror() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join(format!("linux-{NEWEST}"));
        for (name, text) in [
            ("Makefile", "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\nEXTRAVERSION =\n"),
            ("mm/damon/Kconfig", "config DAMON_SYSFS\n"),
            ("include/linux/damon.h", ""),
        ] {
            fs::create_dir_all(tree.join(name).parent().unwrap()).unwrap();
            fs::write(tree.join(name), text).unwrap();
        }
        let file = format!("linux-{NEWEST}.tar.xz");
        let run = |program: &str, arguments: &[&str]| {
            command::succeed(command_for(program).args(arguments).current_dir(folder.path()), Limits::LOCAL)
                .unwrap()
        };
        run("tar", &["-cJf", &file, &format!("linux-{NEWEST}")]);
        fs::write(folder.path().join("sha256sums.asc"), run("sha256sum", &[&file]).stdout).unwrap();
        folder
    }

    /// A machine without apt sources, so that only the mirror is left.
    fn origins(mirror: &Path, cache: &Path) -> Origins {
        let env =
            Env { root: cache.to_owned(), path: std::env::var_os("PATH").unwrap(), cache: cache.to_owned() };
        Origins { env, mirror: Some(format!("file://{}", mirror.to_string_lossy())) }
    }

    fn has_curl() -> bool {
        let has = paths::find_program(OsStr::new("/usr/bin:/usr/local/bin"), "curl").is_some();
        if !has {
            eprintln!("skipped: no curl on this machine to fetch from kernel.org with");
        }
        has
    }

    #[test]
    fn without_debians_archive_the_tarball_is_checked_and_unpacked_once() {
        if !has_curl() {
            return;
        }
        let (mirror, cache) = (mirror(), tempfile::tempdir().unwrap());
        let release = origins(mirror.path(), cache.path())
            .obtain(&VersionRequest::default(), &Progress::silent())
            .unwrap();
        assert_eq!(release.version, NEWEST);
        assert_eq!(release.listing().unwrap().0.len(), 3);
        // The second time nothing is fetched: the mirror is gone.
        drop(mirror);
        let again = origins(Path::new("/nonexistent"), cache.path())
            .obtain(&VersionRequest::default(), &Progress::silent())
            .unwrap();
        assert_eq!(again.dir, release.dir);
        assert_eq!(again.listing().unwrap(), release.listing().unwrap());
    }

    #[test]
    fn without_curl_the_error_says_how_to_install_it() {
        let cache = tempfile::tempdir().unwrap();
        let mut origins = origins(Path::new("/nonexistent"), cache.path());
        origins.env.path = "/nonexistent".into();
        let error = origins.obtain(&VersionRequest::default(), &Progress::silent()).unwrap_err();
        assert!(error.to_string().contains("kernel.org: no curl in PATH"), "{error}");
        assert!(error.to_string().contains("apt-get install curl ca-certificates"), "{error}");
    }

    #[test]
    fn a_tarball_with_another_checksum_is_refused_and_nothing_is_left() {
        if !has_curl() {
            return;
        }
        let (mirror, cache) = (mirror(), tempfile::tempdir().unwrap());
        let list = format!("{}  linux-{NEWEST}.tar.xz\n", "0".repeat(64));
        fs::write(mirror.path().join("sha256sums.asc"), list).unwrap();
        let error = origins(mirror.path(), cache.path())
            .obtain(&VersionRequest::default(), &Progress::silent())
            .unwrap_err();
        assert!(
            error.to_string().contains("does not have the checksum of sha256sums.asc: wanted 0000"),
            "{error}"
        );
        assert_eq!(error.fault(), Fault::Infra);
        assert_eq!(fs::read_dir(cache.path().join("source")).unwrap().count(), 0);
    }

    #[test]
    fn of_several_releases_the_newest_is_used() {
        let cache = tempfile::tempdir().unwrap();
        for version in ["7.3.4-1~bpo13+1", "7.3.10-1~bpo13+1", "7.3.9", "7.2.12"] {
            fs::create_dir_all(cache.path().join(format!("source/linux-{version}"))).unwrap();
        }
        fs::create_dir_all(cache.path().join("source/.new-linux-9.9.9")).unwrap();
        let origins = origins(Path::new("/nonexistent"), cache.path());
        for (request, version) in
            [("7.3", "7.3.10-1~bpo13+1"), ("7.2", "7.2.12"), ("7.3.4", "7.3.4-1~bpo13+1"), ("7.3.9", "7.3.9")]
        {
            let wanted = VersionRequest::parse(request).unwrap().unwrap();
            assert_eq!(origins.newest(&wanted).unwrap().version, version);
        }
        assert!(origins.newest(&VersionRequest::parse("7.3.5").unwrap().unwrap()).is_none());
    }

    #[test]
    fn the_newest_of_the_series_in_kernel_orgs_list_is_used() {
        let list =
            "00  linux-7.3.9.tar.xz\n01  linux-7.3.10.tar.xz\n02  linux-7.4.tar.xz\n03  patch-7.3.11.xz\n";
        assert_eq!(newest_listed(list, &VersionRequest::default()).unwrap(), "7.3.10");
        assert_eq!(newest_listed(list, &VersionRequest::parse("7.2").unwrap().unwrap()), None);
    }

    #[test]
    fn a_version_that_debian_does_not_have_is_reported_with_those_that_it_has() {
        let wanted = VersionRequest::parse("7.3.9").unwrap().unwrap();
        let versions = ["7.3.4-1~bpo13+1".to_owned(), "7.3.3-1~bpo13+1".to_owned()];
        assert_eq!(
            no_package("linux-source-7.3".to_owned(), &versions, &wanted).to_string(),
            "trixie-backports and trixie have no package linux-source-7.3 7.3.9; they have 7.3.4-1~bpo13+1, 7.3.3-1~bpo13+1"
        );
    }
}
