//! Parts of lines that several drawings have.

use damonlab_protocol::machine_view::NodeView;

/// A line's place in a tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Branch {
    pub(super) last: bool,
}

impl Branch {
    /// What comes before the line.
    pub(super) fn head(self) -> &'static str {
        if self.last { "└─ " } else { "├─ " }
    }

    /// What comes before the lines that belong to it.
    pub(super) fn below(self) -> &'static str {
        if self.last { "   " } else { "│  " }
    }
}

/// The kernel's name for a tier.
pub(super) fn tier_word(tier: u64) -> String {
    format!("memory_tier{tier}")
}

/// The tier of a node, as text.
pub(super) fn tier_of(view: &NodeView) -> String {
    view.tier.map_or_else(|| "no memory tier".to_owned(), tier_word)
}
