//! The text of a `print fmt` to C tokens.

use super::int::{Int, IntType};

/// A C token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    Number(Int),
    Text(String),
    Mark(&'static str),
}

/// The longer ones first.
const MARKS: &[&str] = &[
    "->", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "(", ")", "{", "}", "[", "]", ",", "?", ":", "+",
    "-", "*", "/", "%", "&", "|", "^", "~", "!", "<", ">", ".", ";", "=",
];

/// All tokens of a text, or what is none.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => {
                let (value, length) = string(rest)?;
                // Neighbours are one text.
                match all.last_mut() {
                    Some(Token::Text(before)) => before.push_str(&value),
                    _ => all.push(Token::Text(value)),
                }
                length
            }
            '\'' => {
                let (value, length) = character(rest)?;
                all.push(Token::Number(Int::new(value, IntType::INT)));
                length
            }
            '0'..='9' => {
                let length = run(rest, |c| c.is_ascii_alphanumeric());
                all.push(Token::Number(number(&rest[..length])?));
                length
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = run(rest, |c| c.is_ascii_alphanumeric() || c == '_');
                all.push(Token::Word(rest[..length].to_owned()));
                length
            }
            other => {
                let mark = MARKS.iter().find(|mark| rest.starts_with(**mark));
                let mark = mark.ok_or_else(|| format!("'{}' is no C", other.escape_default()))?;
                all.push(Token::Mark(mark));
                mark.len()
            }
        };
        rest = rest[length..].trim_start();
    }
    Ok(all)
}

fn run(text: &str, is_part: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_part(c)).unwrap_or(text.len())
}

/// A string literal at the beginning of `text`: its value and its length.
fn string(text: &str) -> Result<(String, usize), String> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, at + 1)),
            '\\' => value.push(escaped(chars.next().map(|(_, c)| c))?),
            c => value.push(c),
        }
    }
    Err("a string without its end".to_owned())
}

fn character(text: &str) -> Result<(u64, usize), String> {
    let wrong = || "a character without its end".to_owned();
    let mut chars = text.chars().skip(1);
    let (value, length) = match chars.next() {
        Some('\\') => (escaped(chars.next())?, 4),
        Some(c) if c.is_ascii() => (c, 3),
        _ => return Err(wrong()),
    };
    if chars.next() == Some('\'') { Ok((u64::from(value), length)) } else { Err(wrong()) }
}

fn escaped(c: Option<char>) -> Result<char, String> {
    match c {
        Some('n') => Ok('\n'),
        Some('t') => Ok('\t'),
        Some('0') => Ok('\0'),
        Some(c @ ('\\' | '"' | '\'')) => Ok(c),
        _ => Err("an escape that is not known".to_owned()),
    }
}

fn number(text: &str) -> Result<Int, String> {
    let wrong = || format!("'{text}' is no number");
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if lower.len() > 1 && lower.starts_with('0') => (&lower[1..], 8),
        None => (lower.as_str(), 10),
    };
    let length = run(digits, |c| c.is_digit(radix));
    let (digits, suffix) = digits.split_at(length);
    if !matches!(suffix, "" | "u" | "l" | "ul" | "lu" | "ll" | "ull" | "llu") {
        return Err(wrong());
    }
    // "0" and "0UL" have no digit left after the octal mark.
    let value = if digits.is_empty() { Ok(0) } else { u64::from_str_radix(digits, radix) };
    let value = value.map_err(|_| wrong())?;
    let (unsigned, long) = (suffix.contains('u'), suffix.contains('l'));
    let ty = match (unsigned, long) {
        (false, false) if i32::try_from(value).is_ok() => IntType::INT,
        (_, false) if (unsigned || radix != 10) && u32::try_from(value).is_ok() => IntType::UINT,
        (false, _) if i64::try_from(value).is_ok() => IntType::LONG,
        _ => IntType::ULONG,
    };
    Ok(Int::new(value, ty))
}
