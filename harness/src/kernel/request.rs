//! What a user wants built.

use super::config::{self, Fragment};
use super::error::KernelError;
use super::source::Source;
use super::subject::{Label, Subject, plain};
use crate::host::paths;
use crate::series::Patch;
use std::path::PathBuf;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The source.
    pub source: Source,
    /// Patches to apply, in order, after damonlab's own.
    pub patches: Vec<Patch>,
    /// What to call a series among them.
    pub series: Option<Label>,
    /// A patch that does not fit just as it is, is refused.
    pub strict: bool,
    /// Config fragments on top of the default ones, in order.
    pub fragments: Vec<PathBuf>,
    /// The folder with `patches/` and `kernel-config/`.
    pub project: PathBuf,
}

impl Request {
    /// `source` with nothing on top.
    pub fn of(source: Source) -> Request {
        Request {
            source,
            patches: Vec::new(),
            series: None,
            strict: false,
            fragments: Vec::new(),
            project: paths::project(),
        }
    }

    /// Patches in the order in which they are applied.
    pub(super) fn on_top_of(&self, mut ours: Vec<Patch>) -> Vec<Patch> {
        ours.extend(self.patches.iter().cloned());
        ours
    }

    /// The folder in which it is built: fragments of its own have one of their own.
    pub(super) fn build_name(&self, subject: &Subject) -> String {
        let mut name = subject.id.clone();
        for fragment in &self.fragments {
            name.push('+');
            name.push_str(&plain(&fragment.file_stem().unwrap_or_default().to_string_lossy()));
        }
        name
    }

    pub(super) fn all_fragments(&self) -> Result<Vec<Fragment>, KernelError> {
        let shipped = config::DEFAULT.iter().map(|name| config::path(&self.project, name));
        let read = |path: PathBuf| match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Fragment { path, text }),
            Err(cause) => Err(KernelError::NoSuchPath { path, cause }),
        };
        shipped.chain(self.fragments.iter().cloned()).map(read).collect()
    }
}
