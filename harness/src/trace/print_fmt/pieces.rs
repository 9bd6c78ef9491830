//! A whole `print fmt`: literals, conversions and their arguments.

use super::conversion::Conversion;
use super::evaluate::{Fields, Operand, Steps, evaluate};
use super::expr::{Expr, Table};
use super::parse::argument;
use super::record_text::RecordText;
use super::token::{Token, tokens};

/// A longer `print fmt` is not read. The longest of Linux 7.3 has 13000 characters.
const LONGEST: usize = 32 << 10;

/// `trace_print` composes a line in two pages.
const LONGEST_TEXT: usize = 8 << 10;

/// A `print fmt`, as far as it can be read.
#[derive(Debug, Clone, PartialEq)]
pub struct PrintFmt {
    pieces: Vec<Piece>,
    arguments: Vec<Result<Expr, String>>,
    /// Why it cannot be evaluated at all.
    wrong: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Literal(String),
    /// A conversion, and the place of its first argument.
    Conversion(Conversion, usize),
}

/// A field as the text of an event shows it.
pub(crate) struct Shown<'a> {
    /// What stands before it, `nr_failed` of `nr_failed=%lu`.
    pub(crate) label: Option<&'a str>,
    /// Its place in the format.
    pub(crate) field: usize,
    /// The names of its values, and whether they are flags.
    pub(crate) table: Option<(bool, &'a Table)>,
}

impl PrintFmt {
    /// Reads what follows `print fmt: `. `field` gives the place of a field in the format.
    pub(crate) fn parse(text: &str, field: &dyn Fn(&str) -> Option<usize>) -> PrintFmt {
        let none = |wrong| PrintFmt { pieces: Vec::new(), arguments: Vec::new(), wrong: Some(wrong) };
        if text.len() > LONGEST {
            return none(format!("its print fmt is longer than {LONGEST} characters"));
        }
        let tokens = match tokens(text) {
            Ok(tokens) => tokens,
            Err(why) => return none(why),
        };
        let mut parts = split(&tokens);
        let Some([Token::Text(format)]) = parts.next() else {
            return none("its print fmt does not begin with a text".to_owned());
        };
        let arguments: Vec<_> = parts.map(|tokens| argument(tokens, field)).collect();
        match pieces(format) {
            Err(why) => PrintFmt { arguments, ..none(why) },
            Ok((_, used)) if used != arguments.len() => {
                let why = format!("its print fmt has {used} conversions and {} arguments", arguments.len());
                PrintFmt { arguments, ..none(why) }
            }
            Ok((pieces, _)) => PrintFmt { pieces, arguments, wrong: None },
        }
    }

    /// Why all of the text, or the first part of it that is a gap, cannot be computed from a record; none if it can.
    pub fn reason(&self) -> Option<String> {
        let of_piece = |piece: &Piece| match piece {
            Piece::Conversion(conversion, at) => self.gap(conversion, *at),
            Piece::Literal(_) => None,
        };
        self.wrong.clone().or_else(|| self.pieces.iter().find_map(of_piece))
    }

    /// Why the text of a conversion whose first argument is at `at` cannot be computed from any record.
    fn gap(&self, conversion: &Conversion, at: usize) -> Option<String> {
        let mut arguments = self.arguments.iter().skip(at).take(conversion.arguments());
        conversion.reason().or_else(|| arguments.find_map(|one| one.as_ref().err().cloned()))
    }

    /// The text of a record, with a gap for each conversion that cannot be computed.
    ///
    /// # Errors
    /// Why it cannot be computed.
    pub(crate) fn text(&self, record: &dyn Fields, steps: &mut Steps) -> Result<RecordText, String> {
        if let Some(why) = &self.wrong {
            return Err(why.clone());
        }
        let mut text = RecordText::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => text.push(literal),
                Piece::Conversion(conversion, at) if self.gap(conversion, *at).is_some() => text.push_gap(),
                Piece::Conversion(conversion, at) => {
                    text.push(&self.converted(conversion, *at, record, steps)?);
                }
            }
            if text.len() > LONGEST_TEXT {
                return Err("its text is longer than a line of a trace can be".to_owned());
            }
        }
        Ok(text)
    }

    fn converted(
        &self,
        conversion: &Conversion,
        at: usize,
        record: &dyn Fields,
        steps: &mut Steps,
    ) -> Result<String, String> {
        let mut place = at;
        let mut next = || {
            let argument = self.arguments.get(place).ok_or("an argument is missing")?;
            place += 1;
            evaluate(argument.as_ref().map_err(Clone::clone)?, record, steps)
        };
        let conversion = conversion.clone().with(|| match next()? {
            Operand::Number(number) => Ok(number),
            _ => Err("a width that is no number".to_owned()),
        })?;
        match (next()?, conversion.kind) {
            (Operand::Number(_), 's') => Err("%s of an address prints the kernel's memory".to_owned()),
            (Operand::Number(number), _) => Ok(conversion.number(number)),
            (Operand::Text(text), 's') => Ok(conversion.text(&text)),
            (Operand::Bytes(bytes), 's') => {
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                Ok(conversion.text(&String::from_utf8_lossy(&bytes[..end])))
            }
            (_, kind) => Err(format!("%{kind} of what is no number")),
        }
    }

    /// The fields that the text shows, in its order.
    pub(crate) fn shown(&self) -> impl Iterator<Item = Shown<'_>> {
        let before = std::iter::once(None).chain(self.pieces.iter().map(Some));
        self.pieces.iter().zip(before).filter_map(|(piece, before)| {
            let Piece::Conversion(_, at) = piece else { return None };
            let expr = self.arguments.get(*at)?.as_ref().ok()?;
            let label = if let Some(Piece::Literal(literal)) = before { label(literal) } else { None };
            Some(Shown { label, field: expr.shown()?, table: expr.table() })
        })
    }
}

/// The arguments: what stands between commas outside of parentheses.
fn split(tokens: &[Token]) -> impl Iterator<Item = &[Token]> {
    let mut depth = 0_usize;
    tokens.split(move |token| {
        match token {
            Token::Mark("(" | "{" | "[") => depth += 1,
            Token::Mark(")" | "}" | "]") => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && *token == Token::Mark(",")
    })
}

/// A format's literals and conversions, and how many arguments they take.
fn pieces(format: &str) -> Result<(Vec<Piece>, usize), String> {
    let mut pieces = Vec::new();
    let (mut literal, mut rest, mut used) = (String::new(), format, 0);
    while let Some(at) = rest.find('%') {
        literal.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            literal.push('%');
            rest = after;
            continue;
        }
        let (conversion, after) = Conversion::parse(rest)?;
        let arguments = conversion.arguments();
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Conversion(conversion, used));
        used += arguments;
        rest = after;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok((pieces, used))
}

/// The key at the end of a literal: `ino` of ` ino=0x`, `type` of ` type:`.
fn label(literal: &str) -> Option<&str> {
    let text = literal.trim_end_matches(['\'', '"']);
    let text = text.strip_suffix("0x").unwrap_or(text);
    let text = text.trim_end_matches(' ').strip_suffix(['=', ':'])?;
    let before = text.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    Some(&text[before.len()..])
        .filter(|label| label.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
}
