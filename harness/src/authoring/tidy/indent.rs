//! Indentation: two columns a level, and the dash of an item two columns after its key.

/// Where a character stands: in quotes, in brackets, in a comment.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    depth: usize,
    quote: Option<char>,
    escaped: bool,
    comment: bool,
    last: Option<char>,
}

impl Scanner {
    /// Takes the next character of a line; `next` comes after it.
    pub(super) fn take(&mut self, c: char, next: Option<char>) {
        let begins_word = self.last.is_none_or(|last| " [{,:-".contains(last));
        match (self.quote, c) {
            _ if self.comment => {}
            (Some('"'), _) if self.escaped => self.escaped = false,
            (Some('"'), '\\') => self.escaped = true,
            (Some('\''), '\'') if next == Some('\'') && !self.escaped => self.escaped = true,
            (Some('\''), '\'') if self.escaped => self.escaped = false,
            (Some(quote), _) if quote == c => self.quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') if begins_word => self.quote = Some(c),
            (None, '#') if self.last.is_none_or(|last| last == ' ') => self.comment = true,
            (None, '[' | '{') if begins_word || self.depth > 0 => self.depth += 1,
            (None, ']' | '}') => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.last = Some(c);
    }

    /// A line has ended.
    pub(super) fn end_of_line(&mut self) {
        (self.comment, self.last, self.escaped) = (false, None, false);
    }

    /// How many brackets are open.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Neither in quotes nor in a comment.
    pub(super) fn is_plain(&self) -> bool {
        self.quote.is_none() && !self.comment
    }

    pub(super) fn is_comment(&self) -> bool {
        self.comment
    }

    pub(super) fn in_quotes(&self) -> bool {
        self.quote.is_some()
    }

    /// Neither in quotes nor in brackets.
    pub(super) fn is_outside(&self) -> bool {
        self.quote.is_none() && self.depth == 0
    }

    fn line(&mut self, line: &str) {
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            self.take(c, chars.peek().copied());
        }
        self.end_of_line();
    }
}

/// Whether the lines below this one are the text of its value: `key: |`, `- >-`.
pub(super) fn is_block_scalar(line: &str) -> bool {
    let code = line.split(" #").next().unwrap_or_default().trim_end();
    let last = code.rsplit(' ').next().unwrap_or_default();
    let style = last.trim_end_matches(|c: char| "+-".contains(c) || c.is_ascii_digit());
    matches!(style, "|" | ">") && (code.contains(": ") || code.trim_start().starts_with("- "))
}

/// A level of the structure: where it begins in the text, and where it should.
#[derive(Debug, Clone, Copy)]
struct Level {
    old: usize,
    new: usize,
    is_list: bool,
}

#[derive(Debug, Default)]
struct Structure {
    levels: Vec<Level>,
}

impl Structure {
    /// The new column of what begins in the column `old`.
    fn place(&mut self, old: usize, is_list: bool) -> usize {
        while self.levels.last().is_some_and(|top| top.old > old || top.old == old && top.is_list && !is_list)
        {
            self.levels.pop();
        }
        match self.levels.last() {
            Some(top) if top.old == old && top.is_list == is_list => top.new,
            // A dash may stand in the column of its key.
            Some(top) => self.push(old, top.new + 2, is_list),
            None => self.push(old, 0, is_list),
        }
    }

    fn push(&mut self, old: usize, new: usize, is_list: bool) -> usize {
        self.levels.push(Level { old, new, is_list });
        new
    }
}

/// The text with each level two columns after the one that it is in.
pub(super) fn indented(text: &str) -> String {
    let mut structure = Structure::default();
    let mut scanner = Scanner::default();
    let (mut out, mut comments) = (String::new(), Vec::new());
    // What continues the line before it moves with it.
    let (mut shift, mut scalar) = (0isize, None);
    for line in text.lines() {
        let content = line.trim_start();
        let old = line.len() - content.len();
        if scalar.is_some_and(|key| content.is_empty() || old > key) || !scanner.is_outside() {
            if scalar.is_none() {
                scanner.line(line);
            }
            push_line(&mut out, shifted(old, shift), content);
            continue;
        }
        scalar = None;
        if content.is_empty() || content.starts_with('#') {
            comments.push((old, content));
            continue;
        }
        let (new, placed) = place(&mut structure, old, content);
        flush(&mut comments, old, new, &mut out);
        push_line(&mut out, new, &placed);
        shift = new as isize - old as isize;
        scanner.line(line);
        scalar = (scanner.is_outside() && is_block_scalar(line)).then_some(old);
    }
    flush(&mut comments, 0, 0, &mut out);
    out
}

fn shifted(old: usize, shift: isize) -> usize {
    old.saturating_add_signed(shift)
}

fn push_line(out: &mut String, indent: usize, content: &str) {
    if !content.is_empty() {
        out.push_str(&" ".repeat(indent));
        out.push_str(content);
    }
    out.push('\n');
}

/// The column of a line, and its content with one blank after each dash.
fn place(structure: &mut Structure, old: usize, content: &str) -> (usize, String) {
    let Some(item) = content.strip_prefix('-').filter(|item| item.is_empty() || item.starts_with(' ')) else {
        return (structure.place(old, false), content.to_owned());
    };
    let new = structure.place(old, true);
    let inner = item.trim_start();
    if inner.is_empty() || inner.starts_with('#') {
        return (new, content.to_owned());
    }
    let column = old + content.len() - inner.len();
    let (_, inner) = place(structure, column, inner);
    (new, format!("- {inner}"))
}

/// Comments stand with the line after them if they were in its column, and move as far as it otherwise.
fn flush(comments: &mut Vec<(usize, &str)>, old: usize, new: usize, out: &mut String) {
    for (column, comment) in comments.drain(..) {
        push_line(out, shifted(column, new as isize - old as isize), comment);
    }
}
