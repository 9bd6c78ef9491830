//! The requested release of Linux: a series (`7.3`), or one version of it (`7.3.4`). Pure.

use super::error::KernelError;
use super::inspect::OLDEST;
use crate::setup::Version;
use std::fmt;

/// The series that the scenarios are written for.
const NEWEST: &str = "7.3";

/// A requested release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRequest {
    series: String,
    /// The whole version, if one is requested: kernel.org's number, or with Debian's revision.
    version: Option<String>,
}

impl Default for VersionRequest {
    fn default() -> VersionRequest {
        VersionRequest { series: NEWEST.to_owned(), version: None }
    }
}

impl VersionRequest {
    /// Parses a version: numbers and dots, with or without a revision of Debian (`7.3.4-1~bpo13+1`). None if `text` does
    /// not look like one.
    ///
    /// # Errors
    /// No release has such a version, or it is older than the oldest that damonlab tests.
    pub fn parse(text: &str) -> Option<Result<VersionRequest, KernelError>> {
        let upstream = upstream(text);
        let numbers: Vec<&str> = upstream.split('.').collect();
        let number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if numbers.len() < 2 || !numbers.iter().all(number) {
            return None;
        }
        let refused = |reason: String| Some(Err(KernelError::NoVersion { version: text.to_owned(), reason }));
        if numbers.len() > 3 || text.contains(|c: char| !c.is_ascii_alphanumeric() && !".-+~".contains(c)) {
            return refused(
                "a release has two numbers (7.3: the newest of the series) or three (7.3.4)".to_owned(),
            );
        }
        if text.contains("-rc") {
            return refused("release candidates are only in git: `--kernel TREE@v7.4-rc1`".to_owned());
        }
        let series = numbers[..2].join(".");
        if Version::find(&series) < Version::find(OLDEST) {
            return refused(format!("linux {OLDEST} is the oldest series that damonlab runs"));
        }
        let version = (numbers.len() == 3).then(|| text.to_owned());
        if version.is_none() && text != series {
            return refused("a revision of Debian follows three numbers (7.3.4-1)".to_owned());
        }
        Some(Ok(VersionRequest { series, version }))
    }

    /// `7.3`.
    pub fn series(&self) -> &str {
        &self.series
    }

    /// Whether the release `version` fits the request.
    pub fn is(&self, version: &str) -> bool {
        match &self.version {
            None => series_of(version) == self.series,
            Some(wanted) if wanted.contains('-') => version == wanted,
            Some(wanted) => upstream(version) == wanted,
        }
    }

    /// kernel.org's number, if one version is requested.
    pub fn number(&self) -> Option<&str> {
        self.version.as_deref().map(upstream)
    }
}

impl fmt::Display for VersionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.version.as_ref().unwrap_or(&self.series))
    }
}

/// `7.3.4` of `7.3.4-1~bpo13+1`.
fn upstream(version: &str) -> &str {
    version.split('-').next().unwrap_or_default()
}

/// `7.3` of `7.3.4-1~bpo13+1` and of `7.3.0-rc1`, `6.18` of `6.18.9+`.
pub fn series_of(version: &str) -> String {
    let upstream = upstream(version).split('+').next().unwrap_or_default();
    upstream.split('.').take(2).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> VersionRequest {
        VersionRequest::parse(text).unwrap().unwrap()
    }

    #[test]
    fn a_series_includes_all_of_its_releases_and_no_others() {
        let series = request("7.3");
        assert_eq!(series, VersionRequest::default());
        assert!(series.is("7.3.4-1~bpo13+1") && series.is("7.3.10") && series.is("7.3"));
        assert!(!series.is("7.30.1") && !series.is("7.2.12"));
    }

    #[test]
    fn a_version_includes_debians_package_and_a_revision_is_exact() {
        let version = request("7.3.4");
        assert!(version.is("7.3.4") && version.is("7.3.4-1~bpo13+1") && !version.is("7.3.40"));
        let revision = request("7.3.4-1~bpo13+1");
        assert!(revision.is("7.3.4-1~bpo13+1") && !revision.is("7.3.4") && !revision.is("7.3.4-2"));
        assert_eq!((revision.number(), revision.series()), (Some("7.3.4"), "7.3"));
    }

    #[test]
    fn a_release_of_next_or_with_a_localversion_belongs_to_its_series() {
        for (release, series) in
            [("7.4.0-rc3-next-20261127", "7.4"), ("6.18.9+", "6.18"), ("7.4.0-rc3+", "7.4"), ("7.4+", "7.4")]
        {
            assert_eq!(series_of(release), series);
            assert!(!VersionRequest::default().is(release), "{release}");
        }
    }

    #[test]
    fn other_text_is_not_a_version() {
        for text in ["next-20261127", "6.18.9+", "linux", "7", "7.x", "./7.3", "v7.3", "7.3/", "7.3@x", ""] {
            assert!(VersionRequest::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_unavailable_version_is_refused_with_the_reason() {
        for (text, reason) in [
            ("6.6", "6.12 is the oldest series"),
            ("6.11.9", "6.12 is the oldest series"),
            ("7.3.4.5", "two numbers"),
            ("7.4-rc2", "TREE@v7.4-rc1"),
            ("7.4.0-rc3-next-20261127", "TREE@v7.4-rc1"),
            ("7.3-1", "follows three numbers"),
            ("7.3.4-1 x", "two numbers"),
        ] {
            let error = VersionRequest::parse(text).unwrap().unwrap_err().to_string();
            assert!(error.contains(text) && error.contains(reason), "{error}");
        }
    }
}
