//! What is read of a kernel's source for its image: the words that DAMON has there, and how it computes what the oracle
//! replays. Looked up where the kernel is built; `late_facts.rs` looks again where an older damonlab did not keep them.

use super::inspect::Tree;
use crate::recording::Formulas;
use crate::scenario::source_words;
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
    pub(super) fn of(text: impl Fn(&str) -> Option<String>) -> SourceFacts {
        SourceFacts { words: Some(source_words(&text)), formulas: Some(subject::formulas(&text)) }
    }

    /// Those of a working copy from which a kernel was built just now.
    pub(super) fn of_tree(tree: &Path) -> SourceFacts {
        SourceFacts::of(|path| tree.text(path))
    }

    pub(super) fn is_complete(&self) -> bool {
        self.words.is_some() && self.formulas.is_some()
    }
}
