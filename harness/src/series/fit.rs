//! Where hunks fit into a file: as they are, moved, or with less of their context, but never where two places match.

use super::diff::Hunk;
use std::fmt;

/// How many lines of context stay on each side when some are left out; one is the least.
const LESS_CONTEXT: [usize; 2] = [2, 1];

/// Where a hunk fits that does not fit exactly where its header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// Which hunk of its file, from 1.
    pub hunk: usize,
    /// The line, from 1, where it fits.
    pub line: usize,
    /// By how many lines it moved, relative to the hunks before it.
    pub moved: i64,
    /// How many lines of context were left out at its beginning and its end.
    pub without: (usize, usize),
    /// At how many places it fits; more than one only with all of its context.
    pub places: usize,
    /// It began its file, and now follows other lines: git would refuse it.
    pub was_first: bool,
}

impl Fit {
    /// Whether all of its context matches, at one place only.
    pub fn is_exact(&self) -> bool {
        self.without == (0, 0) && self.places == 1 && !self.was_first
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hunk {} at line {}", self.hunk, self.line)?;
        if self.moved != 0 {
            write!(f, ", moved by {} lines", self.moved)?;
        }
        if self.was_first {
            f.write_str(", no longer at the beginning of its file")?;
        }
        if self.places > 1 {
            write!(f, "; its context matches at {} places, and this is the nearest", self.places)?;
        }
        match self.without {
            (0, 0) => Ok(()),
            (first, last) => write!(f, ", without {first} lines of context before it and {last} after it"),
        }
    }
}

/// Why a hunk does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// Not even with the least context.
    Nowhere {
        /// Which hunk of its file, from 1.
        hunk: usize,
    },
    /// With less context at more than one place.
    Ambiguous {
        /// Which hunk of its file, from 1.
        hunk: usize,
        /// The lines, from 1.
        lines: Vec<usize>,
    },
    /// It would fit if tabs and blanks were equal.
    Blanks {
        /// Which hunk of its file, from 1.
        hunk: usize,
        /// The line, from 1.
        line: usize,
    },
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misfit::Nowhere { hunk } => {
                write!(f, "hunk {hunk} fits nowhere, not even with one line of context")
            }
            Misfit::Ambiguous { hunk, lines } => {
                let lines: Vec<String> = lines.iter().take(5).map(usize::to_string).collect();
                write!(f, "hunk {hunk} fits with less context at several places (lines {})", lines.join(", "))
            }
            Misfit::Blanks { hunk, line } => write!(
                f,
                "hunk {hunk} differs from line {line} only in blanks and tabs: they were changed in transit"
            ),
        }
    }
}

/// The `hunks` of one file with the places where they fit into `file`, and a [`Fit`] for each that does not fit exactly
/// where its header says.
///
/// # Errors
/// The first hunk that does not fit at exactly one place.
pub fn fit(file: &[u8], hunks: &[Hunk]) -> Result<(Vec<Hunk>, Vec<Fit>), Misfit> {
    let mut lines: Vec<&[u8]> = file.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let (mut fitted, mut inexact) = (Vec::new(), Vec::new());
    // Where the previous hunk ends in the file, and how far the hunks so far have moved.
    let (mut end, mut off) = (0, 0i64);
    // By how many lines the previous hunks make the file longer.
    let mut grown = 0i64;
    for (index, hunk) in hunks.iter().enumerate() {
        let (mut hunk, place) = place(&lines, end, off, index + 1, hunk)?;
        let size = hunk.before().len();
        // git looks for a hunk at its line in the new file.
        let start = i64::try_from(hunk.new_start).unwrap_or(i64::MAX).saturating_add(grown);
        hunk.new_start = usize::try_from(start).unwrap_or(0);
        grown += length(hunk.after().len()) - length(size);
        end = place.line - 1 + size;
        off += place.moved;
        if place.moved != 0 || !place.is_exact() {
            inexact.push(place);
        }
        fitted.push(hunk);
    }
    Ok((fitted, inexact))
}

fn place(lines: &[&[u8]], end: usize, off: i64, number: usize, hunk: &Hunk) -> Result<(Hunk, Fit), Misfit> {
    let wanted = hunk.before();
    let expected = i64::try_from(hunk.old_start.saturating_sub(1)).unwrap_or(i64::MAX).saturating_add(off);
    let away = |at: usize| i64::try_from(at).unwrap_or(i64::MAX) - expected;
    let fit = |at: usize, moved, without| Fit {
        hunk: number,
        line: at + 1,
        moved,
        without,
        places: 1,
        was_first: false,
    };
    let whole = places(lines, end, &wanted, |a, b| a == b);
    if let Some(at) = whole.iter().copied().min_by_key(|at| away(*at).abs()) {
        // At the line of its header it is meant, however many other places match.
        let places = if away(at) == 0 { 1 } else { whole.len() };
        let was_first = hunk.old_start <= 1 && at > 0;
        return Ok((moved(hunk, at, (0, 0)), Fit { places, was_first, ..fit(at, away(at), (0, 0)) }));
    }
    if wanted.iter().any(|line| !squeezed(line).is_empty())
        && let Some(at) = places(lines, end, &wanted, |a, b| squeezed(a) == squeezed(b)).first()
    {
        return Err(Misfit::Blanks { hunk: number, line: at + 1 });
    }
    let (first, last) = hunk.context();
    for keep in LESS_CONTEXT {
        let without = (first.saturating_sub(keep), last.saturating_sub(keep));
        if without == (0, 0) || first == 0 || last == 0 {
            continue;
        }
        // Where nothing changes, all lines are context before and after, and less of it is nothing.
        let Some(some) = wanted.get(without.0..wanted.len().saturating_sub(without.1)) else { continue };
        match places(lines, end, some, |a, b| a == b).as_slice() {
            [] => {}
            [at] => {
                let from = i64::try_from(without.0).unwrap_or(0);
                return Ok((moved(hunk, *at, without), fit(*at, away(*at) - from, without)));
            }
            several => {
                let lines = several.iter().map(|at| at + 1).collect();
                return Err(Misfit::Ambiguous { hunk: number, lines });
            }
        }
    }
    Err(Misfit::Nowhere { hunk: number })
}

fn length(lines: usize) -> i64 {
    i64::try_from(lines).unwrap_or(i64::MAX)
}

/// The places of `wanted` in `lines`, from line `end` on, counted from 0.
fn places(lines: &[&[u8]], end: usize, wanted: &[&[u8]], same: impl Fn(&[u8], &[u8]) -> bool) -> Vec<usize> {
    let Some(last) = lines.len().checked_sub(wanted.len()) else { return Vec::new() };
    if wanted.is_empty() {
        return if lines.is_empty() { vec![0] } else { Vec::new() };
    }
    (end..=last).filter(|at| wanted.iter().zip(&lines[*at..]).all(|(a, b)| same(a, b))).collect()
}

fn squeezed(line: &[u8]) -> Vec<u8> {
    line.iter().filter(|byte| !byte.is_ascii_whitespace()).copied().collect()
}

/// `hunk` at line `at`, without that many lines of its context.
fn moved(hunk: &Hunk, at: usize, without: (usize, usize)) -> Hunk {
    let mut lines = hunk.lines.clone();
    if without.1 > 0 {
        // A note about the last line is removed with it.
        lines.retain(|line| line.first() != Some(&b'\\'));
        lines.truncate(lines.len() - without.1);
    }
    lines.drain(..without.0);
    let start = if hunk.old_start == 0 { 0 } else { at + 1 };
    Hunk { old_start: start, new_start: start, lines, ..hunk.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Diff;

    const FILE: &[u8] = b"a\nb\nc\nd\ne\nf\ng\nh\n";

    /// The inexact fits of the hunks of a diff, as text.
    fn inexact(hunk: &str, file: &[u8]) -> Result<Vec<String>, Misfit> {
        let text = format!("--- a/x\n+++ b/x\n{hunk}");
        let diff = Diff::parse(text.as_bytes()).unwrap().unwrap();
        fit(file, &diff.files[0].hunks).map(|(_, fits)| fits.iter().map(Fit::to_string).collect())
    }

    #[test]
    fn a_hunk_at_its_line_is_exact_however_many_other_places_match() {
        let twice = [FILE, FILE].concat();
        assert_eq!(inexact("@@ -2,2 +2,3 @@\n b\n+x\n c\n", &twice), Ok(vec![]));
    }

    #[test]
    fn a_hunk_that_began_its_file_is_not_exact_elsewhere() {
        let wanted = "hunk 1 at line 3, moved by 2 lines, no longer at the beginning of its file";
        assert_eq!(inexact("@@ -1,2 +1,3 @@\n c\n+x\n d\n", FILE), Ok(vec![wanted.to_owned()]));
    }

    #[test]
    fn one_line_of_context_is_the_least_and_changed_lines_must_match() {
        let hunk = "@@ -2,4 +2,4 @@\n X\n c\n-d\n+D\n e\n";
        let wanted = "hunk 1 at line 3, without 1 lines of context before it and 0 after it";
        assert_eq!(inexact(hunk, FILE), Ok(vec![wanted.to_owned()]));
        assert_eq!(inexact(&hunk.replace("-d", "-x"), FILE), Err(Misfit::Nowhere { hunk: 1 }));
        assert_eq!(inexact(&hunk.replace(" e", " Y"), FILE), Err(Misfit::Nowhere { hunk: 1 }));
    }

    #[test]
    fn a_hunk_that_changes_nothing_fits_where_all_of_it_stands_or_nowhere() {
        assert_eq!(inexact("@@ -2,3 +2,3 @@\n b\n c\n d\n", FILE), Ok(vec![]));
        let hunk = "@@ -2,5 +2,5 @@\n b\n c\n X\n d\n e\n";
        assert_eq!(inexact(hunk, FILE), Err(Misfit::Nowhere { hunk: 1 }));
    }

    #[test]
    fn a_hunk_never_fits_before_the_previous_one() {
        let hunks = "@@ -5,2 +5,3 @@\n e\n+x\n f\n@@ -7,2 +8,3 @@\n a\n+y\n b\n";
        let fits = inexact(hunks, FILE);
        assert!(matches!(fits, Err(Misfit::Nowhere { hunk: 2 })), "{fits:?}");
    }
}
