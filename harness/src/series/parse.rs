//! The parser of unified diffs. It is strict: what `git apply` would skip or guess is reported as damage.
//!
//! `git apply` takes text between diffs for commentary. In a patch that went through a mail program such a line may be half
//! of a wrapped one, so a hunk must have the lines that its header announces, and no similar line after it.

use super::damage::{Damage, DamageKind};
use super::diff::{Diff, FileDiff, Hunk};
use super::names;

impl Diff {
    /// The diff in `text` without the text around it; none if there is no diff.
    ///
    /// # Errors
    /// The diff is damaged.
    pub fn parse(text: &[u8]) -> Result<Option<Diff>, Damage> {
        let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        if lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        let Some(start) = (0..lines.len()).find(|at| begins(&lines, *at)) else { return Ok(None) };
        let mut reader = Reader { lines, at: start, files: Vec::new(), state: State::Commentary };
        reader.read()?;
        Ok((!reader.files.is_empty()).then_some(Diff { files: reader.files }))
    }

    /// Whether git would read exactly this diff from `text`.
    pub fn verbatim(&self, text: &[u8]) -> bool {
        Diff::parse(text).is_ok_and(|found| found.is_some_and(|found| found.bytes() == self.bytes()))
    }
}

/// Whether a diff begins in line `at`.
fn begins(lines: &[&[u8]], at: usize) -> bool {
    let next = |prefix: &[u8]| lines.get(at + 1).is_some_and(|line| line.starts_with(prefix));
    let line = lines[at];
    [b"diff --git ".as_slice(), b"diff --cc ", b"diff --combined "]
        .iter()
        .any(|prefix| line.starts_with(prefix))
        || (line.starts_with(b"--- ") && next(b"+++ "))
}

/// The part of the text that is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Text between diffs.
    Commentary,
    /// Between `diff --git` and the first hunk.
    Header,
    /// Directly after a hunk.
    AfterHunk,
}

struct Reader<'a> {
    lines: Vec<&'a [u8]>,
    at: usize,
    files: Vec<FileDiff>,
    state: State,
}

/// The lines of git's header that change something or name a file.
const EXTENDED: [&str; 11] = [
    "index ",
    "old mode ",
    "new mode ",
    "deleted file mode ",
    "new file mode ",
    "copy from ",
    "copy to ",
    "rename from ",
    "rename to ",
    "similarity index ",
    "dissimilarity index ",
];

impl<'a> Reader<'a> {
    fn read(&mut self) -> Result<(), Damage> {
        while self.at < self.lines.len() {
            self.line(self.lines[self.at])?;
        }
        self.end_of_file_diff()
    }

    fn line(&mut self, line: &'a [u8]) -> Result<(), Damage> {
        if line.starts_with(b"diff --git ") {
            return self.git_header(line);
        }
        if line.starts_with(b"diff --c") && begins(&self.lines, self.at) {
            return Err(self.damage(DamageKind::Merge));
        }
        if line.starts_with(b"--- ") && begins(&self.lines, self.at) {
            return self.names(line);
        }
        if line.starts_with(b"@@ ") {
            return self.hunk(line);
        }
        if line.starts_with(b"@@") {
            return Err(self.damage(DamageKind::Header));
        }
        match self.state {
            State::Header => self.header(line)?,
            State::AfterHunk if line.is_empty() || is_signature(line) => self.state = State::Commentary,
            State::AfterHunk if matches!(line[0], b'+' | b'-' | b' ' | b'\t') => {
                return Err(self.damage(DamageKind::TooMany));
            }
            State::AfterHunk => self.state = State::Commentary,
            State::Commentary => {}
        }
        self.at += 1;
        Ok(())
    }

    fn git_header(&mut self, line: &[u8]) -> Result<(), Damage> {
        self.end_of_file_diff()?;
        let text = self.utf8(line)?;
        let name = names::of_git_line(&text["diff --git ".len()..]);
        let file = FileDiff { header: vec![line.to_vec()], ..FileDiff::default() };
        // A change of mode only and an empty file have no other line with their name.
        self.files.push(FileDiff { old: name.clone(), new: name, ..file });
        (self.state, self.at) = (State::Header, self.at + 1);
        Ok(())
    }

    fn names(&mut self, line: &[u8]) -> Result<(), Damage> {
        if self.state != State::Header || self.files.last().is_some_and(|file| file.named) {
            self.end_of_file_diff()?;
            self.files.push(FileDiff::default());
        }
        let next = self.lines[self.at + 1];
        let (old, new) = (self.utf8(line)?, self.utf8(next)?);
        let (old, new) = (names::of_file_line(&old[4..]), names::of_file_line(&new[4..]));
        if old.is_none() && new.is_none() {
            return Err(self.damage(DamageKind::Header));
        }
        if let Some(file) = self.files.last_mut() {
            file.header.extend([line.to_vec(), next.to_vec()]);
            (file.old, file.new, file.named) = (old, new, true);
        }
        (self.state, self.at) = (State::Header, self.at + 2);
        Ok(())
    }

    /// A line of a header, but not `---` or `+++`.
    fn header(&mut self, line: &[u8]) -> Result<(), Damage> {
        let text = self.utf8(line)?;
        let named = self.files.last().is_some_and(|file| file.named);
        if named {
            return Err(self.damage(DamageKind::Header));
        }
        if text.starts_with("Binary files ") {
            return Err(self.damage(DamageKind::NoContent));
        }
        if text.starts_with("GIT binary patch") {
            return self.binary();
        }
        if !EXTENDED.iter().any(|prefix| text.starts_with(prefix)) {
            // An empty file, a change of mode, or a header that lost its names.
            self.end_of_file_diff()?;
            self.state = State::Commentary;
            return Ok(());
        }
        if let Some(file) = self.files.last_mut() {
            file.header.push(line.to_vec());
            let name = |prefix: &str| text.strip_prefix(prefix).map(names::of_rename_line);
            if let Some(name) = name("rename from ").or_else(|| name("copy from ")) {
                file.old = name;
            } else if let Some(name) = name("rename to ").or_else(|| name("copy to ")) {
                file.new = name;
            } else if text.starts_with("new file mode ") {
                file.old = None;
            } else if text.starts_with("deleted file mode ") {
                file.new = None;
            }
        }
        Ok(())
    }

    /// Two blocks of base85, each followed by an empty line. The caller continues after the last line taken.
    fn binary(&mut self) -> Result<(), Damage> {
        let mut taken = vec![self.lines[self.at].to_vec()];
        while let Some(block) = self.lines.get(self.at + 1)
            && [b"literal ".as_slice(), b"delta "].iter().any(|prefix| block.starts_with(prefix))
        {
            while let Some(line) = self.lines.get(self.at + 1) {
                taken.push(line.to_vec());
                self.at += 1;
                if line.is_empty() {
                    break;
                }
            }
        }
        if let Some(file) = self.files.last_mut() {
            file.header.extend(taken);
        }
        self.state = State::Commentary;
        Ok(())
    }

    fn hunk(&mut self, line: &'a [u8]) -> Result<(), Damage> {
        let in_file = self.state != State::Commentary && self.files.last().is_some_and(|file| file.named);
        // git cuts a heading after 80 bytes, even in the middle of a character.
        let head = numbers(&String::from_utf8_lossy(line));
        let (Some(head), true) = (head, in_file) else { return Err(self.damage(DamageKind::Header)) };
        let heading =
            line.windows(3).skip(3).position(|window| window == b" @@").map_or(line.len(), |at| at + 6);
        let number = self.at + 1;
        self.at += 1;
        let lines = self.hunk_lines(number, head.old, head.new)?;
        let heading = line[heading..].to_vec();
        let hunk =
            Hunk { line: number, old_start: head.old_start, new_start: head.new_start, heading, lines };
        if let Some(file) = self.files.last_mut() {
            file.hunks.push(hunk);
        }
        self.state = State::AfterHunk;
        Ok(())
    }

    /// The next `old` lines of the old file and `new` lines of the new one, with their marks.
    fn hunk_lines(&mut self, header: usize, mut old: usize, mut new: usize) -> Result<Vec<Vec<u8>>, Damage> {
        let mut taken = Vec::new();
        while old > 0 || new > 0 {
            let Some(line) = self.lines.get(self.at).copied() else { return Err(self.cut(header, old, new)) };
            let counted = match line.first() {
                // An empty context line may have lost its blank; git accepts it.
                None | Some(b' ' | b'\r') => step(&mut old).and_then(|()| step(&mut new)),
                Some(b'-') => step(&mut old),
                Some(b'+') => step(&mut new),
                Some(b'\\') => Some(()),
                _ if begins(&self.lines, self.at) || line.starts_with(b"@@ -") => None,
                _ if self.is_after_signature() => None,
                _ => return Err(self.unmarked()),
            };
            if counted.is_none() {
                return Err(self.cut(header, old, new));
            }
            taken.push(line.to_vec());
            self.at += 1;
        }
        if let Some(line) = self.lines.get(self.at).filter(|line| line.starts_with(b"\\ ")) {
            taken.push(line.to_vec());
            self.at += 1;
        }
        Ok(taken)
    }

    /// Whether the line is git's version after a signature: a cut hunk has taken the line before it for its own.
    fn is_after_signature(&self) -> bool {
        let version = |line: &[u8]| line.first().is_some_and(u8::is_ascii_digit) && line.contains(&b'.');
        self.at > 0 && is_signature(self.lines[self.at - 1]) && version(self.lines[self.at])
    }

    fn end_of_file_diff(&self) -> Result<(), Damage> {
        let Some(file) = self.files.last() else { return Ok(()) };
        let unchanged = file.header.len() < 2 || (file.named && file.hunks.is_empty());
        let nameless = file.old.is_none() && file.new.is_none();
        match unchanged || nameless {
            true => Err(Damage {
                line: self.at.min(self.lines.len()),
                text: String::new(),
                kind: DamageKind::NoHunk,
            }),
            false => Ok(()),
        }
    }

    fn utf8(&self, line: &[u8]) -> Result<String, Damage> {
        String::from_utf8(line.to_vec()).map_err(|_| self.damage(DamageKind::Header))
    }

    fn damage(&self, kind: DamageKind) -> Damage {
        Damage::at(&self.lines, self.at, kind)
    }

    fn cut(&self, header: usize, old: usize, new: usize) -> Damage {
        self.damage(DamageKind::Cut { hunk: header, lines: old.max(new) })
    }

    fn unmarked(&self) -> Damage {
        let lost = self.lines[self.at..].iter().filter(|line| {
            !line.is_empty()
                && !matches!(line[0], b' ' | b'+' | b'-' | b'\\' | b'@')
                && !line.starts_with(b"diff ")
        });
        let wrapped = self.at > 0 && {
            let first = self.lines[self.at].split(|byte| *byte == b' ').next().unwrap_or_default();
            let before = self.lines[self.at - 1];
            !before.starts_with(b"@@") && before.len() + first.len() >= 66
        };
        let tabs = self.lines.iter().any(|line| line.contains(&b'\t'));
        self.damage(if wrapped {
            DamageKind::Wrapped
        } else {
            DamageKind::Unmarked { lines: lost.count(), tabs }
        })
    }
}

fn step(left: &mut usize) -> Option<()> {
    *left = left.checked_sub(1)?;
    Some(())
}

/// Whether it is the line that mail programs put before a signature, with its blank or without.
fn is_signature(line: &[u8]) -> bool {
    matches!(line, b"-- " | b"--" | b"-- \r" | b"--\r")
}

struct Numbers {
    old_start: usize,
    old: usize,
    new_start: usize,
    new: usize,
}

/// The numbers of `@@ -1,2 +3,4 @@`; a missing count is 1.
fn numbers(line: &str) -> Option<Numbers> {
    let (old, rest) = line.strip_prefix("@@ -")?.split_once(" +")?;
    let (new, _) = rest.split_once(" @@")?;
    let pair = |text: &str| -> Option<(usize, usize)> {
        let (start, count) = text.split_once(',').unwrap_or((text, "1"));
        // No file that is read has more lines.
        let (start, count) = (start.parse::<u32>().ok()?, count.parse::<u32>().ok()?);
        Some((usize::try_from(start).ok()?, usize::try_from(count).ok()?))
    };
    let ((old_start, old), (new_start, new)) = (pair(old)?, pair(new)?);
    Some(Numbers { old_start, old, new_start, new })
}
