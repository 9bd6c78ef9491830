//! Which release of Linux a word means: a series (`7.3`), or one version of it (`7.3.4`). Pure.

use super::error::KernelError;
use super::inspect::WANTED;
use crate::setup::Version;
use std::fmt;

/// The series that the scenarios are written for.
const NEWEST: &str = "7.3";

/// A release that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    series: String,
    /// All of it, where one version is meant: as kernel.org numbers it, or with Debian's revision.
    version: Option<String>,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted { series: NEWEST.to_owned(), version: None }
    }
}

impl Wanted {
    /// What `word` asks for; none if it does not look like a version: numbers and dots, and maybe a revision of
    /// Debian's (`7.3.4-1~bpo13+1`).
    ///
    /// # Errors
    /// A version that no release has, or one before the oldest that damonlab tests.
    pub fn parse(word: &str) -> Option<Result<Wanted, KernelError>> {
        let upstream = upstream(word);
        let numbers: Vec<&str> = upstream.split('.').collect();
        let number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if numbers.len() < 2 || !numbers.iter().all(number) {
            return None;
        }
        let refused = |reason: String| Some(Err(KernelError::NoVersion { word: word.to_owned(), reason }));
        if numbers.len() > 3 || word.contains(|c: char| !c.is_ascii_alphanumeric() && !".-+~".contains(c)) {
            return refused("a release is two numbers (7.3: the newest of them) or three (7.3.4)".to_owned());
        }
        if word.contains("-rc") {
            return refused("release candidates are in git alone: `--kernel TREE@v7.4-rc1`".to_owned());
        }
        let series = numbers[..2].join(".");
        if Version::find(&series) < Version::find(WANTED) {
            return refused(format!("the scenarios are about what DAMON has since linux {WANTED}"));
        }
        let version = (numbers.len() == 3).then(|| word.to_owned());
        if version.is_none() && word != series {
            return refused("a revision of Debian's comes after three numbers".to_owned());
        }
        Some(Ok(Wanted { series, version }))
    }

    /// `7.3`.
    pub fn series(&self) -> &str {
        &self.series
    }

    /// Whether the release called `version` is one of those that were meant.
    pub fn is(&self, version: &str) -> bool {
        match &self.version {
            None => series_of(version) == self.series,
            Some(wanted) if wanted.contains('-') => version == wanted,
            Some(wanted) => upstream(version) == wanted,
        }
    }

    /// The number kernel.org has for it, where one version is meant.
    pub fn number(&self) -> Option<&str> {
        self.version.as_deref().map(upstream)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.version.as_ref().unwrap_or(&self.series))
    }
}

/// `7.3.4` of `7.3.4-1~bpo13+1`.
fn upstream(version: &str) -> &str {
    version.split('-').next().unwrap_or_default()
}

/// `7.3` of `7.3.4-1~bpo13+1` and of `7.3.0-rc1`.
pub fn series_of(version: &str) -> String {
    upstream(version).split('.').take(2).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(word: &str) -> Wanted {
        Wanted::parse(word).unwrap().unwrap()
    }

    #[test]
    fn a_series_means_all_of_its_releases_and_no_other_series() {
        let series = wanted("7.3");
        assert_eq!(series, Wanted::default());
        assert!(series.is("7.3.4-1~bpo13+1") && series.is("7.3.10") && series.is("7.3"));
        assert!(!series.is("7.30.1") && !series.is("7.2.12"));
    }

    #[test]
    fn a_version_means_debians_package_of_it_too_and_one_with_a_revision_nothing_else() {
        let version = wanted("7.3.4");
        assert!(version.is("7.3.4") && version.is("7.3.4-1~bpo13+1") && !version.is("7.3.40"));
        let revision = wanted("7.3.4-1~bpo13+1");
        assert!(revision.is("7.3.4-1~bpo13+1") && !revision.is("7.3.4") && !revision.is("7.3.4-2"));
        assert_eq!((revision.number(), revision.series()), (Some("7.3.4"), "7.3"));
    }

    #[test]
    fn what_is_no_version_may_be_something_else() {
        for word in ["linux", "7", "7.x", "./7.3", "v7.3", "7.3/", "7.3@x", ""] {
            assert!(Wanted::parse(word).is_none(), "{word}");
        }
    }

    #[test]
    fn a_version_that_nobody_can_give_is_refused_with_the_reason() {
        for (word, reason) in [
            ("6.12", "since linux 7.2"),
            ("7.1.9", "since linux 7.2"),
            ("7.3.4.5", "two numbers"),
            ("7.4-rc2", "TREE@v7.4-rc1"),
            ("7.3-1", "after three numbers"),
            ("7.3.4-1 x", "two numbers"),
        ] {
            let error = Wanted::parse(word).unwrap().unwrap_err().to_string();
            assert!(error.contains(word) && error.contains(reason), "{error}");
        }
    }
}
