//! Conversions of the kernel's `vsnprintf()` (`lib/vsprintf.c`): `%-8s`, `%#llx`.

use super::int::{Int, IntType};

/// A column or a number of digits that is wider is refused.
const WIDEST: usize = 512;

/// One conversion.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Conversion {
    left: bool,
    plus: bool,
    space: bool,
    hash: bool,
    zero: bool,
    pub(super) width: Size,
    pub(super) precision: Size,
    /// The bytes of the argument, by `hh`, `h`, `l`.
    bytes: u8,
    pub(super) kind: char,
    /// What follows `%p`: `S` for a symbol.
    pointer: String,
}

/// A width or a precision.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) enum Size {
    #[default]
    None,
    Fixed(usize),
    /// `*`: an argument of its own.
    Argument,
}

impl Conversion {
    /// Reads what follows a `%`, and gives the rest.
    pub(super) fn parse(text: &str) -> Result<(Conversion, &str), String> {
        let mut one = Conversion { bytes: 4, ..Conversion::default() };
        let mut rest = text;
        while let Some(flag @ ('-' | '+' | ' ' | '#' | '0')) = rest.chars().next() {
            match flag {
                '-' => one.left = true,
                '+' => one.plus = true,
                ' ' => one.space = true,
                '#' => one.hash = true,
                _ => one.zero = true,
            }
            rest = &rest[1..];
        }
        (one.width, rest) = size(rest)?;
        if let Some(after) = rest.strip_prefix('.') {
            (one.precision, rest) = size(after)?;
            if one.precision == Size::None {
                one.precision = Size::Fixed(0);
            }
        }
        for (length, bytes) in [("hh", 1), ("h", 2), ("ll", 8), ("l", 8), ("L", 8), ("z", 8), ("t", 8)] {
            if let Some(after) = rest.strip_prefix(length) {
                (one.bytes, rest) = (bytes, after);
                break;
            }
        }
        let kind = rest.chars().next().ok_or("a '%' at the end")?;
        rest = &rest[kind.len_utf8()..];
        one.kind = kind;
        match kind {
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' | 'c' | 's' => Ok((one, rest)),
            'p' => {
                one.pointer = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
                rest = &rest[one.pointer.len()..];
                Ok((one, rest))
            }
            other => Err(format!("%{} is no conversion", other.escape_default())),
        }
    }

    /// Why it cannot be printed here.
    pub(super) fn reason(&self) -> Option<String> {
        let why = || format!("%p{} prints what only the running kernel knows", self.pointer);
        (self.kind == 'p').then(why)
    }

    /// How many arguments it takes: one, and one for each `*`.
    pub(super) fn arguments(&self) -> usize {
        1 + [self.width, self.precision].iter().filter(|size| **size == Size::Argument).count()
    }

    /// With the values of its `*`.
    pub(super) fn with(
        mut self,
        mut argument: impl FnMut() -> Result<Int, String>,
    ) -> Result<Conversion, String> {
        for size in [&mut self.width, &mut self.precision] {
            if *size == Size::Argument {
                let value = argument()?.bits() as usize;
                if value > WIDEST {
                    return Err("a width from the record that is no width".to_owned());
                }
                *size = Size::Fixed(value);
            }
        }
        Ok(self)
    }

    /// A number in this conversion.
    pub(super) fn number(&self, value: Int) -> String {
        if self.kind == 'c' {
            let c = char::from(value.bits() as u8);
            return self.padded(&c.to_string(), self.width());
        }
        let signed = matches!(self.kind, 'd' | 'i');
        let value = value.cast(IntType { bytes: self.bytes, signed });
        let size = if value.is_negative() { value.bits().wrapping_neg() } else { value.bits() };
        let digits = match self.kind {
            'x' => format!("{size:x}"),
            'X' => format!("{size:X}"),
            'o' => format!("{size:o}"),
            _ => size.to_string(),
        };
        let sign = match signed {
            true if value.is_negative() => "-",
            true if self.plus => "+",
            true if self.space => " ",
            _ => "",
        };
        let prefix = match self.kind {
            'x' if self.hash => "0x",
            'X' if self.hash => "0X",
            'o' if self.hash && size != 0 => "0",
            _ => "",
        };
        self.composed(sign, prefix, &digits)
    }

    /// `number()` of the kernel: blanks, sign, prefix, zeros, digits, blanks.
    fn composed(&self, sign: &str, prefix: &str, digits: &str) -> String {
        let precision = if let Size::Fixed(precision) = self.precision { precision } else { 0 };
        let zeros = precision.saturating_sub(digits.len());
        let used = sign.len() + prefix.len() + zeros + digits.len();
        let fill = self.width().saturating_sub(used);
        let (before, inside, after) = match (self.left, self.zero) {
            (true, _) => (0, 0, fill),
            (false, true) => (0, fill, 0),
            (false, false) => (fill, 0, 0),
        };
        let blanks = |count| " ".repeat(count);
        format!("{}{sign}{prefix}{}{digits}{}", blanks(before), "0".repeat(inside + zeros), blanks(after))
    }

    /// A text in this conversion.
    pub(super) fn text(&self, text: &str) -> String {
        let text = match self.precision {
            Size::Fixed(most) => text.get(..most.min(text.len())).unwrap_or(text),
            _ => text,
        };
        self.padded(text, self.width())
    }

    fn width(&self) -> usize {
        if let Size::Fixed(width) = self.width { width } else { 0 }
    }

    fn padded(&self, text: &str, width: usize) -> String {
        let fill = " ".repeat(width.saturating_sub(text.len()));
        if self.left { format!("{text}{fill}") } else { format!("{fill}{text}") }
    }
}

fn size(text: &str) -> Result<(Size, &str), String> {
    if let Some(rest) = text.strip_prefix('*') {
        return Ok((Size::Argument, rest));
    }
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits == 0 {
        return Ok((Size::None, text));
    }
    let value = text[..digits].parse().ok().filter(|value| *value <= WIDEST);
    Ok((Size::Fixed(value.ok_or("a width that is no width")?), &text[digits..]))
}
