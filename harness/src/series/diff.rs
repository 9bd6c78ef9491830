//! A unified diff: files, hunks and their lines.

use super::tree_paths;
use std::collections::BTreeSet;

/// The part of a patch that git applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// The files that it changes, in its order.
    pub files: Vec<FileDiff>,
}

/// What happens to one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileDiff {
    /// All lines before the first hunk; all lines of a binary patch.
    pub header: Vec<Vec<u8>>,
    /// The old name; none for a new file.
    pub old: Option<String>,
    /// The new name; none for a file that is removed.
    pub new: Option<String>,
    /// Its hunks.
    pub hunks: Vec<Hunk>,
    /// Whether it has `---` and `+++`, so that it needs a hunk.
    pub(super) named: bool,
}

/// A hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The line of its header in the text, from 1.
    pub line: usize,
    /// The first line in the old file, from 1; 0 for an empty one.
    pub old_start: usize,
    /// The first line in the new file.
    pub new_start: usize,
    /// The text after the second `@@`.
    pub heading: Vec<u8>,
    /// Its lines with their marks.
    pub lines: Vec<Vec<u8>>,
}

impl Hunk {
    /// Its lines with one of `marks`, without the mark.
    fn marked(&self, marks: &[u8]) -> Vec<&[u8]> {
        // An empty context line may have lost its blank; git accepts it.
        let part = |line: &'_ Vec<u8>| marks.contains(line.first().unwrap_or(&b' '));
        self.lines.iter().filter(|line| part(line)).map(|line| line.get(1..).unwrap_or_default()).collect()
    }

    /// The lines that it replaces.
    pub fn before(&self) -> Vec<&[u8]> {
        self.marked(b" -\r")
    }

    /// The lines that it puts in their place.
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
    /// Its text, for `git apply`.
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

/// Checks that every file that `diff` names is inside the tree.
///
/// # Errors
/// The name, and why it is refused.
pub fn check(diff: &Diff) -> Result<(), (String, &'static str)> {
    diff.paths().into_iter().try_for_each(|path| tree_paths::check_path(&path).map_err(|why| (path, why)))
}
