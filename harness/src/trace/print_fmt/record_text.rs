//! The text of a record, as far as it can be computed: what only the running kernel knows, such as a hashed pointer, is a gap.

use std::fmt;

/// Known parts of a text, with gaps between them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RecordText {
    /// The known parts; there is a gap between two of them.
    parts: Vec<String>,
}

impl RecordText {
    pub(super) fn new() -> RecordText {
        RecordText { parts: vec![String::new()] }
    }

    pub(super) fn push(&mut self, text: &str) {
        if let Some(last) = self.parts.last_mut() {
            last.push_str(text);
        }
    }

    pub(super) fn push_gap(&mut self) {
        self.parts.push(String::new());
    }

    /// The length of all that is known.
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(String::len).sum()
    }

    /// Whether a text has all that is known in its order, and nothing but gaps between.
    pub(crate) fn fits(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.parts.as_slice() else {
            return self.parts.iter().all(|only| only == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for part in middle {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

impl fmt::Display for RecordText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join("..."))
    }
}
