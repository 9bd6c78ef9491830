//! A release: one version, or the newest of a series. It is fetched and unpacked once.
//!
//! It comes from what the user gave ([`Given`]); else, on Debian, from its archive; else from kernel.org. apt checks
//! Debian's package against the keys of this machine. A tarball is checked against the list of checksums beside it, which
//! comes over HTTPS from kernel.org; nothing checks the signature of the list.

use super::checksums;
use super::error::KernelError;
use super::given::{Given, Tarball};
use super::listing::{self, Listing};
use super::version_request::VersionRequest;
use crate::host::command::{self, Limits, command_for};
use crate::host::fault::Faulty;
use crate::host::lock::Lock;
use crate::host::paths;
use crate::host::progress::Progress;
use crate::host::variables;
use crate::setup::apt::Apt;
use crate::setup::{self, Archives, Env, Version};
use fs_err as fs;
use std::path::{Path, PathBuf};

/// The suites with the source packages: newer series, and the one of Debian 13 itself.
const SUITES: [&str; 2] = ["trixie-backports", "trixie"];
/// kernel.org's tarballs, without the folder of a major version.
const MIRROR: &str = "https://cdn.kernel.org/pub/linux/kernel";
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
    /// What the user gave instead of Debian's archive and kernel.org.
    pub given: Option<Given>,
}

impl Origins {
    /// The origins for this machine.
    pub fn of(env: Env) -> Origins {
        let given = variables::value(variables::SOURCE);
        Origins { env, given: given.and_then(|value| Given::parse(&value.to_string_lossy())) }
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
        match &self.given {
            Some(Given::Mirror(_)) => self.fetch_mirror(wanted, progress),
            Some(Given::Tarball(tarball)) if !wanted.is(tarball.version()) => {
                Err(KernelError::OtherTarball { path: tarball.path().to_owned(), wanted: wanted.to_string() })
            }
            Some(Given::Tarball(tarball)) => self.unpack_given(tarball, progress),
            None => self.fetch_public(wanted, progress),
        }
    }

    /// The release of a tarball, from the cache or unpacked.
    pub(super) fn of_tarball(&self, path: &Path, progress: &Progress) -> Result<Release, KernelError> {
        let tarball = Tarball::of(path)?;
        let lock = self.env.cache.join("source.lock");
        let _lock = Lock::acquire(&lock, "another damonlab to fetch the source")?;
        match self.unpacked(&tarball) {
            Some(release) => {
                progress
                    .say(&format!("kernel: {} is in the cache, and is not unpacked again", release.version));
                Ok(release)
            }
            None => self.unpack_given(&tarball, progress),
        }
    }

    /// The release of a tarball, if it is in the cache.
    pub(super) fn unpacked(&self, tarball: &Tarball) -> Option<Release> {
        self.releases().into_iter().find(|release| release.version == tarball.version())
    }

    fn unpack_given(&self, tarball: &Tarball, progress: &Progress) -> Result<Release, KernelError> {
        let list = tarball.list()?;
        checksums::check(tarball.path(), &list)?;
        paths::sweep(&self.folder())?;
        let scratch = paths::scratch(&self.folder())?;
        self.unpack(tarball.path(), tarball.version(), scratch.path(), progress)
    }

    /// From Debian's archive, if this is Debian, else from kernel.org.
    fn fetch_public(&self, wanted: &VersionRequest, progress: &Progress) -> Result<Release, KernelError> {
        let debian = match setup::other_than_debian(&self.env.root) {
            Some(name) => KernelError::NotDebian(name),
            None => match self.fetch_debian(wanted, progress) {
                Err(error) if error.is_interrupt() => return Err(error),
                Err(error) => {
                    progress.say(&format!("kernel: Debian's archive does not have it: {error}"));
                    error
                }
                Ok(release) => return Ok(release),
            },
        };
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
        let list = self.fetch(&mirror, checksums::LIST, scratch.path())?;
        let listed = checksums::newest(&fs::read_to_string(&list)?, wanted);
        // A version that the list does not have may exist; the checksum is then the error.
        let version = wanted.number().map(str::to_owned).or(listed).ok_or_else(|| {
            KernelError::NotListed { list: checksums::LIST.to_owned(), wanted: wanted.to_string() }
        })?;
        let file = format!("linux-{version}.tar.xz");
        progress.say(&format!("kernel: fetching {file} from {mirror} (about 160 MB)"));
        let tarball = self.fetch(&mirror, &file, scratch.path())?;
        checksums::check(&tarball, &list)?;
        self.unpack(&tarball, &version, scratch.path(), progress)
    }

    fn mirror_of(&self, wanted: &VersionRequest) -> String {
        let major = wanted.series().split('.').next().unwrap_or_default();
        let url = match &self.given {
            Some(Given::Mirror(url)) => url.clone(),
            _ => format!("{MIRROR}/v{major}.x"),
        };
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
        // tar knows the compression by the file's first bytes.
        tar.args(["--extract", "--strip-components=1", "--no-same-owner", "--file"]).arg(tarball);
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

#[cfg(test)]
mod tests;
