//! A source that the user gave in place of Debian's archive and kernel.org: a mirror, or a tarball that was fetched by hand.

use super::checksums;
use super::error::KernelError;
use super::version_request::VersionRequest;
use std::path::{Path, PathBuf};

/// The value of `DAMONLAB_SOURCE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// A folder of tarballs as kernel.org has it for a major version, as a URL.
    Mirror(String),
    /// One tarball.
    Tarball(Tarball),
}

/// `linux-VERSION.tar.xz`, or with another compression that tar knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tarball {
    path: PathBuf,
    version: String,
}

impl Given {
    /// Parses a value that is a URL or the path of a tarball.
    pub fn parse(value: &str) -> Option<Given> {
        match value.contains("://") {
            true => Some(Given::Mirror(value.to_owned())),
            false => Tarball::of(Path::new(value)).ok().map(Given::Tarball),
        }
    }
}

impl Tarball {
    /// The tarball at `path`, whose name has the version of a release.
    ///
    /// # Errors
    /// The name has none.
    pub(super) fn of(path: &Path) -> Result<Tarball, KernelError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let version = name.strip_prefix("linux-").and_then(|rest| rest.split_once(".tar"));
        let version = version.map(|(version, _)| version).filter(|version| !version.contains('-'));
        match version.and_then(VersionRequest::parse) {
            Some(Ok(_)) => {
                let version = version.unwrap_or_default().to_owned();
                Ok(Tarball { path: path.to_owned(), version })
            }
            Some(Err(error)) => Err(error),
            None => Err(KernelError::NoTarball(path.to_owned())),
        }
    }

    /// Whether a file is meant as a tarball, by its name.
    pub(super) fn is_one(path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        [".tar", ".tar.xz", ".tar.gz", ".tar.bz2", ".tar.zst"].iter().any(|end| name.ends_with(end))
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The version in its name.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The list with its checksum: `NAME.sha256` beside it, or kernel.org's list.
    ///
    /// # Errors
    /// Neither is there.
    pub(super) fn list(&self) -> Result<PathBuf, KernelError> {
        let mut own = self.path.clone().into_os_string();
        own.push(".sha256");
        let lists = [PathBuf::from(own), self.path.with_file_name(checksums::LIST)];
        lists.into_iter().find(|list| list.is_file()).ok_or_else(|| KernelError::Unchecked(self.path.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tarball_has_its_version_in_its_name() {
        for (name, version) in
            [("linux-7.3.4.tar.xz", "7.3.4"), ("/x/linux-7.3.tar.gz", "7.3"), ("linux-6.18.9.tar", "6.18.9")]
        {
            assert!(Tarball::is_one(Path::new(name)), "{name}");
            assert_eq!(Tarball::of(Path::new(name)).unwrap().version(), version);
        }
        for name in ["linux.tar.xz", "linux-next.tar.xz", "linux-7.4-rc1.tar.gz", "bzImage"] {
            let error = Tarball::of(Path::new(name)).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("linux-VERSION.tar.xz"), "{error}");
        }
        assert!(!Tarball::is_one(Path::new("arch/x86/boot/bzImage")));
        let old = Tarball::of(Path::new("linux-6.6.1.tar.xz")).unwrap_err().to_string();
        assert!(old.contains("6.12 is the oldest"), "{old}");
    }

    #[test]
    fn the_variable_is_a_mirror_or_a_tarball() {
        assert_eq!(Given::parse("file:///m"), Some(Given::Mirror("file:///m".into())));
        assert!(matches!(Given::parse("linux-7.3.4.tar.xz"), Some(Given::Tarball(_))));
        assert_eq!(Given::parse("nowhere"), None);
    }
}
