//! The text of single files of a kernel's source, with the patches with which it is built. Nothing is built or fetched.

use super::BuildRequest;
use super::apply::{Applied, Touched};
use super::bundled_patches;
use super::error::KernelError;
use super::inspect::Tree;
use super::release::Origins;
use super::source::Source;
use super::source_tree::SourceTree;

/// A file that the user's patches change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path from the root of the tree.
    pub path: String,
    /// Its text without the user's patches; none for a new file.
    pub before: Option<String>,
    /// Its text with them.
    pub after: String,
}

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
        let Some(source) = source(request, origins)? else { return Ok(None) };
        let ours = bundled_patches::of(&request.project, &source, &request.patches)?;
        let patches = request.on_top_of(ours.patches);
        let Applied { touched, already, .. } = source.apply(&patches, request.rules())?;
        let name = source.describe(patches.len() - already.len(), request.series.as_ref());
        Ok(Some(PatchedSource { source, touched, name }))
    }

    /// The text files that the user's patches change or add, by path. None for a release that was not fetched.
    ///
    /// # Errors
    /// A patch does not apply.
    pub fn changed(
        request: &BuildRequest,
        origins: &Origins,
    ) -> Result<Option<Vec<ChangedFile>>, KernelError> {
        let Some(source) = source(request, origins)? else { return Ok(None) };
        let bundled = bundled_patches::of(&request.project, &source, &request.patches)?.patches;
        let before = source.apply(&bundled, request.rules())?.touched;
        let after = source.apply(&request.on_top_of(bundled), request.rules())?.touched;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let one = |(path, file): (String, Option<(_, Vec<u8>)>)| {
            let after = text(&file?.1);
            let before = match before.get(&path) {
                Some(touched) => touched.as_ref().map(|(_, bytes)| text(bytes)),
                None => source.text(&path),
            };
            (before.as_ref() != Some(&after)).then_some(ChangedFile { path, before, after })
        };
        Ok(Some(after.into_iter().filter_map(one).collect()))
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

fn source(request: &BuildRequest, origins: &Origins) -> Result<Option<SourceTree>, KernelError> {
    match &request.source {
        Source::Tree(dir) => SourceTree::of_tree(dir).map(Some),
        other => SourceTree::here(other, origins),
    }
}
