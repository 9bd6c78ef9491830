//! What the host puts beside its own files for a guest that sees them (`host_root: true`).

use serde::{Deserialize, Serialize};

/// The 9p tag of the host's root.
pub const ROOT_TAG: &str = "damonlab.root";

/// The 9p tag of the folder with [`INDEX`] and the selftests.
pub const FILES_TAG: &str = "damonlab.files";

/// [`HostFiles`], JSON.
pub const INDEX: &str = "damonlab-index.json";

/// Where that folder is for programs in the guest.
pub const SELFTESTS: &str = "/run/damonlab-selftests";

/// The index of the folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostFiles {
    /// `PATH` of programs.
    pub path: String,
    /// The selftests, in the order in which they run.
    pub selftests: Vec<Selftest>,
}

/// One selftest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selftest {
    /// Its file's name.
    pub name: String,
    /// What it needs and the host does not have, if that is known before.
    pub lacks: Option<String>,
}
