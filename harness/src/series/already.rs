//! Whether a file has what a diff makes of it, also where the file has since grown before or after it.
//!
//! `git apply -R` finds a change that is there, but expects a hunk without context before it at the beginning of the file,
//! and one without context after it at the end.

use super::diff::{FileDiff, Hunk};
use super::fit::{Fit, fit};
use super::reverse::reversed_hunk;
use std::slice;

/// Whether `file`, or its absence, is what `change` makes of it. What cannot be seen in a text (a mode, a name) is not.
pub fn has(file: Option<&[u8]>, change: &FileDiff) -> bool {
    let is_mode = |line: &Vec<u8>| line.starts_with(b"old mode ");
    match (&change.old, &change.new, file) {
        (None, Some(_), Some(file)) => is_all_of(file, &change.hunks),
        (Some(_), None, file) => file.is_none(),
        (Some(old), Some(new), Some(file)) if old == new && !change.header.iter().any(is_mode) => {
            has_hunks(file, &change.hunks)
        }
        _ => false,
    }
}

/// Whether the `hunks` of a new file make this `file`.
fn is_all_of(file: &[u8], hunks: &[Hunk]) -> bool {
    let [hunk] = hunks else { return false };
    let text = hunk.after().join(&b'\n');
    file.strip_suffix(b"\n").unwrap_or(file) == text
}

fn has_hunks(file: &[u8], hunks: &[Hunk]) -> bool {
    let backwards: Vec<Hunk> = hunks.iter().map(reversed_hunk).collect();
    // A place for each, with all of its context and nowhere else, in their order.
    let Ok((placed, inexact)) = fit(file, &backwards) else { return false };
    let is_whole = |fit: &Fit| fit.without == (0, 0) && fit.places == 1;
    !hunks.is_empty()
        && inexact.iter().all(is_whole)
        && hunks.iter().zip(&placed).all(|(hunk, placed)| is_done(file, hunk, placed))
}

/// Whether `hunk` has nothing left to do. `placed` is what it makes, where that is in `file`. Without context before or
/// after them, removed lines can still be there beside it; then the hunk fits at lines that are not all its own.
fn is_done(file: &[u8], hunk: &Hunk, placed: &Hunk) -> bool {
    let Some(at) = whole_place(file, hunk) else { return true };
    let own = placed.old_start..placed.old_start + placed.before().len();
    own.contains(&at) && at + hunk.before().len() <= own.end
}

/// The line, from 1, at which `hunk` fits with all of its context.
fn whole_place(file: &[u8], hunk: &Hunk) -> Option<usize> {
    let (placed, inexact) = fit(file, slice::from_ref(hunk)).ok()?;
    inexact.iter().all(|fit| fit.without == (0, 0)).then(|| placed.first().map(|hunk| hunk.old_start))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Diff;

    /// Whether `file` has the change.
    fn has_it(file: &str, hunks: &str) -> bool {
        has_file(Some(file), &format!("--- a/x\n+++ b/x\n{hunks}"))
    }

    fn has_file(file: Option<&str>, text: &str) -> bool {
        let diff = Diff::parse(text.as_bytes()).unwrap().unwrap();
        has(file.map(str::as_bytes), &diff.files[0])
    }

    const AT_THE_HEAD: &str = "@@ -1,2 +1,3 @@\n+new\n a\n b\n";
    const OUT_OF_THE_HEAD: &str = "@@ -1,3 +1,2 @@\n-old\n a\n b\n";
    const AT_THE_END: &str = "@@ -1,2 +1,3 @@\n a\n b\n+new\n";
    const OUT_OF_THE_END: &str = "@@ -1,3 +1,2 @@\n a\n b\n-old\n";

    #[test]
    fn lines_at_the_head_of_a_file_that_has_grown_before_them_are_there() {
        assert!(has_it("/* x */\nnew\na\nb\n", AT_THE_HEAD));
        assert!(!has_it("/* x */\na\nb\n", AT_THE_HEAD));
    }

    #[test]
    fn lines_at_the_end_of_a_file_that_has_grown_after_them_are_there() {
        assert!(has_it("a\nb\nnew\nx\n", AT_THE_END));
        assert!(!has_it("a\nb\nx\n", AT_THE_END));
    }

    #[test]
    fn lines_that_are_still_there_are_not_removed() {
        assert!(!has_it("/* x */\nold\na\nb\n", OUT_OF_THE_HEAD));
        assert!(has_it("/* x */\na\nb\n", OUT_OF_THE_HEAD));
        assert!(!has_it("a\nb\nold\nx\n", OUT_OF_THE_END));
        assert!(has_it("a\nb\nx\n", OUT_OF_THE_END));
    }

    #[test]
    fn a_change_that_could_be_at_two_places_is_not_there() {
        assert!(!has_it("x\nnew\na\nb\ny\nnew\na\nb\n", AT_THE_HEAD));
    }

    #[test]
    fn one_hunk_that_is_missing_is_enough() {
        let both = "@@ -1,2 +1,3 @@\n+new\n a\n b\n@@ -5,2 +6,3 @@\n e\n+more\n f\n";
        assert!(has_it("x\nnew\na\nb\nc\nd\ne\nmore\nf\n", both));
        assert!(!has_it("x\nnew\na\nb\nc\nd\ne\nf\n", both));
    }

    #[test]
    fn a_new_file_is_there_if_it_is_the_same_and_a_removed_one_if_it_is_gone() {
        let new = "--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n";
        assert!(has_file(Some("a\nb\n"), new));
        assert!(!has_file(Some("a\nb\nc\n"), new) && !has_file(None, new));
        let gone = "--- a/x\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n";
        assert!(has_file(None, gone));
        assert!(!has_file(Some("a\nb\n"), gone));
    }

    #[test]
    fn a_mode_is_not_seen() {
        let text = "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n--- a/x\n+++ b/x\n";
        assert!(!has_file(Some("y\nnew\na\nb\n"), &format!("{text}{AT_THE_HEAD}")));
    }
}
