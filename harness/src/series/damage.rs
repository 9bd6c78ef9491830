//! What mail programs and web pages do to patches, and what to tell whoever has to get a whole one.

use crate::host::text::excerpt;
use std::fmt;

/// A place at which a patch is not what its author made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The line, from 1.
    pub line: usize,
    /// What stands there.
    pub text: String,
    /// What is wrong with it.
    pub harm: Harm,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// A line of a hunk has no mark.
    Unmarked {
        /// How many from there on have none.
        lines: usize,
        /// There is a tab somewhere.
        tabs: bool,
    },
    /// A long line of a hunk was broken in two.
    Wrapped,
    /// A hunk is shorter than its header says.
    Cut {
        /// The line of its header.
        hunk: usize,
        /// How many lines are not there.
        lines: usize,
    },
    /// A hunk is longer than its header says.
    TooMany,
    /// A header of a file or of a hunk that is none.
    Header,
    /// A file's header without anything behind it.
    NoHunk,
    /// A binary file of which only its name was sent.
    NoContent,
    /// The diff of a merge, which has two parents.
    Merge,
}

impl Damage {
    /// `harm` in line `at`, counted from 0, of `lines`.
    pub fn at(lines: &[&[u8]], at: usize, harm: Harm) -> Damage {
        let text = lines.get(at).map(|line| excerpt(&String::from_utf8_lossy(line))).unwrap_or_default();
        Damage { line: at + 1, text, harm }
    }

    /// It was made so, and not damaged on its way.
    fn by_its_author(&self) -> bool {
        matches!(self.harm, Harm::NoContent | Harm::Merge)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.by_its_author() {
            f.write_str("it was damaged on its way: ")?;
        }
        write!(f, "line {}", self.line)?;
        if !self.text.is_empty() {
            write!(f, " ('{}')", self.text.trim_end())?;
        }
        match self.harm {
            Harm::Unmarked { lines, tabs } => {
                f.write_str(" is in a hunk and begins with neither a blank nor '+' nor '-'")?;
                match lines {
                    0 | 1 => f.write_str(": the blanks at its beginning are lost")?,
                    _ => write!(f, "; so do {} more: the blanks at their beginnings are lost", lines - 1)?,
                }
                if !tabs {
                    f.write_str(", and every tab with them")?;
                }
            }
            Harm::Wrapped => f.write_str(" is the rest of the line before it, which was wrapped")?,
            Harm::Cut { hunk, lines } => {
                write!(f, " comes {lines} lines too early: the hunk of line {hunk} says that it has more")?;
            }
            Harm::TooMany => f.write_str(" is one more than its hunk says that it has")?,
            Harm::Header => f.write_str(" is no header of a hunk or a file, and stands where one must be")?,
            Harm::NoHunk => f.write_str(" ends a file that has a header and no change")?,
            Harm::NoContent => {
                f.write_str(": a binary file without its content; `git format-patch --binary` sends it")?
            }
            Harm::Merge => {
                f.write_str(": the diff of a merge has two parents; send its commits one by one")?
            }
        }
        Ok(())
    }
}

/// What to do about a patch that was damaged.
pub const GET_IT_WHOLE: &str = "damonlab does not guess what stood there: take the message as it was sent, by \
    `b4 am MESSAGE-ID`, or with the link `raw` or `mbox.gz` of its page at lore.kernel.org";

impl Damage {
    /// What to do about it.
    pub fn advice(&self) -> Option<&'static str> {
        (!self.by_its_author()).then_some(GET_IT_WHOLE)
    }
}
