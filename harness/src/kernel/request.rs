//! The kernel that a user wants.

use super::config::{self, Fragment};
use super::error::KernelError;
use super::source::Source;
use super::source_tree::{SeriesLabel, SourceTree, plain};
use crate::host::paths;
use crate::series::Patch;
use crate::setup::Work;
use std::path::PathBuf;

/// A kernel to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The source.
    pub source: Source,
    /// Patches to apply, in order, after the bundled ones.
    pub patches: Vec<Patch>,
    /// The name of a series among the patches.
    pub series: Option<SeriesLabel>,
    /// Whether hunks that do not fit exactly are refused.
    pub strict: bool,
    /// Config fragments on top of the default ones, in order.
    pub fragments: Vec<PathBuf>,
    /// The folder with `patches/` and `kernel-config/`.
    pub project: PathBuf,
}

impl Request {
    /// `source` without the user's patches and fragments.
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

    /// What the tools are needed for.
    pub fn work(&self) -> Work {
        if let Source::Image(_) = self.source { Work::Guest } else { Work::Kernel }
    }

    /// All patches in the order in which they are applied.
    pub(super) fn on_top_of(&self, mut bundled: Vec<Patch>) -> Vec<Patch> {
        bundled.extend(self.patches.iter().cloned());
        bundled
    }

    /// The name of its build folder: each set of extra fragments has its own.
    pub(super) fn build_name(&self, source_tree: &SourceTree) -> String {
        let mut name = source_tree.id.clone();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_image_needs_no_tools_that_build_kernels() {
        let tree = Source::Tree("/linux".into());
        let reference = Source::Ref { dir: "/linux".into(), name: "v7.3".into() };
        for source in [Source::default(), tree, reference] {
            assert_eq!(Request::of(source).work(), Work::Kernel);
        }
        assert_eq!(Request::of(Source::Image("/bzImage".into())).work(), Work::Guest);
    }
}
