//! The one way to the terminal: both standard streams, as writers that let nothing pass that a terminal obeys, but for
//! newlines and colours.
//!
//! Foreign text is escaped where it comes into a sentence ([`super::text`]). This is the last edge, for what was forgotten
//! there: no control character, no invalid UTF-8 and no endless line gets past it.

use super::text::{self, LeftOut, unlike_a_command};
use std::io::{self, Write};

/// The longest line of text, in characters.
const LINE: usize = 8000;

/// A line of JSON is bounded by whoever writes it, and is no longer JSON if it is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// Lines of text, cut where they are too long. None is a command to the runner of a workflow.
    Cut,
    /// The same with commands.
    Commands,
    /// Lines that are all or nothing.
    Whole,
}

/// A writer that escapes what a terminal would obey.
#[derive(Debug)]
pub struct Terminal<W> {
    out: W,
    lines: Lines,
    /// Bytes of a line that has not ended.
    pending: Vec<u8>,
}

/// Standard output, with colours where they can be seen.
pub fn stdout(lines: Lines) -> Terminal<impl Write> {
    Terminal::new(anstream::AutoStream::auto(io::stdout()), lines)
}

/// Standard error, with colours where they can be seen.
pub fn stderr() -> Terminal<impl Write> {
    Terminal::new(anstream::AutoStream::auto(io::stderr()), Lines::Cut)
}

/// What standard output can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Whether somebody watches it.
    pub is_terminal: bool,
    /// Its columns; those of a usual terminal where it is none.
    pub width: u16,
    /// Whether the terminal has more than ASCII, by its locale. A file or a pipe has.
    pub unicode: bool,
}

/// The columns of a text that goes into a file.
const USUAL_WIDTH: u16 = 100;

/// What standard output can show.
pub fn screen() -> Screen {
    let is_terminal = io::IsTerminal::is_terminal(&io::stdout());
    let size = console::Term::stdout().size_checked().filter(|_| is_terminal);
    let width = size.map_or(USUAL_WIDTH, |(_, columns)| columns);
    Screen { is_terminal, width, unicode: supports_unicode::on(supports_unicode::Stream::Stdout) }
}

/// Whether somebody watches standard error.
pub fn stderr_is_one() -> bool {
    io::IsTerminal::is_terminal(&io::stderr())
}

/// Whether somebody watches standard output.
pub fn stdout_is_one() -> bool {
    io::IsTerminal::is_terminal(&io::stdout())
}

/// A text of damonlab's own with its colours, if they can be seen on standard output.
pub fn coloured(text: &str) -> String {
    match anstream::AutoStream::choice(&io::stdout()) {
        anstream::ColorChoice::Never => anstream::adapter::strip_str(text).to_string(),
        _ => text.to_owned(),
    }
}

impl<W: Write> Terminal<W> {
    /// A writer to `out`.
    pub fn new(out: W, lines: Lines) -> Terminal<W> {
        Terminal { out, lines, pending: Vec::new() }
    }

    /// Writes the complete lines that are pending, or everything.
    fn drain(&mut self, everything: bool) -> io::Result<()> {
        let end = match self.pending.iter().rposition(|byte| *byte == b'\n') {
            _ if everything => self.pending.len(),
            Some(last) => last + 1,
            None => return Ok(()),
        };
        let bytes: Vec<u8> = self.pending.drain(..end).collect();
        let text = String::from_utf8_lossy(&bytes);
        let limit = if self.lines == Lines::Whole { usize::MAX } else { LINE };
        let safe: String = text.split_inclusive('\n').map(|line| safe(line, limit)).collect();
        let safe = if self.lines == Lines::Cut { unlike_a_command(&safe) } else { safe.into() };
        self.out.write_all(safe.as_bytes())
    }
}

impl<W: Write> Write for Terminal<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        // JSON comes in many small pieces: a line is not searched again for each.
        if bytes.contains(&b'\n') {
            self.drain(false)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.drain(true)?;
        self.out.flush()
    }
}

/// One line, as a terminal may have it. Colours do not count.
fn safe(line: &str, limit: usize) -> String {
    let (mut rest, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
    let (mut out, mut shown, mut coloured) = (String::with_capacity(line.len()), 0, false);
    while let Some(c) = rest.chars().next() {
        let colour = text::colour(rest);
        if colour > 0 {
            out.push_str(&rest[..colour]);
            rest = &rest[colour..];
            coloured = true;
            continue;
        }
        if shown >= limit {
            let reset = if coloured { "\u{1b}[0m" } else { "" };
            return out + &format!("{}{reset}{end}", LeftOut(rest.chars().count()));
        }
        let before = out.len();
        text::push(&mut out, c);
        shown += out[before..].chars().count();
        rest = &rest[c.len_utf8()..];
    }
    out + end
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn printed(bytes: &[u8], piece: usize, lines: Lines) -> String {
        let mut terminal = Terminal::new(Vec::new(), lines);
        bytes.chunks(piece).for_each(|piece| terminal.write_all(piece).unwrap());
        terminal.flush().unwrap();
        String::from_utf8(terminal.out).unwrap()
    }

    #[test]
    fn colours_and_newlines_pass_and_what_else_a_terminal_obeys_is_escaped() {
        let text = b"\x1b[1m\x1b[31mFAIL\x1b[0m\n\x1b]0;t\x07\x1b[2J\r\xff\n";
        let wanted = "\u{1b}[1m\u{1b}[31mFAIL\u{1b}[0m\n\\u{1b}]0;t\\u{7}\\u{1b}[2J\\r\u{fffd}\n";
        assert_eq!(printed(text, 3, Lines::Cut), wanted);
    }

    #[test]
    fn a_line_that_never_ends_is_cut_and_its_colour_ends() {
        let long = format!("\u{1b}[31m{}\nnext\n", "x".repeat(1 << 20));
        let wanted = format!(
            "\u{1b}[31m{}... ({} characters left out)\u{1b}[0m\nnext\n",
            "x".repeat(LINE),
            (1 << 20) - LINE
        );
        assert_eq!(printed(long.as_bytes(), 4096, Lines::Cut), wanted);
        assert_eq!(printed(long.as_bytes(), 4096, Lines::Whole), long);
    }

    #[test]
    fn a_line_of_text_is_no_command_to_the_runner_of_a_workflow() {
        let text = b"  ::error file=x::y\nx ##[add-mask]y\n";
        let wanted = "  :\\x3aerror file=x::y\nx #\\x23[add-mask]y\n";
        assert_eq!(printed(text, 4, Lines::Cut), wanted);
        assert_eq!(printed(text, 4, Lines::Commands).as_bytes(), text);
    }

    proptest! {
        #[test]
        fn no_bytes_become_a_control_character_but_newline(bytes in any::<Vec<u8>>(), piece in 1usize..9) {
            let text = printed(&bytes, piece, Lines::Cut);
            let plain = anstream::adapter::strip_str(&text).to_string();
            prop_assert!(plain.chars().all(|c| c == '\n' || !c.is_control()), "{plain:?}");
        }
    }
}
