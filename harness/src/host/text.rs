//! Text that somebody else wrote (a guest, a mail, QEMU, git, the name of a file), made safe to print: what a terminal
//! obeys is escaped, and what is long is cut. It changes what is printed, never what is stored.
//!
//! [`Foreign`] is such text where one line is expected, [`printable`] and [`block`] are for text of many lines. Whatever
//! was forgotten is caught by [`super::terminal`], through which everything is printed.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::path::Path;

/// The longest foreign text in a sentence, in characters.
const EXCERPT: usize = 300;

/// The longest line that only quotes, in characters.
const QUOTE: usize = 1000;

/// The longest path, in characters: Linux takes none with more bytes.
const PATH: usize = 4096;

/// The longest line of a block, in characters. A shorter text is shown complete.
pub const BLOCK_LINE: usize = 5000;

/// The longest block, in characters.
const BLOCK: usize = 10_000;

/// The first words of the lines that report a result. No other line may begin with one ([`unlike_a_result`]).
pub const RESULT_WORDS: [&str; 18] = [
    "PASS",
    "FAIL",
    "SKIP",
    "UNSTABLE",
    "INFRA",
    "GOOD",
    "BAD",
    "NO BUILD",
    "NO BOOT",
    "NO RESULT",
    "CAUGHT",
    "MISSED",
    "FALSE ALARM",
    "PASSED",
    "SAME",
    "DIFF",
    "SMALLER",
    "UNREADABLE",
];

/// Foreign text where one line is expected: line breaks and whatever a terminal obeys are escaped, and it is cut.
#[derive(Debug, Clone)]
pub struct Foreign<'a> {
    text: Cow<'a, str>,
    limit: usize,
    /// How many of those are from its end.
    tail: usize,
}

/// `text` of somebody else's, in a sentence.
pub fn foreign(text: &str) -> Foreign<'_> {
    Foreign { text: Cow::Borrowed(text), limit: EXCERPT, tail: 0 }
}

/// A complete line of somebody else's text, or a sentence with such text in it: longer than what [`foreign`] shows, and
/// cut in the middle.
pub fn quote(text: &str) -> Foreign<'_> {
    Foreign { text: Cow::Borrowed(text), limit: QUOTE, tail: QUOTE / 4 }
}

/// A path in a sentence. The name of a file is somebody else's text, too.
pub fn shown(path: &Path) -> Foreign<'_> {
    Foreign { text: path.to_string_lossy(), limit: PATH, tail: PATH / 4 }
}

impl fmt::Display for Foreign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        shortened(&self.text, self.limit, self.tail).chars().for_each(|c| push(&mut out, c));
        // Widths count for columns.
        f.pad(&out)
    }
}

/// Foreign text as one printable line of bounded length, without blanks around it.
pub fn excerpt(text: &str) -> String {
    foreign(without_colours(text).trim().replace('\t', " ").as_str()).to_string()
}

/// Foreign text of many lines: line breaks stay, tabs become blanks, colours are left out, and whatever else a terminal
/// would obey is escaped.
///
/// A guest can print anything, and a terminal obeys escape sequences: titles, colours, even input on the user's behalf.
pub fn printable(text: &str) -> String {
    let text = without_colours(text);
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line.trim_end_matches('\r'), "\n"),
            None => (line, ""),
        };
        let mut column = 0;
        for c in line.chars() {
            match c {
                '\t' => {
                    let blanks = 8 - column % 8;
                    out.extend(std::iter::repeat_n(' ', blanks));
                    column += blanks;
                }
                c => {
                    push(&mut out, c);
                    column += 1;
                }
            }
        }
        out.push_str(end);
    }
    out
}

/// Foreign text of many lines as at most some KB that say what was left out.
pub fn block(text: &str) -> String {
    block_up_to(text, BLOCK)
}

/// The same, of at most `limit` characters.
pub fn block_up_to(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let mut left = limit;
    // What is not shown need not be made printable.
    let (text, beyond) = cut(text, 8 * limit);
    let printable = printable(text);
    let mut lines = printable.split_inclusive('\n');
    for line in lines.by_ref() {
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
        let limit = BLOCK_LINE.min(left);
        let body = shortened(body, limit, limit / 4);
        out.push_str(&body);
        out.push_str(end);
        left = left.saturating_sub(body.chars().count() + 1);
        if left == 0 {
            break;
        }
    }
    let rest = lines.map(|line| line.chars().count()).sum::<usize>() + beyond;
    if rest > 0 {
        let break_ = if out.ends_with('\n') { "" } else { "\n" };
        let _ = write!(out, "{break_}{}", LeftOut(rest));
    }
    out
}

/// The last `count` lines of `text`, printable, each of bounded length.
pub fn last_lines(text: &str, count: usize) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(count)..];
    last.iter().map(|line| printable(&shortened(line, QUOTE, QUOTE / 4))).collect()
}

/// `text` in a place where no result stands: a line that begins as the line of a result does is indented.
pub fn unlike_a_result(text: &str) -> Cow<'_, str> {
    let is_one = |line: &str| RESULT_WORDS.iter().any(|word| line.starts_with(word));
    if !text.split('\n').any(is_one) {
        return Cow::Borrowed(text);
    }
    let lines = text.split('\n').map(|line| if is_one(line) { format!("  {line}") } else { line.to_owned() });
    Cow::Owned(lines.collect::<Vec<_>>().join("\n"))
}

/// `text` with no line that the runner of a workflow on GitHub obeys: `::error::...` at its beginning, or `##[error]...`
/// anywhere.
pub fn unlike_a_command(text: &str) -> Cow<'_, str> {
    let is_one = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
    if !text.split('\n').any(is_one) {
        return Cow::Borrowed(text);
    }
    let escape = |line: &str| {
        let line = line.replace("##[", "#\\x23[");
        let start = line.len() - line.trim_start().len();
        match line[start..].strip_prefix("::") {
            Some(rest) => format!("{}:\\x3a{rest}", &line[..start]),
            None => line,
        }
    };
    Cow::Owned(text.split('\n').map(escape).collect::<Vec<_>>().join("\n"))
}

/// Adds `c`, escaped if a terminal would obey it or not show it.
pub(super) fn push(out: &mut String, c: char) {
    match c {
        ' '..='~' => out.push(c),
        c if is_shown(c) => out.push(c),
        c => out.extend(c.escape_debug()),
    }
}

/// Whether a character has a shape of its own: no control character, no direction of writing, nothing invisible.
pub fn is_shown(c: char) -> bool {
    // The standard library has Unicode's tables. It escapes an accent by itself, and not after another character.
    let accent = || format!("x{c}").escape_debug().count() == 2;
    matches!(c, ' '..='~') || (!c.is_ascii() && (c.escape_debug().count() == 1 || accent()))
}

/// What was left out of a line.
pub struct LeftOut(pub usize);

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "... ({} characters left out)", self.0)
    }
}

/// The first `limit` characters of `text`, and how many follow.
pub fn cut(text: &str, limit: usize) -> (&str, usize) {
    match text.char_indices().nth(limit) {
        Some((at, _)) => (&text[..at], text[at..].chars().count()),
        None => (text, 0),
    }
}

/// `text` with at most `limit` of its characters, the last `tail` of them from its end, and how many there are between.
fn shortened(text: &str, limit: usize, tail: usize) -> Cow<'_, str> {
    let (head, omitted) = cut(text, limit);
    if omitted == 0 {
        return Cow::Borrowed(text);
    }
    let (head, _) = cut(head, limit - tail);
    let end: usize = text.chars().rev().take(tail).map(char::len_utf8).sum();
    Cow::Owned(format!("{head}{}{}", LeftOut(omitted), &text[text.len() - end..]))
}

/// Without the sequences that only change colours, as compilers and consoles print them: they would be noise.
fn without_colours(text: &str) -> Cow<'_, str> {
    if !text.contains("\u{1b}[") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        out.push_str(&rest[..at]);
        let length = colour(&rest[at..]);
        // One that is something else stays, and is escaped.
        out.push_str(if length == 0 { "\u{1b}[" } else { "" });
        rest = &rest[at + length.max(2)..];
    }
    Cow::Owned(out + rest)
}

/// The length of the colour sequence (`ESC [`, digits and `;`, `m`) that `text` begins with; 0 if it is none.
pub(super) fn colour(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("\u{1b}[") else { return 0 };
    let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
    if rest.as_bytes().get(digits) == Some(&b'm') { 2 + digits + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::super::hostile;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colours_are_left_out_and_what_else_a_terminal_obeys_is_escaped() {
        assert_eq!(printable("a\u{1b}[31;1mred\u{1b}[0m\r\n\tb\u{0}c"), "ared\n        b\\0c");
        assert_eq!(printable("\u{1b}]0;title\u{7}after"), "\\u{1b}]0;title\\u{7}after");
        assert_eq!(printable("\u{1b}[2Jx\u{9b}31m"), "\\u{1b}[2Jx\\u{9b}31m");
    }

    #[test]
    fn what_changes_the_direction_or_is_invisible_is_escaped_and_accents_are_not() {
        assert_eq!(printable("a\u{202e}b\u{2066}c\u{200b}d"), "a\\u{202e}b\\u{2066}c\\u{200b}d");
        assert_eq!(printable("e\u{301} é 漢 ·─▶"), "e\u{301} é 漢 ·─▶");
    }

    #[test]
    fn an_excerpt_is_one_line_of_bounded_length() {
        assert_eq!(excerpt(" a\nPASS  fake\u{1b}[31m\r\n"), "a\\nPASS  fake");
        assert_eq!(excerpt(&"é".repeat(1000)), "é".repeat(EXCERPT) + "... (700 characters left out)");
    }

    #[test]
    fn a_path_is_shown_complete_and_on_one_line() {
        let long = "x".repeat(PATH);
        assert_eq!(shown(Path::new(&long)).to_string(), long);
        assert_eq!(shown(Path::new("a\nb\u{1b}]0;t")).to_string(), "a\\nb\\u{1b}]0;t");
        assert_eq!(format!("{:6}|", foreign("ab")), "ab    |");
    }

    #[test]
    fn a_sentence_with_long_text_in_it_keeps_its_end() {
        let sentence = format!("unknown key '{}': wanted a or b", "x".repeat(1 << 20));
        let shown = quote(&sentence).to_string();
        assert!(shown.starts_with("unknown key 'xx") && shown.ends_with("xx': wanted a or b"), "{shown}");
        assert!(shown.contains("... (1047605 characters left out)") && shown.len() < 1100, "{shown}");
    }

    #[test]
    fn a_block_is_cut_and_says_how_much_is_missing() {
        assert_eq!(block("a\nb\n"), "a\nb\n");
        let line = block(&"x".repeat(9000));
        let tail = "x".repeat(BLOCK_LINE / 4);
        assert_eq!(line, format!("{}... (4000 characters left out){tail}", "x".repeat(BLOCK_LINE * 3 / 4)));
        let text = block(&"y\n".repeat(1_000_000));
        assert!(text.len() < 2 * BLOCK, "{}", text.len());
        assert!(text.ends_with("\n... (1990000 characters left out)"), "{}", &text[text.len() - 80..]);
    }

    #[test]
    fn last_lines_has_no_carriage_returns() {
        assert_eq!(last_lines("1\r\n2\r\n3\r\n", 2), ["2", "3"]);
    }

    #[test]
    fn a_line_that_looks_like_a_result_is_indented() {
        assert_eq!(unlike_a_result("a\nPASS  b\nFAILED"), "a\n  PASS  b\n  FAILED");
        assert_eq!(unlike_a_result("passed\n PASS"), "passed\n PASS");
    }

    proptest! {
        #[test]
        fn whatever_is_printed_has_no_control_character_but_newlines(text in hostile::text()) {
            let safe = |text: &str| text.chars().all(|c| c == '\n' || is_shown(c));
            prop_assert!(safe(&printable(&text)) && safe(&block(&text)) && safe(&excerpt(&text)));
            prop_assert!(block(&text).chars().count() < 2 * BLOCK && excerpt(&text).chars().count() < 11 * EXCERPT);
            prop_assert!(!excerpt(&text).contains('\n') && !quote(&text).to_string().contains('\n'));
        }
    }
}
