//! The value of an [`Expr`] on one record.

use super::expr::{Expr, Table};
use super::int::Int;
use std::borrow::Cow;
use std::fmt::Write;

/// The fields of a record, by their places in the format.
pub(crate) trait Fields {
    /// A field that is a number.
    fn number(&self, field: usize) -> Option<Int>;
    /// A number of a field that is an array.
    fn item(&self, field: usize, index: usize) -> Option<Int>;
    /// The bytes of a field that is an array.
    fn bytes(&self, field: usize) -> Option<&[u8]>;
}

/// How much may be computed yet. A format comes from a guest, and so does the number of records.
#[derive(Debug)]
pub(crate) struct Steps(u64);

impl Steps {
    /// Enough for a million events with the longest format of Linux 7.3.
    const ALL: u64 = 200_000_000;

    pub(crate) fn new() -> Steps {
        Steps::of(Steps::ALL)
    }

    pub(crate) fn of(count: u64) -> Steps {
        Steps(count)
    }

    fn take(&mut self, count: usize) -> Result<(), String> {
        self.0 = self.0.checked_sub(count as u64).ok_or("there are too many events to compute their text")?;
        Ok(())
    }
}

/// A field that lies outside of its record.
const CUT: &str = "the record is shorter than its format says";

/// What an expression gives.
pub(super) enum Operand<'r> {
    Number(Int),
    Text(Cow<'r, str>),
    Bytes(&'r [u8]),
}

pub(super) fn evaluate<'r>(
    expr: &'r Expr,
    record: &'r dyn Fields,
    steps: &mut Steps,
) -> Result<Operand<'r>, String> {
    steps.take(1)?;
    let cut = || CUT.to_owned();
    Ok(match expr {
        Expr::Number(number) => Operand::Number(*number),
        Expr::Text(text) => Operand::Text(Cow::Borrowed(text)),
        Expr::Field(field) => match record.bytes(*field) {
            Some(bytes) => Operand::Bytes(bytes),
            None => Operand::Number(record.number(*field).ok_or_else(cut)?),
        },
        Expr::Item(field, index) => {
            let index = number(index, record, steps)?.bits() as usize;
            Operand::Number(record.item(*field, index).ok_or_else(cut)?)
        }
        Expr::Length(field) => {
            let length = record.bytes(*field).ok_or_else(cut)?.len();
            Operand::Number(Int::new(length as u64, super::IntType::INT))
        }
        Expr::Unary(operator, operand) => {
            let value = number(operand, record, steps)?.unary(operator);
            Operand::Number(value.ok_or("an operator without a value")?)
        }
        Expr::Binary(operator, left, right) => Operand::Number(binary(operator, left, right, record, steps)?),
        Expr::Cast(ty, operand) => match evaluate(operand, record, steps)? {
            Operand::Number(number) => Operand::Number(number.cast(*ty)),
            other => other,
        },
        Expr::Choice(condition, then, otherwise) => {
            let chosen = if number(condition, record, steps)?.is_true() { then } else { otherwise };
            evaluate(chosen, record, steps)?
        }
        _ => Operand::Text(printed(expr, record, steps)?),
    })
}

/// What one of the kernel's functions for events gives.
fn printed<'r>(expr: &'r Expr, record: &'r dyn Fields, steps: &mut Steps) -> Result<Cow<'r, str>, String> {
    let cut = || CUT.to_owned();
    match expr {
        Expr::Symbolic(value, table) => {
            let value = number(value, record, steps)?.bits();
            steps.take(table.len())?;
            Ok(symbol(value, table))
        }
        Expr::Flags(value, delimiter, table) => {
            let value = number(value, record, steps)?.bits();
            steps.take(table.len())?;
            Ok(Cow::Owned(flags(value, table).join(delimiter)))
        }
        Expr::Hex { bytes, length, blanks } => {
            let length = number(length, record, steps)?.bits() as usize;
            let bytes = array(bytes, record, steps)?.get(..length).ok_or_else(cut)?;
            steps.take(bytes.len())?;
            Ok(Cow::Owned(hex(bytes, *blanks)))
        }
        Expr::Array { bytes, count, size } => {
            let count = number(count, record, steps)?.bits() as usize;
            let size = number(size, record, steps)?.bits() as usize;
            let bytes = array(bytes, record, steps)?;
            let bytes = count.checked_mul(size).and_then(|length| bytes.get(..length)).ok_or_else(cut)?;
            steps.take(bytes.len())?;
            items(bytes, size).map(Cow::Owned)
        }
        _ => Err("it is no text".to_owned()),
    }
}

fn number(expr: &Expr, record: &dyn Fields, steps: &mut Steps) -> Result<Int, String> {
    match evaluate(expr, record, steps)? {
        Operand::Number(number) => Ok(number),
        _ => Err("an operator on what is no number".to_owned()),
    }
}

fn array<'r>(expr: &'r Expr, record: &'r dyn Fields, steps: &mut Steps) -> Result<&'r [u8], String> {
    match evaluate(expr, record, steps)? {
        Operand::Bytes(bytes) => Ok(bytes),
        _ => Err("an array that is none".to_owned()),
    }
}

/// `&&` and `||` do not evaluate their right side where the left one decides.
fn binary(
    operator: &str,
    left: &Expr,
    right: &Expr,
    record: &dyn Fields,
    steps: &mut Steps,
) -> Result<Int, String> {
    let one = number(left, record, steps)?;
    match operator {
        "&&" if !one.is_true() => return Ok(Int::of_bool(false)),
        "||" if one.is_true() => return Ok(Int::of_bool(true)),
        _ => {}
    }
    let other = number(right, record, steps)?;
    one.binary(operator, other).ok_or_else(|| "a division by zero".to_owned())
}

/// `trace_print_symbols_seq()`.
pub(crate) fn symbol(value: u64, table: &Table) -> Cow<'_, str> {
    match table.iter().find(|(known, _)| *known == value) {
        Some((_, name)) => Cow::Borrowed(name),
        None => Cow::Owned(format!("{value:#x}")),
    }
}

/// `trace_print_flags_seq()`, before the delimiter.
pub(crate) fn flags(mut value: u64, table: &Table) -> Vec<String> {
    let mut names = Vec::new();
    for (mask, name) in table {
        if value == 0 {
            break;
        }
        if value & mask == *mask {
            value &= !mask;
            names.push(name.clone());
        }
    }
    if value != 0 {
        names.push(format!("{value:#x}"));
    }
    names
}

/// `trace_print_hex_seq()`.
fn hex(bytes: &[u8], blanks: bool) -> String {
    let mut text = String::new();
    for (nth, byte) in bytes.iter().enumerate() {
        // Writing to a String does not fail.
        let _ = write!(text, "{}{byte:02x}", if nth > 0 && blanks { " " } else { "" });
    }
    text
}

/// `trace_print_array_seq()`.
fn items(bytes: &[u8], size: usize) -> Result<String, String> {
    if !matches!(size, 1 | 2 | 4 | 8) {
        return Err(format!("an array of items of {size} bytes"));
    }
    let item = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    let items: Vec<String> = bytes.chunks_exact(size).map(|bytes| format!("{:#x}", item(bytes))).collect();
    Ok(format!("{{{}}}", items.join(",")))
}
