//! The list of targets.

use super::{counts, inputs, recordings, rules};

/// A parser, and what holds of its result.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its corpus.
    pub name: &'static str,
    /// Reads an input.
    pub read: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "yaml", read: inputs::yaml },
    Target { name: "mbox", read: inputs::mbox },
    Target { name: "diff", read: inputs::diff },
    Target { name: "trace", read: inputs::trace },
    Target { name: "raw", read: inputs::raw },
    Target { name: "formats", read: inputs::formats },
    Target { name: "ktap", read: inputs::ktap },
    Target { name: "wire", read: inputs::results },
    Target { name: "recording", read: recordings::recording },
    Target { name: "qmp", read: inputs::replies },
    Target { name: "gcov", read: counts::counts },
    Target { name: "rules", read: rules::rules },
    Target { name: "source", read: inputs::source },
];
