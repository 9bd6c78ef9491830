//! The text of single files of a kernel's source, with the patches with which it is built. Nothing is built or fetched.

use super::BuildRequest;
use super::apply::{Applied, Touched};
use super::bundled_patches;
use super::error::KernelError;
use super::inspect::Tree;
use super::release::Origins;
use super::source::Source;
use super::source_tree::SourceTree;

/// A source that is on this machine.
#[derive(Debug)]
pub struct PatchedSource {
    source: SourceTree,
    touched: Touched,
    name: String,
}

impl PatchedSource {
    /// The source of `request`. None for a release that was not fetched.
    ///
    /// # Errors
    /// A patch does not apply.
    pub fn here(request: &BuildRequest, origins: &Origins) -> Result<Option<PatchedSource>, KernelError> {
        let source = match &request.source {
            Source::Tree(dir) => SourceTree::of_tree(dir)?,
            other => match SourceTree::here(other, origins)? {
                Some(source) => source,
                None => return Ok(None),
            },
        };
        let ours = bundled_patches::of(&request.project, &source, &request.patches)?;
        let patches = request.on_top_of(ours.patches);
        let Applied { touched, .. } = source.apply(&patches, request.strict)?;
        let name = source.describe(patches.len(), request.series.as_ref());
        Ok(Some(PatchedSource { source, touched, name }))
    }

    /// What the kernel is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file at `path` from the root of the tree; none if there is none.
    pub fn text(&self, path: &str) -> Option<String> {
        match self.touched.get(path) {
            Some(after) => after.as_ref().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()),
            None => self.source.text(path),
        }
    }
}
