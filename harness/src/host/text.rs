//! Text of a guest or a tool, made safe to print on a terminal.

/// The longest line that is shown, in characters.
const EXCERPT: usize = 300;

/// `text` without escape sequences and control characters; newlines and tabs stay.
///
/// A guest can print anything, and a terminal obeys escape sequences: titles, colours, even input on the user's behalf.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Skips what follows an ESC: a CSI (`[` up to a letter), an OSC (`]` up to BEL or ST), or one character.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => {
            while chars.next_if(|c| !('@'..='~').contains(c) && *c != '\n').is_some() {}
            chars.next_if(|c| *c != '\n');
        }
        Some(']') => {
            while let Some(c) = chars.next_if(|c| *c != '\n') {
                if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                    break;
                }
            }
        }
        _ => {}
    }
}

/// One printable line of bounded length.
pub fn excerpt(text: &str) -> String {
    let text = printable(text).replace('\n', " ");
    let shown = match text.char_indices().nth(EXCERPT) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text,
    };
    shown.trim().to_owned()
}

/// The last `count` lines of `text`, without carriage returns and escapes.
pub fn last_lines(text: &str, count: usize) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].iter().map(|line| printable(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_control_characters_are_removed() {
        assert_eq!(printable("a\u{1b}[31;1mred\u{1b}[0m\r\n\tb\u{0}c"), "ared\n\tbc");
        assert_eq!(printable("\u{1b}]0;title\u{7}after"), "after");
        assert_eq!(printable("\u{1b}]0;title\u{1b}\\after"), "after");
    }

    #[test]
    fn an_unfinished_escape_removes_no_more_than_its_line() {
        assert_eq!(printable("x\u{1b}[31\nsecond"), "x\nsecond");
        assert_eq!(printable("x\u{1b}]0;t\nsecond"), "x\nsecond");
    }

    #[test]
    fn an_excerpt_is_one_line_of_bounded_length() {
        assert_eq!(excerpt(" a\n\u{1b}[31mb\r"), "a b");
        assert_eq!(excerpt(&"é".repeat(1000)), "é".repeat(EXCERPT) + "...");
    }

    #[test]
    fn last_lines_has_no_carriage_returns() {
        assert_eq!(last_lines("1\r\n2\r\n3\r\n", 2), ["2", "3"]);
    }
}
