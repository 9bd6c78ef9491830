//! Blanks: at the ends of lines, inside brackets, and lines of nothing else.

use super::indent::{Scanner, is_block_scalar};

/// Each line without blanks at its end, and with the blanks inside brackets as the shipped files have them.
pub(super) fn in_lines(text: &str) -> String {
    let mut scanner = Scanner::default();
    let mut scalar: Option<usize> = None;
    let mut out = String::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if scalar.is_some_and(|key| line.trim().is_empty() || indent > key) {
            // The content of a block scalar is text.
            out.push_str(line);
        } else {
            scalar = None;
            let flow = in_brackets(line, &mut scanner);
            out.push_str(if scanner.in_quotes() { &flow } else { flow.trim_end() });
            scalar = (scanner.is_outside() && is_block_scalar(line)).then_some(indent).or(scalar);
        }
        out.push('\n');
    }
    out
}

/// A line without blanks after `[` and `{` and before `]` and `}`, and with one after a comma.
fn in_brackets(line: &str, scanner: &mut Scanner) -> String {
    let mut out = String::new();
    let mut chars = line.chars().peekable();
    let begin = line.len() - line.trim_start().len();
    while let Some(c) = chars.next() {
        let was_plain = scanner.is_plain();
        let depth = scanner.depth();
        scanner.take(c, chars.peek().copied());
        if !was_plain || !scanner.is_plain() {
            out.push(c);
            continue;
        }
        match c {
            ']' | '}' if depth > 0 => {
                let kept = out.trim_end_matches(' ').len().max(begin.min(out.len()));
                out.truncate(kept);
                out.push(c);
            }
            '[' | '{' if scanner.depth() > depth => {
                out.push(c);
                while chars.next_if(|next| *next == ' ').is_some() {
                    scanner.take(' ', None);
                }
                // A comment needs its blank.
                if chars.peek() == Some(&'#') {
                    out.push(' ');
                }
            }
            ',' if depth > 0 => {
                out.push(c);
                if chars.peek().is_some_and(|next| *next != ' ') {
                    out.push(' ');
                }
            }
            _ => out.push(c),
        }
    }
    scanner.end_of_line();
    out
}

/// The text without blank lines at its ends, and with one where there are several.
pub(super) fn blank_lines(text: &str) -> String {
    let mut out = String::new();
    let (mut blank, mut scalar) = (0, None);
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if line.trim().is_empty() {
            blank += 1;
            continue;
        }
        let in_scalar = scalar.is_some_and(|key| indent > key);
        let kept = if in_scalar { blank } else { usize::from(blank > 0 && !out.is_empty()) };
        out.push_str(&"\n".repeat(kept));
        blank = 0;
        if !in_scalar {
            scalar = is_block_scalar(line).then_some(indent);
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}
