//! Configurations by name: a word for each fragment of `kernel-config/` that is not in every kernel. Pure.

use super::config;
use crate::host::fault::{Fault, Faulty};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A named configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// What every kernel has, and nothing on top.
    Fast,
    /// KASAN, lockdep, DEBUG_VM, kmemleak; a warning is a panic.
    Debug,
    /// DAMON's KUnit suites.
    Kunit,
    /// The host's files in the guest.
    HostRoot,
}

/// A word that names no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no profile '{0}': {all}; a fragment of your own goes with --config", all = Profile::ALL.map(Profile::word).join(", "))]
pub struct NoProfile(String);

impl Faulty for NoProfile {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

impl Profile {
    /// All of them.
    pub const ALL: [Profile; 4] = [Profile::Fast, Profile::Debug, Profile::Kunit, Profile::HostRoot];

    fn word(self) -> &'static str {
        match self {
            Profile::Fast => "fast",
            Profile::Debug => "debug",
            Profile::Kunit => "kunit",
            Profile::HostRoot => "host-root",
        }
    }

    /// Its fragment in the source tree at `project`; none for what every kernel has.
    pub fn fragment(self, project: &Path) -> Option<PathBuf> {
        (self != Profile::Fast).then(|| config::path(project, self.word()))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Profile {
    type Err = NoProfile;

    fn from_str(word: &str) -> Result<Profile, NoProfile> {
        Profile::ALL
            .into_iter()
            .find(|profile| profile.word() == word)
            .ok_or_else(|| NoProfile(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fragment_is_in_every_kernel_or_has_a_profile() {
        let project = crate::host::paths::project();
        let mut named: Vec<PathBuf> =
            config::DEFAULT.iter().map(|name| config::path(&project, name)).collect();
        named.extend(Profile::ALL.iter().filter_map(|profile| profile.fragment(&project)));
        named.sort();
        let mut shipped: Vec<PathBuf> = fs_err::read_dir(project.join("kernel-config"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        shipped.sort();
        assert_eq!(named, shipped);
    }

    #[test]
    fn a_word_that_is_no_profile_is_answered_with_all_that_are() {
        assert_eq!("host-root".parse(), Ok(Profile::HostRoot));
        let error = "kasan".parse::<Profile>().unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no profile 'kasan': fast, debug, kunit, host-root; a fragment of your own goes with --config"
        );
    }
}
