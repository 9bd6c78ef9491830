//! How a kernel's source computes what the oracle replays: looked up where the kernel is built, kept with its image.

use super::image::{self, Image};
use super::inspect::Tree;
use super::request::BuildRequest;
use super::source_tree::SourceTree;
use crate::recording::Formulas;
use crate::series::Patch;
use crate::subject;
use std::path::Path;

/// Those of a working copy from which a kernel was built just now.
pub(super) fn of_tree(tree: &Path) -> Formulas {
    subject::formulas(|path| tree.text(path))
}

/// `image` with its formulas, which an older damonlab did not keep. A tree without a ref may have changed since it was
/// listed, so those of its image stay unknown.
pub(super) fn completed(
    image: Image,
    request: &BuildRequest,
    source: &SourceTree,
    patches: &[Patch],
    cache: &Path,
) -> Image {
    if image.formulas.is_some() || source.known_by().is_none() {
        return image;
    }
    let Ok(applied) = source.apply(patches, request.rules()) else { return image };
    let formulas = subject::formulas(|path| match applied.touched.get(path) {
        Some(after) => after.as_ref().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()),
        None => source.text(path),
    });
    // A cache that cannot be written is read: then the next run looks again.
    let _ = image::store_formulas(cache, &image.key, &formulas);
    Image { formulas: Some(formulas), ..image }
}
