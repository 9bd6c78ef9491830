//! What is read of a kernel's source for its image: the words that DAMON has there, and how it computes what the oracle
//! replays. Looked up where the kernel is built, and once more for an image of which an older damonlab did not keep them.

use super::image::{self, Image};
use super::inspect::Tree;
use super::request::BuildRequest;
use super::source_tree::SourceTree;
use crate::recording::Formulas;
use crate::scenario::source_words;
use crate::series::Patch;
use crate::subject;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// All of it; each is none where the source is not known, or was not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFacts {
    /// The words of the source for DAMON, `KIND.WORD` each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Vec<String>>,
    /// How the source computes what the oracle replays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formulas: Option<Formulas>,
}

impl SourceFacts {
    /// Those of a source; `text` is the text of a file of it.
    fn of(text: impl Fn(&str) -> Option<String>) -> SourceFacts {
        SourceFacts { words: Some(source_words(&text)), formulas: Some(subject::formulas(&text)) }
    }

    /// Those of a working copy from which a kernel was built just now.
    pub(super) fn of_tree(tree: &Path) -> SourceFacts {
        SourceFacts::of(|path| tree.text(path))
    }

    fn is_complete(&self) -> bool {
        self.words.is_some() && self.formulas.is_some()
    }
}

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
