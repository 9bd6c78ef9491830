//! Named configurations: one for each fragment of `kernel-config/` that is not in every kernel. Pure.

use super::config;
use crate::host::fault::{Fault, Faulty};
use crate::host::text::foreign;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A named configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// The fragments of every kernel only.
    Fast,
    /// KASAN, lockdep, DEBUG_VM, kmemleak; the kernel panics on a warning.
    Debug,
    /// The KUnit suites of DAMON.
    Kunit,
    /// The guest can read the host's files.
    HostRoot,
    /// DAMON, and every file that a patch touches, counts the lines that it executes.
    Coverage,
}

/// A name that is not a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no profile '{}'; there are {all}, and --config takes a fragment of your own", foreign(.0), all = Profile::ALL.map(Profile::name).join(", "))]
pub struct UnknownProfile(String);

impl Faulty for UnknownProfile {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

impl Profile {
    /// All profiles.
    pub const ALL: [Profile; 5] =
        [Profile::Fast, Profile::Debug, Profile::Kunit, Profile::HostRoot, Profile::Coverage];

    fn name(self) -> &'static str {
        match self {
            Profile::Fast => "fast",
            Profile::Debug => "debug",
            Profile::Kunit => "kunit",
            Profile::HostRoot => "host-root",
            Profile::Coverage => "coverage",
        }
    }

    /// Its fragment in the project folder; none for `fast`.
    pub fn fragment(self, project: &Path) -> Option<PathBuf> {
        (self != Profile::Fast).then(|| config::path(project, self.name()))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Profile, UnknownProfile> {
        Profile::ALL
            .into_iter()
            .find(|profile| profile.name() == name)
            .ok_or_else(|| UnknownProfile(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fragment_is_in_every_kernel_or_has_a_profile() {
        let project = crate::bundled::home();
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
    fn an_unknown_profile_is_refused_with_the_known_ones() {
        assert_eq!("host-root".parse(), Ok(Profile::HostRoot));
        let error = "kasan".parse::<Profile>().unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no profile 'kasan'; there are fast, debug, kunit, host-root, coverage, and --config takes a fragment of your own"
        );
    }
}
