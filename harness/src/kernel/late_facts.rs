//! The facts about the source of an image of which an older damonlab did not keep them.

use super::image::{self, Image};
use super::inspect::Tree;
use super::request::BuildRequest;
use super::source_facts::SourceFacts;
use super::source_tree::SourceTree;
use crate::series::Patch;
use std::path::Path;

/// `image` with all of its facts. A tree without a ref may have changed since it was listed, so what its image has no facts
/// about stays unknown.
pub(super) fn completed(
    image: Image,
    request: &BuildRequest,
    source: &SourceTree,
    patches: &[Patch],
    cache: &Path,
) -> Image {
    if image.facts.is_complete() || source.known_by().is_none() {
        return image;
    }
    let Ok(applied) = source.apply(patches, request.rules()) else { return image };
    let facts = SourceFacts::of(|path| match applied.touched.get(path) {
        Some(after) => after.as_ref().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()),
        None => source.text(path),
    });
    // A cache that cannot be written is read: then the next run looks again.
    let _ = image::store_facts(cache, &image.key, &facts);
    Image { facts, ..image }
}
