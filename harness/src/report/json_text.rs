//! Strings in JSON: their value is as it was recorded, up to a length, and neither a terminal nor the runner of a workflow
//! obeys them.

use crate::host::text::is_shown;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};
use std::io::{self, Write};

/// The longest string, in characters.
const STRING: usize = 10_000;

/// How many characters all strings of a line may have together. Those beyond are empty but for what was left out.
const LINE: usize = 2_000_000;

/// Writes one line of JSON. What a terminal would obey or not show is written as `\u` escapes.
#[derive(Debug)]
pub(super) struct Strings {
    /// How many characters the line may still have.
    left: usize,
    /// How many the string may still have.
    of_string: usize,
    omitted: usize,
    /// The last character was a number sign.
    after_sign: bool,
}

impl Strings {
    pub(super) fn new() -> Strings {
        Strings { left: LINE, of_string: 0, omitted: 0, after_sign: false }
    }

    /// Counts a character, and whether it is among those that are written.
    fn takes(&mut self) -> bool {
        let takes = self.of_string > 0 && self.left > 0;
        match takes {
            true => (self.of_string, self.left) = (self.of_string - 1, self.left - 1),
            false => self.omitted += 1,
        }
        takes
    }
}

impl Formatter for Strings {
    fn begin_string<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        (self.of_string, self.omitted, self.after_sign) = (STRING, 0, false);
        out.write_all(b"\"")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        for c in fragment.chars() {
            if !self.takes() {
                continue;
            }
            // The runner of a workflow obeys `##[command]` anywhere in a line.
            let is_command = c == '#' && self.after_sign;
            self.after_sign = c == '#';
            if is_shown(c) && !is_command {
                out.write_all(c.encode_utf8(&mut [0; 4]).as_bytes())?;
            } else {
                c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))?;
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, out: &mut W, escape: CharEscape) -> io::Result<()> {
        if self.takes() { CompactFormatter.write_char_escape(out, escape) } else { Ok(()) }
    }

    fn end_string<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if self.omitted > 0 {
            write!(out, "... ({} characters left out)", self.omitted)?;
        }
        out.write_all(b"\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::hostile;
    use proptest::prelude::*;
    use serde::Serialize;
    use serde_json::{Value, json};

    fn written(value: &Value) -> String {
        let mut out = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, Strings::new());
        value.serialize(&mut serializer).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_keeps_its_value() {
        let value = json!({"a\u{1b}[2J": "\u{9b}31m \u{202e}\u{7f}\u{e0001} é \"\\\n"});
        let text = written(&value);
        assert!(text.chars().all(is_shown), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn what_the_runner_of_a_workflow_would_obey_is_escaped_and_keeps_its_value() {
        let value = json!("##[error]a ###[b");
        let text = written(&value);
        assert!(!text.contains("##"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn a_long_string_says_what_was_left_out_and_a_line_is_bounded() {
        let text = written(&json!(["x".repeat(STRING + 5), "y"]));
        assert_eq!(text, format!("[\"{}... (5 characters left out)\",\"y\"]", "x".repeat(STRING)));
        let many = vec!["\u{1b}".repeat(STRING); 1000];
        let text = written(&json!(many));
        assert!(text.len() < 7 * LINE, "{}", text.len());
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap().len(), 1000);
    }

    proptest! {
        #[test]
        fn any_string_is_valid_json_without_control_characters(key in hostile::text(), text in hostile::text()) {
            let value = json!({&key: text});
            let written = written(&value);
            prop_assert!(written.chars().all(is_shown), "{written:?}");
            let read: Value = serde_json::from_str(&written).unwrap();
            let cut = [&key, &text].iter().any(|text| text.chars().count() > STRING);
            prop_assert!(cut || read == value, "{written:?}");
        }
    }
}
