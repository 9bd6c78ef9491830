//! A write that the kernel refused.

use serde::{Deserialize, Serialize};

/// The kernel's answer to a write that it does not take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// For instance `EINVAL`.
    pub errno: String,
    /// The file, relative to [`crate::damon::ROOT`] or absolute.
    pub file: String,
    /// What was written.
    pub value: String,
}
