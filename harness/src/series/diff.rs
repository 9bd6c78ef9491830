//! A unified diff: its files, their hunks, and what they do.

use super::reach;
use std::collections::BTreeSet;

/// The lines of one patch that git would apply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// The files that it changes, in its order.
    pub files: Vec<FileDiff>,
}

/// What happens to one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileDiff {
    /// Everything before the first hunk, as it stands there; all of it for a binary patch.
    pub header: Vec<Vec<u8>>,
    /// Its name before; none for a new file.
    pub old: Option<String>,
    /// Its name after; none for one that goes.
    pub new: Option<String>,
    /// Its hunks.
    pub hunks: Vec<Hunk>,
    /// It has `---` and `+++`, so it needs a hunk.
    pub(super) named: bool,
}

/// A hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The line of the text in which its header stands, from 1.
    pub place: usize,
    /// The first line in the old file, from 1; 0 for an empty one.
    pub old_start: usize,
    /// The first line in the new file.
    pub new_start: usize,
    /// What stands behind the second `@@`.
    pub heading: Vec<u8>,
    /// Its lines with their marks.
    pub lines: Vec<Vec<u8>>,
}

impl Hunk {
    /// Its lines that begin with a mark that `keep` wants, without that mark.
    fn marked(&self, keep: &[u8]) -> Vec<&[u8]> {
        // A context line that is empty may have lost its blank; git takes it all the same.
        let part = |line: &'_ Vec<u8>| keep.contains(line.first().unwrap_or(&b' '));
        self.lines.iter().filter(|line| part(line)).map(|line| line.get(1..).unwrap_or_default()).collect()
    }

    /// What it wants to find.
    pub fn before(&self) -> Vec<&[u8]> {
        self.marked(b" -\r")
    }

    /// What it leaves.
    pub fn after(&self) -> Vec<&[u8]> {
        self.marked(b" +\r")
    }

    /// How many lines of context it begins and ends with.
    pub fn context(&self) -> (usize, usize) {
        let counted: Vec<bool> = self
            .lines
            .iter()
            .filter(|line| line.first() != Some(&b'\\'))
            .map(|line| matches!(line.first(), None | Some(b' ' | b'\r')))
            .collect();
        let run = |context: &mut dyn Iterator<Item = &bool>| context.take_while(|context| **context).count();
        (run(&mut counted.iter()), run(&mut counted.iter().rev()))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (old, new) = (self.before().len(), self.after().len());
        out.extend(format!("@@ -{},{old} +{},{new} @@", self.old_start, self.new_start).bytes());
        out.extend(&self.heading);
        out.push(b'\n');
        for line in &self.lines {
            out.extend(line);
            out.push(b'\n');
        }
    }
}

impl Diff {
    /// It as text, for `git apply`.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for file in &self.files {
            for line in &file.header {
                out.extend(line);
                out.push(b'\n');
            }
            file.hunks.iter().for_each(|hunk| hunk.write(&mut out));
        }
        out
    }

    /// The files that it reads or writes.
    pub fn paths(&self) -> BTreeSet<String> {
        self.files.iter().flat_map(|file| [&file.old, &file.new]).flatten().cloned().collect()
    }

    /// The tracepoints that it adds.
    pub fn events_added(&self) -> BTreeSet<String> {
        let lines = self.files.iter().flat_map(|file| &file.hunks).flat_map(|hunk| hunk.marked(b"+"));
        let event = |line: &[u8]| {
            let text = std::str::from_utf8(line).ok()?.strip_prefix("TRACE_EVENT(")?;
            Some(text.trim_end().trim_end_matches(',').to_owned())
        };
        lines.filter_map(event).collect()
    }
}

/// Whether every file that `diff` names is one of the tree.
///
/// # Errors
/// The name, and why it is none.
pub fn check(diff: &Diff) -> Result<(), (String, &'static str)> {
    diff.paths().into_iter().try_for_each(|path| reach::inside(&path).map_err(|why| (path, why)))
}
