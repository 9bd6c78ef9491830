//! What mail programs and web pages do to patches, and how to get an undamaged one.

use crate::host::text::excerpt;
use std::fmt;

/// A place at which a patch differs from what its author sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The line, from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
    /// What is wrong with it.
    pub kind: DamageKind,
}

/// What is wrong with a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DamageKind {
    /// A line of a hunk has no mark.
    Unmarked {
        /// How many lines from there on have none.
        lines: usize,
        /// Whether the patch has a tab anywhere.
        tabs: bool,
    },
    /// A long line of a hunk was broken in two.
    Wrapped,
    /// A hunk has fewer lines than its header says.
    Cut {
        /// The line of its header.
        hunk: usize,
        /// How many lines are missing.
        lines: usize,
    },
    /// A hunk has more lines than its header says.
    TooMany,
    /// A malformed header of a file or a hunk.
    Header,
    /// A header of a file without a change after it.
    NoHunk,
    /// A binary file of which only the name was sent.
    NoContent,
    /// The diff of a merge, which has two parents.
    Merge,
}

impl Damage {
    /// Damage in line `at`, counted from 0, of `lines`.
    pub fn at(lines: &[&[u8]], at: usize, kind: DamageKind) -> Damage {
        let text = lines.get(at).map(|line| excerpt(&String::from_utf8_lossy(line))).unwrap_or_default();
        Damage { line: at + 1, text, kind }
    }

    /// Whether the author sent it so.
    fn is_the_authors(&self) -> bool {
        matches!(self.kind, DamageKind::NoContent | DamageKind::Merge)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_the_authors() {
            f.write_str("it was damaged in transit: ")?;
        }
        write!(f, "line {}", self.line)?;
        if !self.text.is_empty() {
            write!(f, " ('{}')", self.text.trim_end())?;
        }
        match self.kind {
            DamageKind::Unmarked { lines, tabs } => {
                f.write_str(" is in a hunk and begins with neither a blank nor '+' nor '-'")?;
                match lines {
                    0 | 1 => f.write_str(": its leading blanks are lost")?,
                    _ => write!(f, "; so do {} more lines: their leading blanks are lost", lines - 1)?,
                }
                if !tabs {
                    f.write_str(", and every tab with them")?;
                }
            }
            DamageKind::Wrapped => f.write_str(" is the end of the line before it, which was wrapped")?,
            DamageKind::Cut { hunk, lines } => {
                write!(
                    f,
                    " comes {lines} lines too early: the header in line {hunk} announces a longer hunk"
                )?;
            }
            DamageKind::TooMany => f.write_str(" exceeds the length in the header of its hunk")?,
            DamageKind::Header => {
                f.write_str(" is not a valid header of a hunk or a file, where one is needed")?
            }
            DamageKind::NoHunk => f.write_str(" ends a file with a header and no change")?,
            DamageKind::NoContent => {
                f.write_str(": a binary file without its content; `git format-patch --binary` sends it")?
            }
            DamageKind::Merge => {
                f.write_str(": the diff of a merge has two parents; use the patches of its commits")?
            }
        }
        Ok(())
    }
}

/// What to do about a damaged patch.
pub const FETCH_AGAIN: &str = "damonlab does not guess the lost text: fetch the message as it was sent, with \
    `b4 am MESSAGE-ID` or by the `raw` or `mbox.gz` link of its page at lore.kernel.org";

impl Damage {
    /// What to do about the damage.
    pub fn advice(&self) -> Option<&'static str> {
        (!self.is_the_authors()).then_some(FETCH_AGAIN)
    }
}
